"""The open session when it was deleted on another screen, or by another process."""

from collections.abc import Iterator
from contextlib import contextmanager

from replyscope.engine.conversation import Conversation
from replyscope.ui.chat.desk import Desk
from replyscope.ui.working_screen import WorkingScreen


class RemovedSession:
    """Reports once, when the chat is in front, that the open session was deleted."""

    def __init__(self, desk: Desk, screen: WorkingScreen[None]) -> None:
        self._desk = desk
        self._screen = screen
        self._gone: str | None = None
        """The id of the open session if it was removed for good."""
        self._told: tuple[str, bool] | None = None
        self._waits = False

    def follow(self, conversation: Conversation, *, for_good: bool = False) -> None:
        """Note the state of a conversation that was just read again."""
        self._gone = conversation.session.id if for_good else None
        self.tell()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Report only at the end: another session may be opened before."""
        self._waits = True
        try:
            yield
        finally:
            self._waits = False
            self.tell()

    def tell(self) -> None:
        """Report a deletion that was not reported yet."""
        session = self._desk.conversation.session
        for_good = self._gone == session.id
        if not for_good and session.deleted_at is None:
            self._told = None
        elif self._screen.is_current and not self._waits and self._told != (session.id, for_good):
            self._told = session.id, for_good
            self._desk.tell(
                "This session was removed for good. What you see can still be copied."
                if for_good
                else "This session was deleted. What you send here brings it back.",
                is_error=False,
            )
