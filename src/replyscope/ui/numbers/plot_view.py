"""A column chart of the saved replies over time. A column can be selected and opened."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widget import Widget

from replyscope.domain.plural import plural
from replyscope.inspection.figures import UNKNOWN, count, seconds
from replyscope.inspection.plot import Measure, PlotCell, column, edges_of, top_of
from replyscope.inspection.stats import Sums
from replyscope.ui.styles.muted import MUTED

_AXIS = 9
COLOURS = {
    Measure.REPLIES: ("$primary", "$error"),
    Measure.TOKENS: ("$primary", "$secondary"),
    Measure.COST: ("$success", "$warning"),
    Measure.TTFT: ("$primary", "$foreground 25%"),
    Measure.DURATION: ("$primary", "$foreground 25%"),
}
"""The colours of a measure's two series."""

_MOVE = Binding.Group("days")


class PlotView(Widget, can_focus=True):
    """A chart with a selection: left and right select a span of days, Enter opens its replies."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1)", "Earlier", id="plot.earlier", group=_MOVE),
        Binding("right,l", "move(1)", "Later", id="plot.later", group=_MOVE),
        Binding("home", "move(-100000)", "First", show=False),
        Binding("end", "move(100000)", "Last", show=False),
        Binding("enter", "open", "Its replies", id="plot.open"),
    ]

    class Opened(Message):
        """The person opened a span; `term` is the query term of its replies."""

        def __init__(self, term: str) -> None:
            super().__init__()
            self.term = term

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._spans: Sequence[Sums] = ()
        self._is_loaded = False
        self._measure = Measure.REPLIES
        self._picked = 0

    @property
    def most_columns(self) -> int:
        """The number of spans that fit the width."""
        return max(10, self.content_size.width - _AXIS)

    def show(self, spans: Sequence[Sums]) -> None:
        """Show the spans of other replies, and select the newest."""
        self._spans, self._is_loaded = spans, True
        self._picked = max(0, len(spans) - 1)
        self.refresh()

    def show_measure(self, measure: Measure) -> None:
        """Plot another measure of the same replies."""
        self._measure = measure
        self.refresh()

    @property
    def _edges(self) -> list[int]:
        return edges_of(len(self._spans), self.most_columns)

    def render(self) -> Content:
        """The columns, their axis, and the figures of the selected span."""
        if not self._spans:
            text = "No saved replies match." if self._is_loaded else "Loading…"
            return Content.styled(text, MUTED)
        room = max(2, self.content_size.height - 3)
        height = room - room % 2  # so that the middle of the axis is a round number
        measure = self._measure
        stacks = [measure.stack_of(one) if one.replies else (0.0, 0.0) for one in self._spans]
        top = top_of(stacks)
        columns = [column(stack, top, height) for stack in stacks]
        lines = [self._row(row, height, top, columns) for row in reversed(range(height))]
        return Content("\n").join([*lines, self._axis(), self._dates(), self._words()])

    def _row(
        self, row: int, height: int, top: float, columns: Sequence[Sequence[PlotCell]]
    ) -> Content:
        marks = {height - 1: top, 0: 0.0}
        if height >= 6:
            marks[height // 2 - 1] = top / 2
        label = self._measure.label_of(marks[row]) if row in marks else ""
        pieces: list[tuple[str, str]] = [(f"{label:>{_AXIS - 2}} ┤"[-_AXIS:], MUTED)]
        edges = self._edges
        for number, cells in enumerate(columns):
            cell = cells[row]
            width = edges[number + 1] - edges[number]
            body = width - 1 if width > 2 else width
            text = "·".center(body) if cell.block == "·" else cell.block * body
            pieces.append((text, self._look(cell, number)))
            if body < width:
                pieces.append((" " * (width - body), ""))
        return Content.assemble(*_joined(pieces))

    def _look(self, cell: PlotCell, number: int) -> str:
        is_picked = number == self._picked and self.has_focus
        if cell.block == "·":
            return MUTED
        if not cell.series:
            return ""
        colours = COLOURS[self._measure]
        front = "$accent" if is_picked and cell.series == 1 else colours[cell.series - 1]
        return f"{front} on {colours[cell.behind - 1]}" if cell.behind else front

    def _axis(self) -> Content:
        edges = self._edges
        start, end = edges[self._picked], edges[self._picked + 1]
        return Content.assemble(
            (f"{'└':>{_AXIS}}", MUTED),
            ("─" * start, MUTED),
            ("▲" + "─" * (end - start - 1), "$accent"),
            ("─" * (edges[-1] - end), MUTED),
        )

    def _dates(self) -> Content:
        """The row of dates: the first days of the spans, where they fit without overlap."""
        text = ""
        for at, one in zip(self._edges, self._spans, strict=False):
            day = one.name[:10]
            if at >= len(text) + (2 if text else 0) and at + len(day) <= self.most_columns:
                text = text.ljust(at) + day
        return Content.styled(" " * _AXIS + text, MUTED)

    def _words(self) -> Content:
        one = self._spans[self._picked]
        low, high = self._measure.series
        colours = COLOURS[self._measure]
        replies = f"{one.name}: {plural(one.replies, 'reply')}"
        errors = f" · {plural(one.errors, 'error')}" if one.errors else ""
        figures = (
            f" · {count(one.output_known)} out · {Measure.COST.text_of(one)} · "
            f"first token {_seconds(one.ttft_p50)}"
        )
        measured = errors
        if self._measure is not Measure.REPLIES:
            measured = f" · {self._measure.text_of(one)}"
        legend = [("■ ", colours[0]), (f"{low}  ", MUTED), ("■ ", colours[1]), (high, MUTED)]
        room = max(0, self.content_size.width - len(low) - len(high) - 8)
        wholes = (f"{replies}{errors}{figures}", f"{replies}{measured}", replies, one.name)
        said = next((whole for whole in wholes if len(whole) <= room), one.name)
        return Content.assemble((said[:room].ljust(room), "$text-accent"), "  ", *legend)

    def action_move(self, step: int) -> None:
        """Select an earlier or later span."""
        self._picked = max(0, min(self._picked + step, len(self._spans) - 1))
        self.refresh()

    def action_open(self) -> None:
        """Open the replies of the selected span."""
        if self._spans and self._spans[self._picked].replies:
            self.post_message(self.Opened(self._spans[self._picked].term))

    @property
    def picked_term(self) -> str:
        """The query term of the selected span; empty without spans."""
        return self._spans[self._picked].term if self._spans else ""

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def _column_at(self, event: Click) -> int | None:
        at = event.get_content_offset_capture(self)
        number = bisect_right(self._edges, at.x - _AXIS) - 1
        return number if 0 <= number < len(self._spans) else None

    def on_click(self, event: Click) -> None:
        """Select the clicked span; a double click opens it."""
        number = self._column_at(event)
        if number is None:
            return
        self._picked = number
        self.refresh()
        if event.chain == 2:
            self.action_open()


def _seconds(value_s: float | None) -> str:
    return UNKNOWN if value_s is None else seconds(value_s * 1000)


def _joined(pieces: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Merge neighbours of the same style: a plot has thousands of cells."""
    made: list[tuple[str, str]] = []
    for text, look in pieces:
        if made and made[-1][1] == look:
            made[-1] = (made[-1][0] + text, look)
        else:
            made.append((text, look))
    return made
