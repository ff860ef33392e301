"""The session that the chat begins with."""

from collections.abc import Iterator
from contextlib import contextmanager

from replyscope.domain.errors import ReplyscopeError, StoreError
from replyscope.engine.conversation import Conversation
from replyscope.ui.chat.desk import Desk


class FirstSession:
    """Opens the archive, and loads the session that the command line names.

    A named session is loaded before the chat takes over from the prompt: what was sent there
    belongs to it. Errors are kept until there is a screen to show them.
    """

    def __init__(self, desk: Desk) -> None:
        self.conversation: Conversation | None = None
        self.recovered = 0
        """The number of interrupted replies that were recovered."""
        self.unsaved: StoreError | None = None
        """Why nothing is saved."""
        self.errors: list[ReplyscopeError] = []
        self._desk = desk
        self._is_loaded = False
        desk.opened.clear()

    @property
    def is_named(self) -> bool:
        """Whether the chat begins with a saved session."""
        services = self._desk.services
        return services.session_id is not None or services.opens_newest

    @property
    def has_failed(self) -> bool:
        """Whether the named session could not be loaded."""
        return self.is_named and self.conversation is None and bool(self.errors or self.unsaved)

    async def load(self) -> None:
        """Open the archive, then load the session. The second call does nothing."""
        if self._is_loaded:
            return
        self._is_loaded = True
        services = self._desk.services
        try:
            await services.open_store()
        except StoreError as error:
            self.unsaved = error
        self._desk.opened.set()
        with self._kept():
            self.recovered = await services.recover()
        with self._kept():
            conversation = await services.open_first()
            if conversation is not None:
                self._desk.targets.begin(conversation)
                self.conversation = conversation

    @contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except ReplyscopeError as error:
            self.errors.append(error)
