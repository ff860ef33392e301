"""A view of rendered lines. Only visible lines are converted to strips."""

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from replyscope.ui.markdown.wrap import to_strip

_DIFFERENCE = Binding.Group("difference")


class DiffView(ScrollView, can_focus=True):
    """Scrolls by lines, pages and differences."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "diff--first",
        "diff--second",
        "diff--muted",
        "diff--title",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "move(1)", show=False),
        Binding("k", "move(-1)", show=False),
        Binding("g", "scroll_home", show=False),
        Binding("G,shift+g", "scroll_end", show=False),
        Binding("n", "next(1)", "Next difference", id="compare.next", group=_DIFFERENCE),
        Binding("N,shift+n", "next(-1)", "Previous difference", id="compare.previous",
                group=_DIFFERENCE),
    ]  # fmt: skip

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: Sequence[Text] = ()
        self._stops: Sequence[int] = ()

    def show(self, lines: Sequence[Text], stops: Sequence[int]) -> None:
        """Show other lines; `stops` are the first lines of the differences."""
        self._lines, self._stops = lines, stops
        self.virtual_size = Size(self.scrollable_content_region.width, len(lines))
        self.refresh()

    def look(self, name: str) -> Style:
        """A style of the theme."""
        return self.get_component_rich_style(f"diff--{name}")

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        number = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        if number >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        line = to_strip(self._lines[number]).apply_style(self.rich_style)
        return line.crop_extend(0, width, self.rich_style)

    def action_move(self, step: int) -> None:
        """Scroll by lines."""
        self.scroll_relative(y=step, animate=False)

    def action_next(self, step: int) -> None:
        """Go to the next or the previous difference."""
        at = self.scroll_offset.y
        ahead = [stop for stop in self._stops if (stop > at if step > 0 else stop < at)]
        if ahead:
            target = ahead[0] if step > 0 else ahead[-1]
            self.scroll_to(y=target, animate=False, immediate=True)
