"""The screen of the first run: a choice among all kinds of providers."""

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, OptionList, Static
from textual.widgets.option_list import Option

from replyscope.domain.endpoint import FoundServer
from replyscope.domain.local_models import LocalModels
from replyscope.domain.ports import FindServers
from replyscope.domain.printable import printable_line
from replyscope.engine.provider_choice import ProviderChoice, ProviderKind
from replyscope.inspection.figures import size
from replyscope.ui.dialogs.small import LineDialog

_EXAMPLE_URL = "http://127.0.0.1:8000/v1"


class FirstRun(ModalScreen[ProviderChoice | None]):
    """A modal list of providers: the embedded model, API keys, servers on this machine, a URL."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Not now")]

    def __init__(
        self, local: LocalModels, find_servers: FindServers, providers: tuple[str, ...]
    ) -> None:
        super().__init__()
        self._local = local
        self._find_servers = find_servers
        self._providers = providers
        self._found: tuple[FoundServer, ...] = ()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide"):
            yield Label("Where should your messages go?", classes="dialog-title")
            yield OptionList()
            yield Static("looking for servers on this machine …", id="looking", classes="hint")
            yield Static("Enter chooses, Esc decides later (/provider)", classes="hint")

    def on_mount(self) -> None:
        self._fill()
        self._look()

    @work(exit_on_error=False)
    async def _look(self) -> None:
        self._found = await self._find_servers()
        count = len(self._found)
        text = f"{count} found on this machine" if count else "no server found on this machine"
        self.query_one("#looking", Static).update(text)
        if count:
            self._fill()

    def _fill(self) -> None:
        options = self.query_one(OptionList)
        chosen = options.highlighted_option
        options.clear_options()
        for model in self._local.list_models():
            state = "installed" if model.is_installed else f"{size(model.size)} to download"
            options.add_option(
                _option(
                    f"local:{model.name}",
                    f"Embedded model: {model.title}",
                    f"{state}; no key needed. Good for {model.good_for}. {model.cannot}",
                )
            )
        for name in self._providers:
            options.add_option(
                _option(f"provider:{name}", f"Provider {name}", "from settings.toml")
            )
        options.add_option(
            _option("key-stored", "Use an OpenAI API key", "kept in this system's keyring")
        )
        options.add_option(
            _option("key-held", "Use an OpenAI API key for now", "kept in memory until you leave")
        )
        for server in self._found:
            models = ", ".join(server.models[:3]) or "no models yet"
            text = f"{server.base_url} · {models}"
            options.add_option(_option(f"server:{server.base_url}", server.product, text))
        options.add_option(
            _option("url", "Another server", "any URL that speaks the OpenAI API, ending in /v1")
        )
        keep = chosen.id if chosen is not None else None
        options.highlighted = options.get_option_index(keep) if keep else 0

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        kind, _, value = (event.option.id or "").partition(":")
        match kind:
            case "local":
                self.dismiss(ProviderChoice(ProviderKind.LOCAL, value))
            case "provider":
                self.dismiss(ProviderChoice(ProviderKind.PROVIDER, value))
            case "server":
                product = next(s.product for s in self._found if s.base_url == value)
                self.dismiss(ProviderChoice(ProviderKind.SERVER, value, product))
            case "url":
                self._ask_url()
            case _:
                self._ask_key(
                    ProviderKind.KEY_STORED if kind == "key-stored" else ProviderKind.KEY_HELD
                )

    @work
    async def _ask_key(self, way: ProviderKind) -> None:
        dialog = LineDialog("Your OpenAI API key", is_secret=True)
        if (key := await self.app.push_screen_wait(dialog)) is not None:
            self.dismiss(ProviderChoice(way, key=key))

    @work
    async def _ask_url(self) -> None:
        url = await self.app.push_screen_wait(LineDialog("The server's URL", _EXAMPLE_URL))
        if url is None:
            return
        title = "Its API key (leave it empty when it needs none)"
        dialog = LineDialog(title, is_secret=True, may_be_empty=True)
        if (key := await self.app.push_screen_wait(dialog)) is not None:
            self.dismiss(ProviderChoice(ProviderKind.URL, url, key=key))


def _option(value: str, title: str, text: str) -> Option:
    label = Content.assemble(
        (printable_line(title), "bold"), "\n  ", (printable_line(text), "$foreground 60%")
    )
    return Option(label, id=value)
