"""The dialog of one wire frame: its JSON in colours, with folds."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label

from replyscope.domain.event import WireFrame
from replyscope.domain.printable import printable_line
from replyscope.inspection.wire import frame_fields
from replyscope.ui.keys.footer import KeyFooter
from replyscope.ui.reading.json_tree import JsonTree


class FrameScreen(ModalScreen[None]):
    """Shows a frame. The arrow keys show the previous and the next frame."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Close"),
        Binding("right,n", "step(1)", "Next frame", priority=True),
        Binding("left,p", "step(-1)", "Previous frame", priority=True),
        Binding("y", "copy", "Copy"),
    ]

    def __init__(self, frames: Sequence[WireFrame], number: int) -> None:
        super().__init__()
        self._frames = frames
        self._number = number

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide", id="frame-dialog"):
            yield Label("", classes="dialog-title")
            yield JsonTree(id="frame-json")
            yield KeyFooter()

    def on_mount(self) -> None:
        self.query_one(JsonTree).focus()
        self._draw()

    def _draw(self) -> None:
        frame = self._frames[self._number]
        event, data = frame_fields(frame.text)
        parts = [f"Frame {self._number + 1:,} of {len(self._frames):,}", f"{frame.at_ms:,.1f} ms"]
        parts += [printable_line(event)] if event else []
        self.query_one(".dialog-title", Label).update(Content(" · ".join(parts)))
        self.query_one(JsonTree).show_text(data)

    def action_step(self, step: int) -> None:
        """Show the next or the previous frame."""
        self._number = max(0, min(self._number + step, len(self._frames) - 1))
        self._draw()

    def action_copy(self) -> None:
        """Copy the frame byte for byte."""
        self.app.copy_to_clipboard(self._frames[self._number].text)
        self.notify("Copied the frame", timeout=2)
