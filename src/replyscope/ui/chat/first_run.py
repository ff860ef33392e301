"""The screen of the first run: a choice among all kinds of providers."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static

from replyscope.domain.address import AddressError, read_base_url
from replyscope.domain.endpoint import FoundServer
from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.local_models import LocalModels
from replyscope.domain.plural import plural
from replyscope.domain.ports import FindServers
from replyscope.engine.provider_choice import ProviderChoice, ProviderKind
from replyscope.inspection.figures import size
from replyscope.ui.dialogs.dialog import ListDialog, Row
from replyscope.ui.dialogs.progress import WorkDialog
from replyscope.ui.dialogs.small import LineDialog, PickDialog
from replyscope.ui.terminal.type_ahead import HoldsKeys

_EXAMPLE_URL = "http://127.0.0.1:8000/v1"
_KEY_TITLE = "Its API key (leave blank if it needs none)"
_RETRY, _CHANGE, _ANYWAY = "retry", "change", "use anyway"
_AFTER_FAILURE = (
    (_RETRY, "connect again"),
    (_CHANGE, "edit the URL and the key"),
    (_ANYWAY, "save it, although it does not answer now"),
)

Check = Callable[[ProviderChoice], Awaitable[None]]
"""Connects to the server of a choice. Raises ReplyscopeError."""


class FirstRun(HoldsKeys, ListDialog[ProviderChoice | None]):
    """A modal list of providers: servers on this machine, the embedded model, API keys, a URL.

    A server that was found is the first row. Until the search ends, Enter waits.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "choose", priority=True),
        Binding("escape", "cancel", "decide later (/provider)"),
    ]
    SIZE = "tall wide"

    def __init__(
        self,
        local: LocalModels,
        find_servers: FindServers,
        providers: Sequence[tuple[str, str]],
        check: Check,
    ) -> None:
        super().__init__("Choose a provider")
        self._local = local
        self._find_servers = find_servers
        self._providers = providers
        self._check = check
        self._found: tuple[FoundServer, ...] = ()
        self._is_searching = True

    def compose_content(self) -> ComposeResult:
        yield from super().compose_content()
        yield Static("Looking for servers on this machine…", id="looking", classes="hint")

    def on_mount(self) -> None:
        super().on_mount()
        self._look()

    def holds(self, event: events.Event) -> bool:
        """Whether a key waits for the search: Enter, while the first row may still change."""
        is_enter = isinstance(event, events.Key) and event.key in ("enter", "ctrl+s")
        return is_enter and self._is_searching

    @work(exit_on_error=False)
    async def _look(self) -> None:
        before = self.highlighted
        try:
            self._found = await self._find_servers()
        finally:
            self._is_searching = False
        count = len(self._found)
        words = f"{plural(count, 'server')} found on this machine" if count else "No server found"
        self.query_one("#looking", Static).update(Content(f"{words}."))
        if count:
            first = self.query_one(OptionList).highlighted == 0
            self.fill(None if first else before)

    def rows(self) -> Sequence[Row]:
        """The servers that were found, then the other kinds of providers."""
        rows = [
            Row(
                f"server:{server.base_url}",
                server.product,
                f"{server.base_url} · {', '.join(server.models[:3]) or 'no models yet'}",
            )
            for server in self._found
        ]
        for model in self._local.list_models():
            state = "installed" if model.is_installed else f"{size(model.size)} to download"
            text = f"{state}; no key needed. Good for {model.good_for}. {model.cannot}"
            rows.append(Row(f"local:{model.name}", f"Embedded model: {model.title}", text))
        rows += [
            Row(f"provider:{name}", f"Provider {name}", origin) for name, origin in self._providers
        ]
        return [
            *rows,
            Row("key-stored", "Use an OpenAI API key", "stored in the keyring of this system"),
            Row("key-held", "Use an OpenAI API key once", "kept in memory until you quit"),
            Row("url", "Another server", "any URL of an OpenAI-compatible API, ending in /v1"),
        ]

    def action_accept(self) -> None:
        """Return the highlighted provider; the person enters a key or a URL first."""
        kind, _, value = (self.highlighted or "").partition(":")
        match kind:
            case "local":
                self.dismiss(ProviderChoice(ProviderKind.LOCAL, value))
            case "provider":
                self.dismiss(ProviderChoice(ProviderKind.PROVIDER, value))
            case "server":
                product = next(s.product for s in self._found if s.base_url == value)
                self.dismiss(ProviderChoice(ProviderKind.SERVER, value, product))
            case "url":
                self.start_work(self._ask_url, holds_keys=True)
            case "key-stored":
                self.start_work(self._ask_key, ProviderKind.KEY_STORED, holds_keys=True)
            case "key-held":
                self.start_work(self._ask_key, ProviderKind.KEY_HELD, holds_keys=True)

    async def _ask_key(self, way: ProviderKind) -> None:
        dialog = LineDialog("Your OpenAI API key", is_secret=True)
        if (key := await self.app.push_screen_wait(dialog)) is not None:
            self.dismiss(ProviderChoice(way, key=key))

    async def _ask_url(self) -> None:
        """Ask for a URL and a key until the server answers, or the person keeps it anyway."""
        url, note = _EXAMPLE_URL, ""
        while True:
            dialog = LineDialog("The server's URL", url, note=note)
            typed = await self.app.push_screen_wait(dialog)
            if typed is None:
                return
            url = typed
            try:
                read_base_url(url)
            except AddressError as error:
                note = f"{error} {error.next_step}"
                continue
            secret = LineDialog(_KEY_TITLE, is_secret=True, may_be_empty=True)
            key = await self.app.push_screen_wait(secret)
            if key is None:
                return
            choice = ProviderChoice(ProviderKind.URL, url, key=key)
            is_used, note = await self._is_used(choice)
            if is_used:
                self.dismiss(choice)
                return

    async def _is_used(self, choice: ProviderChoice) -> tuple[bool, str]:
        """Connect to the server; after an error ask what to do. Returns the error's words."""
        while True:
            dialog: WorkDialog[bool] = WorkDialog(
                f"Connecting to {choice.value}", lambda _tell: self._connect(choice)
            )
            done = await self.app.push_screen_wait(dialog)
            if done is True:
                return True, ""
            words = str(done) if isinstance(done, ReplyscopeError) else "Cancelled."
            asked = PickDialog("Could not connect to the server", _AFTER_FAILURE, note=words)
            answer = await self.app.push_screen_wait(asked)
            if answer != _RETRY:
                return answer == _ANYWAY, words

    async def _connect(self, choice: ProviderChoice) -> bool:
        await self._check(choice)
        return True
