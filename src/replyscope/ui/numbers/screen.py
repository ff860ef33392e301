"""The numbers screen: a plot of all replies over time, and totals that open their replies."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static, Tab, Tabs
from textual.widgets.option_list import Option

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.library import SearchIndex
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.query import QueryError
from replyscope.domain.search import ReplyFigures, UsageSum
from replyscope.engine.review import Review
from replyscope.inspection.plot import Measure
from replyscope.inspection.stats import (
    Stats,
    spans_of,
    spans_of_usage,
    stats_of,
    stats_of_usage,
    within,
)
from replyscope.ui.keys.footer import KeyFooter
from replyscope.ui.numbers.plot_view import PlotView
from replyscope.ui.numbers.rows import LEGEND, NumberRow, figure_rows, group_rows
from replyscope.ui.styles.breakpoints import HORIZONTAL_BREAKPOINTS, VERTICAL_BREAKPOINTS
from replyscope.ui.styles.muted import MUTED

_WIDE = 110
_MEASURES = Binding.Group("measure")


class StatsScreen(Screen[str | None]):
    """A screen of statistics. Returns the query of the figure that was opened."""

    HORIZONTAL_BREAKPOINTS = HORIZONTAL_BREAKPOINTS
    VERTICAL_BREAKPOINTS = VERTICAL_BREAKPOINTS
    CSS_PATH = "../styles/stats.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "open_errors", "Its errors"),
        Binding("slash", "focus_query", "Narrow"),
        Binding("escape,f9,q", "dismiss(None)", "Close"),
        *(
            Binding(str(number), f"measure({number})", measure.value, group=_MEASURES)
            for number, measure in enumerate(Measure, 1)
        ),
    ]

    def __init__(self, review: Review, index: SearchIndex, query: str = "") -> None:
        super().__init__()
        self._first_query = query
        self._review = review
        self._index = index
        self._figures: Sequence[ReplyFigures] = ()
        self._usage: Sequence[UsageSum] = ()
        self._stats: Stats | None = None
        self._query = ""
        self._terms: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        yield Input(
            self._first_query,
            placeholder="all replies; / to narrow",
            id="stats-query",
            compact=True,
        )
        yield Tabs(
            *(Tab(f"{n} {measure.value}", id=measure.name) for n, measure in enumerate(Measure, 1)),
            id="stats-measures",
        )
        yield PlotView(id="stats-plot")
        with Horizontal(id="stats-lists"):
            yield OptionList(id="stats-figures")
            yield OptionList(id="stats-rows")
        yield Static(id="stats-hint")
        yield KeyFooter()

    def on_mount(self) -> None:
        self.query_one(PlotView).focus()
        self._tell("Counting…")
        self.call_after_refresh(self._ask)

    @on(Input.Changed)
    def _ask(self) -> None:
        job: Any = partial(self._load, self.query_one("#stats-query", Input).value)
        self.run_worker(job, exclusive=True, exit_on_error=False)

    async def _load(self, text: str) -> None:
        try:
            search = self._review.read(text)
            await self._review.update_index(self._tell_left)
            if await self._show_kept(text):
                return
            self._figures, self._usage = await self._index.figures(search), ()
        except (QueryError, ReplyscopeError) as error:
            self._tell(str(error), is_error=True)
            return
        self._query = text
        await self._draw_plot()
        self._stats = await asyncio.to_thread(stats_of, self._figures)
        self._draw_rows()
        self._tell("")

    async def _show_kept(self, text: str) -> bool:
        """Show the kept sums, if all replies are wanted and the archive has them."""
        usage = None if text.strip() else await self._index.usage()
        if usage is None:
            return False
        self._figures, self._usage = (), usage
        self._query, self._stats = text, await asyncio.to_thread(stats_of_usage, usage)
        await self._draw_plot()
        self._draw_rows()
        self._tell("")
        return True

    async def _draw_plot(self) -> None:
        plot = self.query_one(PlotView)
        if self._usage:
            plot.show(spans_of_usage(self._usage, plot.most_columns))
        else:
            plot.show(await asyncio.to_thread(spans_of, self._figures, plot.most_columns))

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw_rows)
        job: Any = self._draw_plot
        self.run_worker(job, group="plot", exclusive=True, exit_on_error=False)

    def _tell_left(self, left: int) -> None:
        self._tell(f"Indexing {plural(left, 'new reply')}…")

    def _tell(self, text: str, *, is_error: bool = False) -> None:
        look = "$text-error" if is_error else MUTED
        self.query_one("#stats-hint", Static).update(Content.styled(printable_line(text), look))

    def _draw_rows(self) -> None:
        stats = self._stats
        if stats is None:
            return
        figures = self.query_one("#stats-figures", OptionList)
        rows = self.query_one("#stats-rows", OptionList)
        is_wide = self.size.width >= _WIDE
        figures.display = is_wide
        self._terms.clear()
        measure = self._measure
        whole = [NumberRow("all replies"), *figure_rows(stats.total), LEGEND]
        room = max(30, self.size.width - (52 if is_wide else 6))
        groups = list(group_rows(stats, measure, room))
        self._fill(figures, whole if is_wide else ())
        self._fill(rows, groups if is_wide else [*whole, *groups])

    def _fill(self, shown: OptionList, rows: Sequence[NumberRow]) -> None:
        kept = shown.highlighted
        options = []
        for row in rows:
            key = f"row-{len(self._terms)}"
            if row.term is not None:
                self._terms[key] = row.term
            title = Content.styled(row.title, f"bold {MUTED}")
            is_title = row.term is None
            options.append(
                Option(title if is_title else row.content, id=None if is_title else key,
                       disabled=is_title)
            )  # fmt: skip
        shown.clear_options()
        shown.add_options(options)
        shown.highlighted = kept if kept is not None and kept < len(options) else None

    @property
    def _measure(self) -> Measure:
        return Measure[self.query_one(Tabs).active or Measure.REPLIES.name]

    @on(Tabs.TabActivated)
    def _on_measure(self) -> None:
        self.query_one(PlotView).show_measure(self._measure)
        self._draw_rows()

    def action_measure(self, number: int) -> None:
        """Plot another measure."""
        self.query_one(Tabs).active = list(Measure)[number - 1].name

    def action_focus_query(self) -> None:
        """Focus the query field."""
        self.query_one("#stats-query", Input).focus()

    @on(Input.Submitted)
    def _on_submitted(self) -> None:
        self.query_one(PlotView).focus()

    @on(PlotView.Opened)
    def _open_span(self, event: PlotView.Opened) -> None:
        self._open(event.term)

    @on(OptionList.OptionSelected)
    def _open_row(self, event: OptionList.OptionSelected) -> None:
        self._open(self._terms.get(event.option.id or "", ""))

    def action_open_errors(self) -> None:
        """Open the errors among the replies of the highlighted row."""
        pane = self.focused
        term = ""
        if isinstance(pane, PlotView):
            term = pane.picked_term
        elif isinstance(pane, OptionList) and pane.highlighted is not None:
            term = self._terms.get(pane.get_option_at_index(pane.highlighted).id or "", "")
        self._open(f"{term} has:error".strip())

    def _open(self, term: str) -> None:
        self.dismiss(within(self._query, term))
