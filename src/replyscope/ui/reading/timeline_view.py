"""The timeline of a reply: its phases as bars over time, and a cursor."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click, MouseMove
from textual.message import Message
from textual.widget import Widget

from replyscope.domain.exchange import Exchange
from replyscope.domain.printable import printable_line
from replyscope.inspection.figures import rate, seconds
from replyscope.inspection.frame_change import frame_row
from replyscope.inspection.plot import column, short, top_of
from replyscope.inspection.timeline import Bar, Doing, Timeline, paces_of
from replyscope.ui.styles.muted import MUTED

_CURVE = 3
_AROUND = 2
_LOOKS = {
    Doing.WAITING: ("$foreground 30%", MUTED),
    Doing.REASONING: ("$secondary", "$text-secondary"),
    Doing.TEXT: ("$primary", "$text-primary"),
    Doing.CALL: ("$warning", "$text-warning"),
    Doing.TOOL: ("$success", "$text-success"),
    Doing.STALL: ("$error", "$text-error"),
}
"""The colours of a phase: of its bar, and of its name."""
Cells = list[tuple[str, str]]
_STEP = Binding.Group("frame")


class TimelineView(Widget, can_focus=True):
    """Left and right move the moment, comma and dot go by frames, Enter shows the frames."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1)", "Earlier", show=False),
        Binding("right,l", "move(1)", "Later", show=False),
        Binding("full_stop,n", "step(1)", "Next frame", id="timeline.next", group=_STEP),
        Binding("comma,N,shift+n", "step(-1)", "Previous frame", id="timeline.previous",
                group=_STEP),
        Binding("home", "move(-100000)", "To the start", show=False),
        Binding("end", "move(100000)", "To the end", show=False),
        Binding("enter", "show_frames", "Frames of the moment", id="timeline.frames"),
    ]  # fmt: skip

    class MomentChosen(Message):
        """Enter was pressed at a moment, in milliseconds since the request: show its frames."""

        def __init__(self, at_ms: float) -> None:
            super().__init__()
            self.at_ms = at_ms

    class MomentPicked(Message):
        """Another moment is picked, in milliseconds since the request."""

        def __init__(self, at_ms: float) -> None:
            super().__init__()
            self.at_ms = at_ms

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._timeline = Timeline((), 0.0)
        self._exchange: Exchange | None = None
        self._times: list[float] = []
        self.moment_ms = 0.0
        """The time that is picked."""

    def show_timeline(self, exchange: Exchange, timeline: Timeline) -> None:
        """Show the timeline of another reply."""
        if self._exchange is None or self._exchange.id != exchange.id:
            self.moment_ms = 0.0
        self._exchange, self._timeline = exchange, timeline
        self._times = [frame.at_ms for frame in timeline.frames]
        self.refresh(layout=True)

    def show_nothing(self) -> None:
        """Show an empty view."""
        if self._exchange is None:
            return
        self._exchange, self._timeline, self._times = None, Timeline((), 0.0), []
        self.refresh(layout=True)

    @property
    def _room(self) -> int:
        return max(10, self.content_size.width - 1)

    def _column_of(self, at_ms: float) -> int:
        share = at_ms / self._timeline.end_ms if self._timeline.end_ms > 0 else 0.0
        return max(0, min(self._room - 1, round(share * (self._room - 1))))

    def render(self) -> Content:
        """The token rate, then the bars in the order of their start."""
        exchange, timeline = self._exchange, self._timeline
        if exchange is None or timeline.end_ms <= 0:
            return Content.styled("No times were measured.", MUTED)
        lines = [self._moment()]
        lines += self._curve(exchange)
        stalls = [bar for bar in timeline.bars if bar.doing is Doing.STALL]
        for bar in timeline.bars:
            lines += self._bar(bar, stalls if bar.doing is not Doing.STALL else ())
        lines += [Content(""), *self._frames()]
        lines.append(Content.styled("[← →] moment  [, .] frame  [Enter] wire", MUTED))
        return Content("\n").join(lines)

    def _moment(self) -> Content:
        at = self._column_of(self.moment_ms)
        text = f"▼ {seconds(self.moment_ms)} of {seconds(self._timeline.end_ms)}"
        if at + len(text) > self.content_size.width:
            text = f"{seconds(self.moment_ms)} ▼"
            return Content.styled(" " * max(0, at - len(text) + 1) + text, "$text-accent")
        return Content.styled(" " * at + text, "$text-accent")

    def _line(self, cells: Cells) -> Content:
        """A row of cells over time, crossed by a vertical line at the picked moment."""
        at = self._column_of(self.moment_ms)
        if cells[at][0] == " ":
            cells[at] = ("│", "$accent 60%")
        else:
            cells[at] = (cells[at][0], f"{cells[at][1]} on $accent 40%")
        return Content.assemble(*cells)

    def _bar(self, bar: Bar, stalls: Sequence[Bar]) -> list[Content]:
        first, last = self._column_of(bar.start_ms), self._column_of(bar.end_ms)
        cells: Cells = [(" ", "")] * self._room
        bar_color, name_color = _LOOKS[bar.doing]
        still = [(self._column_of(one.start_ms), self._column_of(one.end_ms)) for one in stalls]
        for at in range(first, last + 1):
            is_still = any(start < at < end for start, end in still)
            cells[at] = ("░" if is_still else "█", bar_color)
        took = seconds(bar.end_ms - bar.start_ms)
        note = f" {bar.note}" if bar.note else ""
        head = Content.assemble((printable_line(bar.label), name_color), f" {took}{note}")
        return [head, self._line(cells)]

    def _curve(self, exchange: Exchange) -> list[Content]:
        """Tokens per second over the same time; characters if the tokens were not counted."""
        tokens = exchange.usage.output_tokens if exchange.usage is not None else None
        paces = paces_of(self._timeline, self._room, tokens)
        if not paces:
            return []
        unit = "char/s" if tokens is None else "tok/s"
        columns = [column((pace, 0.0), top_of([(max(paces), 0.0)]), _CURVE) for pace in paces]
        head = f"pace  {rate(exchange)}, peak {short(round(max(paces)))} {unit}"
        rows = [
            self._line([(cells[row].block, "$text-accent") for cells in columns])
            for row in reversed(range(_CURVE))
        ]
        return [Content.styled(head, MUTED), *rows]

    def _frames(self) -> list[Content]:
        """The frames around the moment; the last frame that had arrived is marked."""
        frames = self._timeline.frames
        if not frames:
            is_live = self._exchange is not None and not self._exchange.state.is_terminal
            why = (
                "The frames are listed when the reply has ended."
                if is_live
                else "No frames were recorded."
            )
            return [Content.styled(why, MUTED)]
        now = max(0, bisect_right(self._times, self.moment_ms) - 1)
        start = max(0, min(now - _AROUND, len(frames) - 2 * _AROUND - 1))
        width = self.content_size.width
        return [
            Content.styled(
                printable_line(frame_row(number + 1, frames[number]))[:width],
                "$text-accent" if number == now else MUTED,
            )
            for number in range(start, min(len(frames), start + 2 * _AROUND + 1))
        ]

    def point_at(self, at_ms: float) -> None:
        """Show a moment that was picked elsewhere."""
        self.moment_ms = max(0.0, min(at_ms, self._timeline.end_ms))
        self.refresh()

    def _pick(self, at_ms: float) -> None:
        self.point_at(at_ms)
        self.post_message(self.MomentPicked(self.moment_ms))

    def action_move(self, step: int) -> None:
        """Pick an earlier or later moment."""
        at = self._column_of(self.moment_ms) + step
        self._pick(self._timeline.end_ms * at / max(1, self._room - 1))

    def action_step(self, step: int) -> None:
        """Pick the moment of the next or the previous frame."""
        if step > 0:
            later = bisect_right(self._times, self.moment_ms)
            if later < len(self._times):
                self._pick(self._times[later])
            return
        earlier = [at for at in self._times if at < self.moment_ms]
        if earlier:
            self._pick(earlier[-1])

    def action_show_frames(self) -> None:
        """Show the frames around the moment."""
        self.post_message(self.MomentChosen(self.moment_ms))

    def _pick_at(self, event: Click | MouseMove) -> None:
        at = event.get_content_offset_capture(self).x
        self._pick(self._timeline.end_ms * min(max(0, at), self._room - 1) / (self._room - 1))

    def on_mouse_move(self, event: MouseMove) -> None:
        """Pick a moment while dragging."""
        if event.button == 1:
            self._pick_at(event)

    def on_click(self, event: Click) -> None:
        """A click picks the moment; a second one shows its frames."""
        self._pick_at(event)
        if event.chain == 2:
            self.action_show_frames()
