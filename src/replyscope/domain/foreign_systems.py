"""The system prompts of a foreign conversation: the first becomes the session's prompt."""

from datetime import datetime

from replyscope.domain.foreign import ForeignTurn
from replyscope.domain.message import Role, TextPart


class Systems:
    """Collects distinct system prompts."""

    def __init__(self) -> None:
        self._known: list[str] = []

    @property
    def first(self) -> str | None:
        """The session's system prompt."""
        return self._known[0] if self._known else None

    def add(self, text: str) -> bool:
        """Add a text. Returns whether it is the first one or already known."""
        if not text.strip() or text in self._known:
            return True
        self._known.append(text)
        return len(self._known) == 1

    def turn(
        self, key: str, parent: str | None, at: datetime | None, text: str
    ) -> list[ForeignTurn]:
        """A separate message for a text that is not the session's prompt."""
        if self.add(text):
            return []
        return [ForeignTurn(key, Role.SYSTEM, (TextPart(text),), at, parent)]
