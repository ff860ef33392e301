"""The comparison screen: two replies side by side, with their differences."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from replyscope.domain.printable import printable_line
from replyscope.inspection.siblings import Reply
from replyscope.ui.keys.entries import KeyGuide
from replyscope.ui.keys.footer import KeyFooter
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.reading.comparison_lines import Looks, draw_comparison, stops_in
from replyscope.ui.reading.diff_view import DiffView
from replyscope.ui.styles.breakpoints import HORIZONTAL_BREAKPOINTS, VERTICAL_BREAKPOINTS
from replyscope.ui.styles.muted import MUTED
from replyscope.ui.transcript.drawings import Drawings
from replyscope.ui.transcript.messages import DrawingReady

_OTHER = Binding.Group("another reply")


class CompareScreen(Screen[None]):
    """Compares two of several replies, as Markdown source or rendered."""

    HORIZONTAL_BREAKPOINTS = HORIZONTAL_BREAKPOINTS
    VERTICAL_BREAKPOINTS = VERTICAL_BREAKPOINTS
    CSS_PATH = "../styles/compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "rendered", "Rendered or source"),
        Binding("s", "side_by_side", "Side by side"),
        Binding("x", "swap", "Swap"),
        Binding("left_square_bracket", "other(-1)", "Compare with the previous", group=_OTHER),
        Binding("right_square_bracket", "other(1)", "Compare with the next", group=_OTHER),
        Binding("escape,q", "dismiss(None)", "Close"),
    ]

    def __init__(
        self, replies: Sequence[Reply], palette: Palette, first: int = 0, second: int = 1
    ) -> None:
        super().__init__()
        self._replies = replies
        self._pair = (first, second)
        self._palette = palette
        self.is_rendered = False
        self._is_side_by_side = False
        self._is_stale = self._is_drawing = False
        self._drawings = Drawings(self, diagrams_kept=None)
        self.has_others = len(replies) > 2
        self.key_guide = _CompareKeys(self)

    def compose(self) -> ComposeResult:
        yield Static(id="compare-title")
        yield DiffView(id="compare-lines")
        yield KeyFooter()

    def on_mount(self) -> None:
        self._is_side_by_side = self.app.size.width >= 120
        self.query_one(DiffView).focus()
        self.call_after_refresh(self._start)

    def on_resize(self) -> None:
        self.call_after_refresh(self._start)

    @on(DrawingReady)
    def _start(self) -> None:
        self._is_stale = True
        if not self._is_drawing:
            job: Any = partial(self._draw_newest)
            self.run_worker(job, exit_on_error=False)

    async def _draw_newest(self) -> None:
        """Draw; repeat if a key or a finished diagram changed the lines meanwhile."""
        self._is_drawing = True
        try:
            while self._is_stale:
                self._is_stale = False
                await self._draw()
        finally:
            self._is_drawing = False

    async def _draw(self) -> None:
        view = self.query_one(DiffView)
        looks = Looks(
            view.look("first"),
            view.look("second"),
            view.look("muted"),
            view.look("title"),
            palette=self._palette,
            options=self._drawings.options(),
            is_rendered=self.is_rendered,
            is_side_by_side=self._is_side_by_side,
        )
        self._show_title("comparing …")
        first, second = (self._replies[number] for number in self._pair)
        width = max(30, view.scrollable_content_region.width)
        lines = await asyncio.to_thread(draw_comparison, first, second, width, looks)
        stops = stops_in(lines, looks)
        view.show(lines, stops)
        self._show_title("rendered" if self.is_rendered else "Markdown source")
        self.query_one(KeyFooter).draw()

    def _show_title(self, shape: str) -> None:
        names = " and ".join(
            f"{number + 1} {printable_line(self._replies[number][0].model)}"
            for number in self._pair
        )
        count = f" of {len(self._replies)}" if len(self._replies) > 2 else ""
        title = Content.assemble(
            ("Compare ", "bold $text-primary"), f"{names}{count}", (f"  {shape}", MUTED)
        )
        self.query_one("#compare-title", Static).update(title)

    def action_swap(self) -> None:
        """Swap the two replies."""
        self._pair = (self._pair[1], self._pair[0])
        self._start()

    def action_side_by_side(self) -> None:
        """Switch the source between two columns and one text."""
        self._is_side_by_side = not self._is_side_by_side
        self._start()

    def action_rendered(self) -> None:
        """Switch between the rendered texts and their Markdown source."""
        self.is_rendered = not self.is_rendered
        self._start()

    def action_other(self, step: int) -> None:
        """Compare the first with another of the replies."""
        first, second = self._pair
        others = [number for number in range(len(self._replies)) if number != first]
        second = others[(others.index(second) + step) % len(others)]
        self._pair = (first, second)
        self._start()


class _CompareKeys(KeyGuide):
    """The keys of the comparison; keys that do nothing now are hidden."""

    def __init__(self, screen: CompareScreen) -> None:
        self._screen = screen

    def order(self) -> Sequence[str]:
        """The differences come first."""
        return ("compare.next", "compare.previous", "rendered", "swap", "dismiss(None)")

    def word(self, binding: Binding, word: str) -> str:
        """The word of a binding in the footer; empty while its command does nothing."""
        match binding.action:
            case "rendered" if self._screen.is_rendered:
                return "Markdown source"
            case "side_by_side" if self._screen.is_rendered:
                return ""
            case "other(1)" | "other(-1)" if not self._screen.has_others:
                return ""
            case _:
                return word
