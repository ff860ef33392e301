"""The protocols between floors, which engine and screens use.

Provider, store and other floors implement them. Only the command line knows the
implementations.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol

from replyscope.domain.endpoint import Endpoint, FoundServer, ModelInfo
from replyscope.domain.event import Event, Listen, RequestSent, WireFrame
from replyscope.domain.exchange import Api, Exchange
from replyscope.domain.message import FilePart, ImagePart
from replyscope.domain.rates import Rates
from replyscope.domain.remote import FetchedReply
from replyscope.domain.request import ModelRequest
from replyscope.domain.rule import Rule
from replyscope.domain.spending import Ledger
from replyscope.domain.stores import (
    ExchangeStore,
    ExportSource,
    MessageStore,
    PromptValues,
    RemoteReplyStore,
    SentPrompts,
    SessionStore,
)
from replyscope.domain.think_tags import ThinkTags
from replyscope.domain.tool import ConsentRule, Offer, Tool, ToolOutcome, ToolSource


class Clock(Protocol):
    """A clock, passed in so that tests can control the time."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        ...

    def monotonic_ms(self) -> float:
        """A monotonic time in milliseconds."""
        ...


NewId = Callable[[], str]


class StoredReplies(Protocol):
    """Replies that a provider stores. Every method raises ProviderError."""

    async def fetch(self, response_id: str) -> FetchedReply:
        """A reply and its input."""
        ...

    async def cancel(self, response_id: str) -> str:
        """Cancel a background reply. Returns its new status."""
        ...

    async def delete(self, response_id: str) -> None:
        """Delete a reply at the provider."""
        ...

    async def set_metadata(self, response_id: str, metadata: Mapping[str, str]) -> None:
        """Replace a stored completion's metadata."""
        ...


class ModelProvider(Protocol):
    """A connection to one endpoint over one API."""

    @property
    def api(self) -> Api:
        """The wire API of the connection."""
        ...

    async def stream(self, request: ModelRequest, listen: Listen) -> None:
        """Report the events of one exchange, `StreamEnded` last. Never raises for a failure."""
        ...

    async def preview(self, request: ModelRequest) -> RequestSent:
        """The HTTP request that `stream` would send first; it is not sent.

        Raises ProviderError.
        """
        ...

    async def count_input(self, request: ModelRequest) -> int:
        """The input tokens of a request, as the server counts them. Raises ProviderError."""
        ...

    @property
    def stored(self) -> StoredReplies:
        """The replies that the server stores."""
        ...

    async def list_models(self) -> tuple[ModelInfo, ...]:
        """The models that the server offers. Raises ProviderError."""
        ...

    async def aclose(self) -> None:
        """Close its connections."""
        ...


OpenProvider = Callable[[Endpoint], Awaitable[ModelProvider]]
"""Opens a provider for an endpoint; resolves the key. Raises ReplyscopeError."""


class TranslateFrames(Protocol):
    """Translates recorded frames into events, as the provider translates live frames."""

    def __call__(
        self, api: Api, frames: Iterable[WireFrame], think_tags: ThinkTags = ThinkTags.AUTO
    ) -> Iterable[Event]: ...


class Store(
    SessionStore,
    MessageStore,
    ExchangeStore,
    RemoteReplyStore,
    ExportSource,
    SentPrompts,
    PromptValues,
    Protocol,
):
    """A store of whole sessions, for open conversations."""

    @property
    def ledger(self) -> Ledger:
        """The costs and reservations that count for the spending limits."""
        ...


class PrivateStore(Store, Protocol):
    """The store of private sessions: in memory, until the program ends."""

    @property
    def is_empty(self) -> bool:
        """Whether there is no private session."""
        ...

    def holds(self, session_id: str) -> bool:
        """Whether the store has this session."""
        ...

    async def holds_exchange(self, exchange_id: str) -> bool:
        """Whether the store has this exchange."""
        ...

    async def forget_session(self, session_id: str, now: datetime) -> None:
        """Remove a session at once, without undo."""
        ...

    async def count_messages(self) -> int:
        """The number of messages that are lost at exit."""
        ...


