"""The dialog of one wire frame, formatted."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, Static

from replyscope.domain.event import WireFrame
from replyscope.domain.printable import printable_text
from replyscope.inspection.wire import frame_text

_MOST = 100_000


class FrameScreen(ModalScreen[None]):
    """Shows a frame laid out, and walks to its neighbours."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss(None)", "Close"),
        Binding("right,n", "step(1)", "Next"),
        Binding("left,p", "step(-1)", "Previous"),
        Binding("y", "copy", "Copy"),
    ]

    def __init__(self, frames: Sequence[WireFrame], number: int) -> None:
        super().__init__()
        self._frames = frames
        self._number = number

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog tall"):
            yield Label("", classes="dialog-title")
            with VerticalScroll():
                yield Static(id="frame-text")
            yield Static("← → other frames, y copies it as it came, Esc closes", classes="hint")

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()
        self._draw()

    def _draw(self) -> None:
        frame = self._frames[self._number]
        title = f"Frame {self._number + 1:,} of {len(self._frames):,} · {frame.at_ms:,.1f} ms"
        self.query_one(".dialog-title", Label).update(Content(title))
        text = frame_text(frame)
        shown = printable_text(text[:_MOST])
        rest = f"\n… {len(text) - _MOST:,} more characters" if len(text) > _MOST else ""
        self.query_one("#frame-text", Static).update(Content(shown + rest))
        self.query_one(VerticalScroll).scroll_home(animate=False)

    def action_step(self, step: int) -> None:
        """Show a neighbour."""
        self._number = max(0, min(self._number + step, len(self._frames) - 1))
        self._draw()

    def action_copy(self) -> None:
        """Copy the frame byte for byte."""
        self.app.copy_to_clipboard(self._frames[self._number].text)
        self.notify("Copied the frame", timeout=2)
