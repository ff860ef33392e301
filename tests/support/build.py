"""Builders of domain values, and the real provider against a loopback server."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.event import Event
from replyscope.domain.exchange import Api, Choice, Exchange
from replyscope.domain.fold import fold_events
from replyscope.domain.message import Message, Role, TextPart
from replyscope.domain.ports import Clock
from replyscope.domain.request import ModelRequest
from replyscope.provider.chat_completions import ChatCompletions
from replyscope.provider.openai_provider import OpenAIProvider
from replyscope.provider.responses import Responses

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def make_exchange(**changes: Any) -> Exchange:
    """An exchange that just started."""
    fields: dict[str, Any] = {
        "id": "x1",
        "api": Api.CHAT,
        "endpoint": "test",
        "base_url": "http://127.0.0.1/v1",
        "model": "test-model",
        "started_at": NOON,
    }
    return Exchange(**{**fields, **changes})


def user_message(text: str, message_id: str = "m1") -> Message:
    """A person's message."""
    return Message(message_id, Role.USER, (TextPart(text),), NOON)


def ask(text: str = "hi", **fields: Any) -> ModelRequest:
    """A request with one user message."""
    return ModelRequest("test-model", (user_message(text),), **fields)


class Memory:
    """Remembers adaptations as the store does."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], dict[str, str]] = {}

    async def recall(self, base_url: str, model: str) -> Mapping[str, str]:
        return self.known.get((base_url, model), {})

    async def remember(self, base_url: str, model: str, name: str, value: str) -> None:
        self.known.setdefault((base_url, model), {})[name] = value


@asynccontextmanager
async def open_chat(
    base_url: str,
    clock: Clock,
    *,
    key: str | None = "sk-planted-key-123",
    memory: Memory | None = None,
    **fields: Any,
) -> AsyncIterator[OpenAIProvider]:
    """The real provider for a server."""
    memory = memory or Memory()
    endpoint = Endpoint("test", base_url, **{"max_retries": 0, **fields})
    dialect = Responses() if endpoint.api is Api.RESPONSES else ChatCompletions()
    provider = OpenAIProvider(dialect, endpoint, key, clock, memory.recall, memory.remember)
    try:
        yield provider
    finally:
        await provider.aclose()


async def collect(provider: OpenAIProvider, request: ModelRequest) -> list[Event]:
    """Every event of a request."""
    events: list[Event] = []
    await provider.stream(request, events.append)
    return events


async def run(provider: OpenAIProvider, request: ModelRequest) -> Exchange:
    """The exchange that a request makes."""
    return fold_events(make_exchange(api=provider.api), await collect(provider, request))


def without_downloads(choice: Choice) -> Choice:
    """The choice without the files that it cites, which are no part of the stream."""
    return replace(choice, images=tuple(one for one in choice.images if not one.name))