FindServers = Callable[[], Awaitable[tuple[FoundServer, ...]]]
"""Searches the usual ports on loopback for servers."""


class Ran(Protocol):
    """The exit status and the output of a program. `is_flooding`: killed for too much output."""

    @property
    def status(self) -> int: ...
    @property
    def output(self) -> bytes: ...
    @property
    def errors(self) -> bytes: ...
    @property
    def is_flooding(self) -> bool: ...


class RunProgram(Protocol):
    """Runs a program to its end, in an environment without secrets. Cancelling kills it with
    everything that it started. Raises OSError.
    """

    async def __call__(
        self, command: Sequence[str], *, given: bytes = b"", most_output: int = 8_000_000
    ) -> Ran: ...


class Toolbox(Protocol):
    """The tools on this machine: built-in ones, the person's own, and tools of MCP servers."""

    async def offer(self, wanted: Sequence[str]) -> tuple[Tool, ...]:
        """The tools for names of tools and sources; starts servers as needed.

        Unavailable tools are left out; `sources` has the reason.
        """
        ...

    async def sources(self) -> tuple[ToolSource, ...]:
        """The sources of tools, with their states. Starts no server."""
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

        Without `keeps_files` a binary result is described, not saved. `rules` are the rules that
        allowed the call: a built-in tool opens only what they cover, and nothing forbidden.
        """
        ...

    def place(self, tool: Tool) -> AbstractAsyncContextManager[None]:
        """A slot for a running tool. Entering waits while too many tools run as processes."""
        ...

    async def resources(self, wanted: Sequence[str]) -> tuple[Offer, ...]:
        """The resources of the named servers."""
        ...

    async def read_resource(self, resource: Offer) -> FilePart | ImagePart:
        """A resource as an attachment. Raises AttachmentError."""
        ...

    async def prompts(self, wanted: Sequence[str]) -> tuple[Offer, ...]:
        """The prompts of the named servers."""
        ...

    async def fill_prompt(self, prompt: Offer, arguments: Mapping[str, str]) -> str:
        """A prompt's text. Raises AttachmentError."""
        ...

    async def close(self) -> None:
        """Stop every server."""
        ...


class RuleEffects(Protocol):
    """The actions of rules outside the conversation. A failure is only reported."""

    def notify(self, text: str) -> None:
        """Ring the bell, and request a desktop notification."""
        ...

    async def save(self, rule: Rule, exchange: Mapping[str, Any]) -> None:
        """Write an exchange's JSON to the rule's file."""
        ...

    async def run(self, rule: Rule, exchange: Mapping[str, Any]) -> None:
        """Run the rule's command with an exchange's JSON on its stdin."""
        ...


class PriceList(Protocol):
    """The prices and context windows of models."""

    async def estimate(self, exchange: Exchange) -> float | None:
        """The cost of the reported usage in US dollars; None when the price is unknown."""
        ...

    async def context_window(self, base_url: str, model: str) -> int | None:
        """The context window of a model in tokens; None when it is unknown."""
        ...

    async def rates(
        self, provider: str, base_url: str, models: Sequence[str]
    ) -> Mapping[str, Rates]:
        """The prices of a provider's models by model; empty values when they are unknown."""
        ...


class KeyVault(Protocol):
    """The storage of API keys that are not in the environment."""

    def store_key(self, endpoint_name: str, key: str) -> None:
        """Save a key in the system's keyring. Raises SettingsError without a keyring."""
        ...

    def hold_key(self, endpoint_name: str, key: str) -> None:
        """Keep a key in memory until exit."""
        ...

    def find_keys(self, text: str) -> list[str]:
        """The keys in a text, masked: known keys, and texts with the shape of a key."""
        ...
