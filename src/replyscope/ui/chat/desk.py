"""The desk of the chat: the state and services that its groups of commands share."""

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import Exchange
from replyscope.domain.overlaid import Overlaid
from replyscope.domain.session import SessionSettings
from replyscope.engine.conversation import Conversation
from replyscope.engine.targets import Targets
from replyscope.inspection.explain import has_text
from replyscope.ui.chat.pending import Pending
from replyscope.ui.chat.turns import TurnOwner, Turns
from replyscope.ui.services import Services
from replyscope.ui.terminal.frame_pace import Stoppable
from replyscope.ui.terminal.type_ahead import KeyHold
from replyscope.ui.working_screen import WorkHost

if TYPE_CHECKING:
    from textual.screen import Screen

    from replyscope.engine.watching.switch import Watching

Answer = TypeVar("Answer")


class Application(Protocol):
    """The interface of the application: dialogs, the clipboard, the bell and the focus."""

    app_focus: bool

    @property
    def is_running(self) -> bool:
        """Whether the application has not begun to exit."""

    async def push_screen_wait(self, screen: "Screen[Answer]") -> Answer:
        """Open a screen from a worker, and return its result."""

    def push_screen(
        self, screen: "Screen[Answer]", callback: Callable[[Answer | None], None] | None = None
    ) -> object:
        """Open a screen; `callback` gets its result, None when it was cancelled."""

    def copy_to_clipboard(self, text: str) -> None:
        """Copy a text."""

    def bell(self) -> None:
        """Ring."""


class Host(TurnOwner, WorkHost, Protocol):
    """The interface of the screen: workers, toasts, dialogs and timers."""

    @property
    def app(self) -> Application:
        """The application that the screen is in."""

    def hold_keys(self) -> KeyHold:
        """Let later keys wait for a command that may open a dialog."""

    def set_timer(self, delay: float, callback: Callable[[], None]) -> Stoppable:
        """Call a function after a delay in seconds."""

    def call_next(self, callback: Callable[[], None]) -> None:
        """Call a function after the message that is handled now."""


class LocalStart:
    """The start of the embedded model that a run begins with: messages wait for its end. Without
    one it has ended from the beginning.
    """

    def __init__(self, targets: Targets, *, is_expected: bool) -> None:
        self._targets = targets
        self.ended = asyncio.Event()
        """Set when the model is in use, or failed to start."""
        if not is_expected:
            self.ended.set()

    def is_awaited(self, conversation: Conversation) -> bool:
        """Whether the messages of a session wait: it has no other provider."""
        return not self.ended.is_set() and self._targets.endpoint_of(conversation) is None

    async def has_target(self, conversation: Conversation) -> bool:
        """Wait for the end. Returns False if a message waited in vain for a provider."""
        if not self.is_awaited(conversation):
            return True
        await self.ended.wait()
        return self._targets.endpoint_of(conversation) is not None


class Desk:
    """The shared state of the chat: the open conversation, the running turns, the drafts, and
    the services.
    """

    def __init__(self, services: Services, host: Host) -> None:
        self.services = services
        self.archive = services.archive
        self.targets = Targets(services)
        self.local_start = LocalStart(self.targets, is_expected=services.starts_local is not None)
        self.turns = Turns(host)
        self.pending = Pending()
        self.conversation: Conversation = services.archive.new(SessionSettings())
        self.pending.turn_to(self.conversation.session.id)
        self.opened = asyncio.Event()
        """Set when the archive is open: whether a session is saved may change until then."""
        self.opened.set()
        self.hub = ""
        """The state of the hub in words, for the status line."""
        self.finished: set[str] = set()
        """The ids of sessions whose reply ended while another session was open."""
        self.watching: Watching | None = None
        """The watch, once it was started."""
        self.is_leaving = False
        self.leaves_anyway = False
        """Whether to quit with unsaved changes."""
        self.draw_status: Callable[[], None] = lambda: None
        """Draws the status line, which shows settings."""
        self.tell = host.tell
        self.start_work = host.start_work
        self.hold_keys = host.hold_keys
        self.ask_dialog = host.ask_dialog
        self.ask = host.app.push_screen_wait
        self.show = host.app.push_screen
        self.set_timer = host.set_timer
        self._call_next = host.call_next
        self.app = host.app

    def call_next(self, callback: Callable[[], None]) -> None:
        """Call a function after the message that is handled now, unless the app exits by then: the
        widgets of the screen are removed first. Textual does the same with timers.
        """
        self._call_next(lambda: callback() if self.app.is_running else None)

    @property
    def exchanges_now(self) -> Mapping[str, Exchange]:
        """The conversation's exchanges, with the current state of each stream."""
        lives = self.conversation.lives
        if not lives:
            return self.conversation.exchanges
        now = {exchange_id: live.exchange() for exchange_id, live in lives.items()}
        return Overlaid(now, self.conversation.exchanges)

    def last_exchange(self) -> Exchange | None:
        """The newest exchange of the last reply."""
        messages = self.conversation.messages
        if not messages or not messages[-1].sources:
            return None
        return self.conversation.exchanges.get(messages[-1].sources[-1].exchange_id)

    @property
    def can_go_on(self) -> bool:
        """Whether the last reply has text to continue."""
        messages = self.conversation.messages
        return bool(messages) and has_text(messages[-1], self.conversation.exchanges)

    def offered_tools(self) -> tuple[str, ...]:
        """The names of the tools that this session offers."""
        chosen = self.conversation.session.settings.tools
        return self.services.tool_settings().enabled if chosen is None else chosen

    def apply_settings(self, conversation: Conversation, settings: SessionSettings) -> None:
        """Change the settings of a session, and save them unless the session is new."""
        conversation.change_settings(settings)
        self.draw_status()
        if not conversation.is_new:
            self.start_work(self._save_settings, conversation)

    async def _save_settings(self, conversation: Conversation) -> None:
        try:
            await conversation.save_head()
        except ReplyscopeError as error:
            self.tell(error)

    def change_settings(self, values: Mapping[tuple[str, ...], Any]) -> bool:
        """Change the settings file, and report an error. Returns whether it was changed."""
        try:
            self.services.change_settings(values)
        except ReplyscopeError as error:
            self.tell(error)
            return False
        return True
