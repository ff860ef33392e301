"""The first screen: the prompt, in the layout of the chat, painted while the chat is loaded.

Its input is not lost: the chat screen continues with it, in order.
"""

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from replyscope.ui.chat.composer import Composer
from replyscope.ui.styles.breakpoints import CHAT_BREAKPOINTS, VERTICAL_BREAKPOINTS
from replyscope.ui.styles.styled_once import style_once
from replyscope.ui.terminal.compositor import TightCompositor
from replyscope.ui.terminal.settling import settle
from replyscope.ui.terminal.textual_internals import paint_once, use_compositor
from replyscope.ui.terminal.type_ahead import HoldsKeys

WELCOME = """\
Ask anything. Beside each reply you see why it ended,
what it used and which tools it asked for.

/ commands    @ files    F1 keys    F2 model"""

PRIVATE_WELCOME = """\
Private: nothing of this session is written to disk.
It is gone when you leave, or delete it.

What the provider keeps of it is the provider's."""

_LONG_S = 0.8
_OPENING = "Opening the session…"


class FrontScreen(HoldsKeys, Screen[None]):
    """A screen with a composer that is shown until the chat is loaded.

    From the first command on, keys wait for the chat.
    """

    HORIZONTAL_BREAKPOINTS = CHAT_BREAKPOINTS
    VERTICAL_BREAKPOINTS = VERTICAL_BREAKPOINTS

    def __init__(self, *, is_fresh: bool) -> None:
        super().__init__()
        use_compositor(self, TightCompositor())
        paint_once(self)
        self._is_fresh = is_fresh
        self._sent: list[Message] = []
        self._holds = False

    def compose(self) -> ComposeResult:
        with Horizontal(id="body"):
            yield Static(id="sidebar")
            with Vertical(id="center"):
                with Vertical(id="conversation"):
                    yield Static(WELCOME if self._is_fresh else "", id="welcome")
                yield Composer(id="composer")
                yield Static(id="status")
            yield Static(id="inspector")
        yield Static(id="keys")

    def on_mount(self) -> None:
        self.query_one("#sidebar").border_title = "Sessions"
        self.query_one("#inspector").border_title = "Inspector"
        self.set_focus(self.query_one(Composer))
        if not self._is_fresh:
            self.set_timer(_LONG_S, lambda: self.query_one("#welcome", Static).update(_OPENING))

    @on(events.Compose)
    @on(events.ScreenResume)
    def _style_once(self, event: events.Event) -> None:
        style_once(self, event)

    @on(Composer.Submitted)
    @on(Composer.PastedLarge)
    def _keep(self, event: Message) -> None:
        self._sent.append(event)
        self._holds = isinstance(event, Composer.Submitted) and event.text.startswith("/")

    def holds(self, event: events.Event) -> bool:
        """Whether a key is for the chat: a command that the composer does not have, or a key
        after a command.
        """
        if isinstance(event, events.Key) and not event.is_printable:
            bound = self.active_bindings.get(event.key)
            if bound is not None and bound.node is self.app:
                return False
            self._holds = self._holds or bound is None
        return self._holds

    async def hand_over(self) -> tuple[list[Message], str]:
        """The submitted messages and the text of the composer, after every key so far."""
        composer = self.query_one(Composer)
        await settle(composer, self)
        composer.cursor_blink = False  # the cursor below the chat would blink on
        return self._sent, composer.text
