"""A scroll view that follows its end, and reports new text below a reader who scrolled away."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from replyscope.ui.transcript.messages import NewBelow
from replyscope.ui.transcript.scroll_bar import CalmScrollView


class FollowingView(CalmScrollView):
    """Base class of the transcript. Invariant: a view that follows has no new text below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._is_following = True
        self._has_new_below = False

    @property
    def is_following(self) -> bool:
        """Whether the view stays at the end when text is added."""
        return self._is_following

    @property
    def _following(self) -> bool:
        return self._is_following

    @_following.setter
    def _following(self, is_following: bool) -> None:
        self._is_following = is_following
        if is_following:
            self._report_below(is_below=False)

    def _report_below(self, *, is_below: bool) -> None:
        if is_below is not self._has_new_below:
            self._has_new_below = is_below
            self.post_message(NewBelow(is_below))

    def scroll_to_line(self, line: int) -> None:
        """Scroll a line to the top of the view; at the end, follow it."""
        raise NotImplementedError

    def action_page(self, step: int) -> None:
        """Scroll by a page, up with -1."""
        if step < 0:
            self.scroll_page_up()
        else:
            self.scroll_page_down()

    def scroll_page_up(self, **_options: object) -> None:
        """Scroll up by a page at once, and stop following, also when all text is visible."""
        height = self.scrollable_content_region.height
        self.scroll_to_line(self.scroll_offset.y - max(1, height - 1))
        self._following = False

    def scroll_page_down(self, **_options: object) -> None:
        """Scroll down by a page at once. At the end, follow it."""
        height = self.scrollable_content_region.height
        self.scroll_to_line(self.scroll_offset.y + max(1, height - 1))
