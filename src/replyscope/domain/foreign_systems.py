"""System prompts of a foreign conversation: the first is the session's, others are messages."""

from datetime import datetime

from replyscope.domain.foreign import Turn
from replyscope.domain.message import Role, TextPart


class Systems:
    """Collects the texts, each once."""

    def __init__(self) -> None:
        self._known: list[str] = []

    @property
    def first(self) -> str | None:
        """The session's system prompt."""
        return self._known[0] if self._known else None

    def add(self, text: str) -> bool:
        """Whether it is the first, or known already: the session's prompt has it."""
        if not text.strip() or text in self._known:
            return True
        self._known.append(text)
        return len(self._known) == 1

    def turn(self, key: str, parent: str | None, at: datetime | None, text: str) -> list[Turn]:
        """A message of its own for another text than the session's prompt."""
        if self.add(text):
            return []
        return [Turn(key, Role.SYSTEM, (TextPart(text),), at, parent)]
