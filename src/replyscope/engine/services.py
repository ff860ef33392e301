"""The services of a chat, for the Textual app and for the linear chat.

The command line builds them; nothing here does I/O.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import Api
from replyscope.domain.library import SearchIndex, SessionLabels
from replyscope.domain.local_models import LocalModels
from replyscope.domain.model_names import ModelName
from replyscope.domain.ports import (
    Clock,
    FindServers,
    KeyVault,
    OpenProvider,
    PriceList,
    Toolbox,
    TranslateFrames,
)
from replyscope.domain.settings import Layers, Settings
from replyscope.domain.shared import ExchangeForm, Form, Progress
from replyscope.domain.stores import PromptHistory, SessionStore
from replyscope.domain.tool import McpServer, ToolSettings
from replyscope.engine.archive import Archive
from replyscope.engine.attachments import AttachmentReader
from replyscope.engine.clipboard import Clipboard
from replyscope.engine.consent import Consent
from replyscope.engine.conversation import Conversation
from replyscope.engine.remote import RemoteReplies
from replyscope.engine.review import Review
from replyscope.engine.spending import Spending

if TYPE_CHECKING:  # the start does not need them
    from replyscope.domain.parameter import Catalogue
    from replyscope.domain.prompt import PromptLibrary
    from replyscope.engine.importing import Imported
    from replyscope.engine.watching.switch import Watching

Export = Callable[[Sequence[str], Form, Path | None, bool, Progress], Awaitable[list[str]]]
"""Exports sessions; with True they are redacted. Without a path it writes nothing, and only
reports the redactions.
"""
ExportExchange = Callable[[str, str, ExchangeForm], Awaitable[str]]
"""Exports an exchange of a session, redacted: the ids of both. Raises SettingsError, StoreError."""
ImportFile = Callable[[Path, bool, Progress], Awaitable["Imported"]]
"""Imports a file. With True (`is_dry`) it saves nothing, and only reports the result."""


def _no_catalogue() -> "Catalogue":
    raise ReplyscopeError("The catalogue of parameters is not available.")


def _no_prompts() -> "PromptLibrary":
    raise ReplyscopeError("There is no prompt library in this chat.")


def _no_watch() -> "Watching":
    raise ReplyscopeError("There is no watch in this chat.")


async def _check_nothing(_settings: Settings, _layers: Layers) -> None:
    """Accept all parameters."""


async def _no_background(_show: Callable[[str], None]) -> None:
    """Nothing runs in the background."""


async def _no_models() -> tuple[ModelName, ...]:
    return ()


async def _forget_nothing(_base_url: str, _model: str, _names: Iterable[str]) -> None:
    """There is nothing to forget."""


async def _back_up_nothing() -> None:
    """Make no backup."""


async def _recall_none(_base_url: str, _model: str) -> Mapping[str, str]:
    return {}


@dataclass(slots=True, eq=False, repr=False)
class ChatServices:
    """The services of one run.

    `endpoint` is the first target of requests, None when the person has to choose one.
    `faults` are sentences about invalid files, to show once.
    """

    archive: Archive
    sessions: SessionStore
    history: PromptHistory
    review: Review
    index: SearchIndex
    labels: SessionLabels
    remote: RemoteReplies
    clock: Clock
    settings: Settings
    open_provider: OpenProvider
    find_servers: FindServers
    local: LocalModels
    keys: KeyVault
    change_settings: Callable[[Mapping[tuple[str, ...], Any]], None]
    edit_text: Callable[[str], str]
    notify_desktop: Callable[[str], None]
    recover: Callable[[], Awaitable[int]]
    open_store: Callable[[], Awaitable[None]]
    close: Callable[[], Awaitable[None]]
    back_up: Callable[[], Awaitable[object]] = _back_up_nothing
    """Makes the daily backup, if the settings want one. Raises StoreError."""
    faults: list[str] = field(default_factory=list)
    endpoint: Endpoint | None = None
    is_endpoint_given: bool = False
    """Whether the command line names the provider, which the first session then uses."""
    api: Api | None = None
    prices: PriceList | None = None
    opens_review: bool = False
    opens_watch: bool = False
    watching: Callable[[], "Watching"] = _no_watch
    """Returns the watch of this run, which is imported at the first call."""
    is_forwarding: Callable[[], bool] = lambda: False
    """Whether the watch of this run forwards calls now."""
    translate: TranslateFrames | None = None
    export: Export | None = None
    export_exchange: ExportExchange | None = None
    import_file: ImportFile | None = None
    import_hint: Callable[[], Awaitable[str]] | None = None
    """A phrase that lists the files that can be imported."""
    view_file: Callable[[str, bytes], None] = lambda _name, _data: None
    """Opens bytes as a file with a name in the system's viewer. Blocks. Raises ViewerError."""
    load_catalogue: Callable[[], "Catalogue"] = _no_catalogue
    """Loads the catalogue of parameters. Blocks at the first call."""
    recall: Callable[[str, str], Awaitable[Mapping[str, str]]] = _recall_none
    """The parameters that a server rejects for a model, by URL and model: replacements by name."""
    attachments: AttachmentReader | None = None
    clipboard: Clipboard | None = None
    prompts: Callable[[], "PromptLibrary"] = _no_prompts
    """Returns the prompt library, which is imported at the first call."""
    check_layers: Callable[[Settings, Layers], Awaitable[None]] = _check_nothing
    """Checks the parameters of [models] and [presets] for a request. Raises SettingsError."""
    recent_models: Callable[[], Awaitable[tuple[ModelName, ...]]] = _no_models
    """The models of the newest sessions, the newest first."""
    environment: Endpoint | None = None
    """The endpoint of OPENAI_API_KEY and OPENAI_BASE_URL; None if neither is set."""
    forget: Callable[[str, str, Iterable[str]], Awaitable[None]] = _forget_nothing
    """Forgets that a server rejects parameters of a model, by their names in the request.

    Raises StoreError.
    """
    toolbox: Toolbox | None = None
    consent: Consent | None = None
    spending: Spending | None = None
    tool_settings: Callable[[], ToolSettings] = ToolSettings
    add_servers: Callable[[str], tuple[McpServer, ...]] = lambda _pasted: ()
    model: str | None = None
    session_id: str | None = None
    opens_newest: bool = False
    starts_local: str | None = None
    working_folder: Path = field(default_factory=Path)
    store_fault: str | None = None
    begin_background: Callable[[Callable[[str], None]], Awaitable[None]] = _no_background
    """Starts the indexing of new replies, and the quiet sync with the hub, if there is one; the
    function gets its state in words.
    """

    async def open_first(self) -> Conversation | None:
        """Open the session that the start names, or the newest one if it asks for that; None for
        a new session. Raises ReplyscopeError.
        """
        session_id: str | None = None
        if self.session_id is not None:
            session_id = await self.sessions.find_session_id(self.session_id)
        elif self.opens_newest:
            session_id = await self.archive.newest_id()
        return await self.archive.open(session_id) if session_id is not None else None
