"""The messages of the transcript."""

from textual.message import Message


class CursorMoved(Message):
    """The cursor moved to another entry."""

    def __init__(self, key: str | None) -> None:
        super().__init__()
        self.key = key


class NewBelow(Message):
    """New text arrived below the view, or the reader has now seen it."""

    def __init__(self, is_below: bool) -> None:
        super().__init__()
        self.is_below = is_below


class DrawingReady(Message):
    """A diagram whose source is shown, or a picture whose place is blank, can be drawn now."""
