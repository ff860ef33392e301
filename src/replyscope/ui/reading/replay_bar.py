"""The progress bar of a replay, which seeks by mouse."""

from textual.content import Content
from textual.events import Click, MouseMove
from textual.message import Message
from textual.widget import Widget

from replyscope.ui.styles.muted import MUTED


class ReplayBar(Widget):
    """Draws the progress and a status text. A click or a drag posts `Sought`."""

    class Sought(Message):
        """A position was clicked, as a share of the recording, 0 to 1."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._share = self._ready = 0.0
        self._text = ""

    def show(self, share: float, ready: float, text: str) -> None:
        """Show the played and the playable share, 0 to 1, and the status text."""
        if (share, ready, text) != (self._share, self._ready, self._text):
            self._share, self._ready, self._text = share, ready, text
            self.refresh()

    def render(self) -> Content:
        """The bar and the status text."""
        width = max(1, self.content_size.width)
        done = round(self._share * width)
        ready = max(done, round(self._ready * width))
        return Content.assemble(
            ("━" * done, "$accent"),
            ("─" * (ready - done), MUTED),
            ("╌" * (width - ready), "$foreground 30%"),
            "\n",
            (self._text, "$text-accent"),
        )

    def _seek(self, event: Click | MouseMove) -> None:
        at = event.get_content_offset_capture(self)
        if at.y == 0:
            share = at.x / max(1, self.content_size.width - 1)
            self.post_message(self.Sought(max(0.0, min(1.0, share))))

    def on_click(self, event: Click) -> None:
        """Seek to the clicked position."""
        self._seek(event)

    def on_mouse_move(self, event: MouseMove) -> None:
        """Seek while dragging."""
        if event.button == 1:
            self._seek(event)
