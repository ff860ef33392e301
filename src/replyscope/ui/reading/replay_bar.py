"""The progress bar of a replay, which seeks by mouse, and its keys."""

from textual.content import Content
from textual.events import Click, MouseMove
from textual.message import Message
from textual.style import Style
from textual.widget import Widget

_MUTED = "$text-muted"


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
        """The bar, the status text, and the key hints."""
        width = max(1, self.content_size.width)
        done = round(self._share * width)
        ready = max(done, round(self._ready * width))
        return Content.assemble(
            ("━" * done, "$accent"),
            ("─" * (ready - done), _MUTED),
            ("╌" * (width - ready), "$foreground 30%"),
            "\n",
            (self._text, "$text-accent"),
            "\n",
            *_keys(width),
        )

    def _seek(self, event: Click | MouseMove) -> None:
        at = event.get_content_offset_capture(self)
        if at.y == 0:
            share = at.x / max(1, self.content_size.width - 1)
            self.post_message(self.Sought(max(0.0, min(1.0, share))))

    def on_click(self, event: Click) -> None:
        """A click goes there."""
        self._seek(event)

    def on_mouse_move(self, event: MouseMove) -> None:
        """Dragging moves along."""
        if event.button == 1:
            self._seek(event)


def _keys(width: int) -> list[str | tuple[str, str | Style]]:
    """The key hints; each is a button, too."""
    is_wide = width >= 76
    rows = (
        (("space pause" if is_wide else "space", "pause"),),
        ((",", "step(-1)"), (". frame" if is_wide else ".", "step(1)")),
        (("←", "seek(-1)"), ("→ seek" if is_wide else "→", "seek(1)")),
        (("1×", "speed(1)"), ("4×", "speed(4)"), ("0 at once" if is_wide else "0", "finish")),
        (("home again" if is_wide else "home", "restart"),),
        (("esc close" if is_wide else "esc", "dismiss(None)"),),
    )
    pieces: list[str | tuple[str, str | Style]] = []
    for row in rows:
        for text, action in row:
            pieces += [(text, Style.from_meta({"@click": f"screen.{action}"})), " "]
        pieces.append(" ")
    return pieces
