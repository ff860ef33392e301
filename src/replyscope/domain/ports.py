"""The protocols between floors: what engine and screen ask of provider, store and the rest.

The command line wires implementations in; no other floor knows them.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from replyscope.domain.endpoint import Endpoint, FoundServer, ModelInfo
from replyscope.domain.event import Event, Listen, RequestSent, WireFrame, WireRecord
from replyscope.domain.exchange import Api, Exchange
from replyscope.domain.message import FilePart, ImagePart, Message
from replyscope.domain.remote import FetchedReply, RemoteReply, RemoteState
from replyscope.domain.request import ModelRequest
from replyscope.domain.rule import Rule
from replyscope.domain.session import Session, SessionSummary, Shelf, StoredSession
from replyscope.domain.shared import Shared
from replyscope.domain.think_tags import ThinkTags
from replyscope.domain.tool import ConsentRule, Offer, Tool, ToolOutcome, ToolSource


class Clock(Protocol):
    """Time, passed in."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        ...

    def monotonic_ms(self) -> float:
        """Milliseconds that never jump."""
        ...


NewId = Callable[[], str]


class StoredReplies(Protocol):
    """Replies that a provider keeps. Every method raises ProviderError."""

    async def fetch(self, response_id: str) -> FetchedReply:
        """A reply and what was said to the model for it."""
        ...

    async def cancel(self, response_id: str) -> str:
        """Stop a reply that the server still works on; its status then."""
        ...

    async def delete(self, response_id: str) -> None:
        """Make the provider forget a reply."""
        ...

    async def set_metadata(self, response_id: str, metadata: Mapping[str, str]) -> None:
        """Replace a stored completion's metadata."""
        ...


class ModelProvider(Protocol):
    """A connection to one endpoint over one API."""

    @property
    def api(self) -> Api:
        """The wire API it speaks."""
        ...

    async def stream(self, request: ModelRequest, listen: Listen) -> None:
        """Report the events of one exchange, `StreamEnded` last. Never raises for a failure."""
        ...

    @property
    def stored(self) -> StoredReplies:
        """The replies that the server keeps."""
        ...

    async def list_models(self) -> tuple[ModelInfo, ...]:
        """The models that the server offers. Raises ProviderError."""
        ...

    async def aclose(self) -> None:
        """Release its connections."""
        ...


OpenProvider = Callable[[Endpoint], Awaitable[ModelProvider]]
"""Opens a provider for an endpoint; resolves the key. Raises ReplyscopeError."""


class TranslateFrames(Protocol):
    """Reads recorded frames as the provider read them live."""

    def __call__(
        self, api: Api, frames: Iterable[WireFrame], think_tags: ThinkTags = ThinkTags.AUTO
    ) -> Iterable[Event]: ...


class Journal(Protocol):
    """Where one live exchange is written as it streams. All writes are committed in order.

    Each method returns when its commit is on disk; raises StoreError.
    """

    async def record_request(self, request: RequestSent) -> None:
        """Keep the request as it was sent."""
        ...

    async def append(self, frames: Sequence[WireFrame]) -> None:
        """Commit more frames."""
        ...

    async def finish(self, exchange: Exchange) -> None:
        """Commit the folded exchange and release the hold on it."""
        ...


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An exchange that nobody holds any more but that never ended: its writer died."""

    opening: Exchange
    frames: tuple[WireFrame, ...]


@dataclass(frozen=True, slots=True)
class SessionStamp:
    """What tells whether a session changed on disk."""

    head_id: str | None
    title: str
    exchanges: int
    open_exchanges: int
    is_deleted: bool = False


class Store(Protocol):
    """The saved sessions. Every method may raise StoreError."""

    @property
    def is_saving(self) -> bool:
        """False for a store that forgets everything at exit."""
        ...

    @property
    def is_private(self) -> bool:
        """Whether its sessions are private: nothing of them is written by anyone else either."""
        ...

    @property
    def writer(self) -> str:
        """This process's name among those that write."""
        ...

    async def create_session(self, session: Session) -> None:
        """Save a new session."""
        ...

    async def update_session(self, session: Session, before: Session) -> None:
        """Save what changed of a session's head since `before`: title, settings, draft,
        branch, deletion. What another process changed meanwhile stays.
        """
        ...

    async def load_session(self, session_id: str) -> StoredSession:
        """A session with the tree of its messages. Raises SessionNotFound.

        A tool whose runner is no more has been interrupted.
        """
        ...

    async def load_shared(self, session_id: str, *, with_wire: bool) -> Shared:
        """A session with all that is handed on of it. Raises SessionNotFound."""
        ...

    async def session_stamp(self, session_id: str) -> SessionStamp:
        """A session's stamp, cheap to read. Raises SessionNotFound."""
        ...

    async def is_held_elsewhere(self, session_id: str) -> bool:
        """Whether another process that lives writes an exchange of this session."""
        ...

    async def find_session_id(self, prefix: str) -> str:
        """The one session whose id begins so. Raises SessionNotFound."""
        ...

    async def list_sessions(
        self,
        *,
        limit: int | None = None,
        pinned_first: bool = False,
        shelf: Shelf = Shelf.LISTED,
    ) -> tuple[SessionSummary, ...]:
        """The sessions of a shelf, newest first."""
        ...

    async def summarise_session(self, session_id: str) -> SessionSummary:
        """One session as a list shows it. Raises SessionNotFound."""
        ...

    async def daily_costs(self, since: datetime) -> Mapping[date, float]:
        """US dollars by local day, as reported or estimated; unknown days are left out."""
        ...

    async def add_message(self, session_id: str, message: Message) -> None:
        """Save a message and make it the head of its session's branch."""
        ...

    async def update_message(self, message: Message) -> None:
        """Save what a message says now: how far its tools are."""
        ...

    async def begin_exchange(
        self,
        session_id: str,
        messages: Sequence[Message],
        exchange: Exchange,
        *,
        is_head: bool = True,
    ) -> Journal:
        """Save an exchange that starts, with the message of each of its choices, and hold it.

        With `is_head` the first message becomes the head.
        """
        ...

    async def reopen_exchange(self, exchange_id: str) -> Journal:
        """Go on with the journal of an exchange that was left, and hold it."""
        ...

    async def load_wire(self, exchange_id: str) -> WireRecord:
        """The request and the frames of an exchange."""
        ...

    async def take_unfinished(self) -> tuple[Unfinished, ...]:
        """Exchanges left open by writers that are gone."""
        ...

    async def close_unfinished(self, exchange: Exchange) -> None:
        """Save what became of one of them."""
        ...

    async def list_remote(self) -> tuple[RemoteReply, ...]:
        """Every id of a reply that was seen, newest first."""
        ...

    async def set_remote_state(self, response_id: str, state: RemoteState) -> None:
        """Keep what is now known of a reply at its provider."""
        ...

    async def remembered_adaptations(self, base_url: str, model: str) -> Mapping[str, str]:
        """What a server is known to reject for a model, by name."""
        ...

    async def remember_adaptation(self, base_url: str, model: str, name: str, value: str) -> None:
        """Remember that it does."""
        ...

    async def add_history(self, text: str) -> None:
        """Add a sent prompt to the composer's history."""
        ...

    async def load_history(self, limit: int) -> tuple[str, ...]:
        """The newest prompts, oldest first."""
        ...

    async def change_stamp(self) -> int:
        """A number that changes when any process commits: a list that saw it is current."""
        ...

    async def close(self) -> None:
        """Finish every write and close."""
        ...


