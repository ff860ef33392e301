"""The protocols between floors: what engine and screen ask of provider, store and the rest.

The command line wires implementations in; no other floor knows them.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol

from replyscope.domain.endpoint import Endpoint, FoundServer, ModelInfo
from replyscope.domain.event import Event, Listen, WireFrame
from replyscope.domain.exchange import Api, Exchange
from replyscope.domain.message import FilePart, ImagePart
from replyscope.domain.remote import FetchedReply
from replyscope.domain.request import ModelRequest
from replyscope.domain.rule import Rule
from replyscope.domain.stores import (
    ExchangeStore,
    ExportSource,
    MessageStore,
    RemoteReplyStore,
    SessionStore,
)
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


class Store(SessionStore, MessageStore, ExchangeStore, RemoteReplyStore, ExportSource, Protocol):
    """A store of whole sessions: what an open conversation is read from and saved in."""


class PrivateStore(Store, Protocol):
    """The store of private sessions: in memory, until the program ends."""

    @property
    def is_empty(self) -> bool:
        """Whether there is no private session."""
        ...

    def holds(self, session_id: str) -> bool:
        """Whether it has this session."""
        ...

    async def holds_exchange(self, exchange_id: str) -> bool:
        """Whether it has this exchange."""
        ...

    async def forget_session(self, session_id: str) -> None:
        """Remove a session at once, without undo."""
        ...

    async def count_messages(self) -> int:
        """The number of messages that are lost at exit."""
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