class PrivateStore(Store, Protocol):
    """The private sessions: in memory, beside the saved ones, until the program ends."""

    @property
    def is_empty(self) -> bool:
        """Whether there is no private session."""
        ...

    def holds(self, session_id: str) -> bool:
        """Whether a session is one of its own."""
        ...

    async def holds_exchange(self, exchange_id: str) -> bool:
        """Whether an exchange is one of its own."""
        ...

    async def forget_session(self, session_id: str) -> None:
        """Remove a session at once, for good."""
        ...

    async def count_messages(self) -> int:
        """How many messages would be gone at exit."""
        ...


FindServers = Callable[[], Awaitable[tuple[FoundServer, ...]]]
"""Asks the usual ports on loopback who is there."""


class Toolbox(Protocol):
    """The tools of this machine: the shipped ones, the person's own, and MCP servers'."""

    async def offer(self, wanted: Sequence[str]) -> tuple[Tool, ...]:
        """The tools that these names of tools and sources mean; starts servers as needed.

        What can't be had is left out; `sources` says why.
        """
        ...

    async def sources(self) -> tuple[ToolSource, ...]:
        """Where tools may come from, and how each stands. Starts nothing."""
        ...

    async def run(
        self,
        tool: Tool,
        arguments: Mapping[str, Any],
        *,
        keeps_files: bool = True,
        rules: Sequence[ConsentRule] = (),
    ) -> ToolOutcome:
        """Run a tool to its end. Cancelling kills it with everything it started.

        Without `keeps_files` a result that is no text is reported, not kept. `rules` are those
        that allowed the call: a shipped tool opens nothing else, and nothing forbidden.
        """
        ...

    def place(self, tool: Tool) -> AbstractAsyncContextManager[None]:
        """Held while a tool runs. Entering waits while too many tools run as processes."""
        ...

    async def resources(self, wanted: Sequence[str]) -> tuple[Offer, ...]:
        """What the servers of these names have to attach."""
        ...

    async def read_resource(self, resource: Offer) -> FilePart | ImagePart:
        """A resource as an attachment. Raises AttachmentError."""
        ...

    async def prompts(self, wanted: Sequence[str]) -> tuple[Offer, ...]:
        """The prompts that the servers of these names have."""
        ...

    async def fill_prompt(self, prompt: Offer, arguments: Mapping[str, str]) -> str:
        """A prompt's text. Raises AttachmentError."""
        ...

    async def close(self) -> None:
        """End every server."""
        ...


class RuleEffects(Protocol):
    """What rules do outside of the conversation. A failure is told, and costs nothing else."""

    def notify(self, text: str) -> None:
        """Ring, and ask for a desktop notification."""
        ...

    async def save(self, rule: Rule, exchange: Mapping[str, Any]) -> None:
        """Write an exchange's JSON to the rule's file."""
        ...

    async def run(self, rule: Rule, exchange: Mapping[str, Any]) -> None:
        """Run the rule's command with an exchange's JSON on its stdin."""
        ...


class PriceList(Protocol):
    """What exchanges cost, and how much models can read."""

    async def estimate(self, exchange: Exchange) -> float | None:
        """US dollars for the usage that was reported; None when nobody can say."""
        ...

    async def context_window(self, base_url: str, model: str) -> int | None:
        """Tokens that a model can read and write together; None when nobody can say."""
        ...


class KeyVault(Protocol):
    """Where keys are kept that are not in the environment."""

    def store_key(self, endpoint_name: str, key: str) -> None:
        """Keep a key in the system's keyring. Raises SettingsError when there is none."""
        ...

    def hold_key(self, endpoint_name: str, key: str) -> None:
        """Keep a key in memory until exit."""
        ...

    def find_keys(self, text: str) -> list[str]:
        """The keys in a text, masked: those in use, and what looks like one."""
        ...
