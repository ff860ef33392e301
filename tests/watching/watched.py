"""A watch archive over a real store, and programs that call through it."""

import itertools
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from replyscope.domain.exchange import Exchange
from replyscope.domain.session import StoredSession
from replyscope.domain.watched import CallListener, Client, WatchedRequest
from replyscope.engine.watching.archive import WatchArchive, WatchEvents, WatchServices
from replyscope.engine.watching.gaps import Gap
from replyscope.engine.watching.listed_call import ListedCall
from replyscope.provider.watched_wire import WatchedWire
from replyscope.store.memory_store import MemoryStore
from replyscope.store.sqlite_store import SqliteStore
from replyscope.store.watched import SqliteWatchStore
from tests.support.build import NOON

SSE = (("content-type", "text/event-stream"),)
JSON = (("content-type", "application/json"),)
AGENT = Client("agent/1.0", 4711, "python agent.py")


class _Clock:
    def now(self) -> datetime:
        return NOON

    def monotonic_ms(self) -> float:
        return 0.0


def request_of(
    body: Any,
    path: str = "/chat/completions",
    *,
    client: Client = AGENT,
    at: datetime = NOON,
    headers_sent: tuple[tuple[str, str], ...] = (("authorization", "•••"),),
    **fields: Any,
) -> WatchedRequest:
    """A request of a program with a JSON body."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    made = WatchedRequest(
        f"r{next(_NUMBERS)}",
        at,
        "server",
        "http://127.0.0.1:9/v1",
        "POST",
        path,
        "",
        (("content-type", "application/json"), *headers_sent),
        data,
        client,
    )
    return replace(made, **fields)


_NUMBERS = itertools.count()


def chat_stream(text: str, calls: Sequence[tuple[str, str, str]] = (), **first: Any) -> bytes:
    """A streamed reply of Chat Completions; calls as (id, name, arguments)."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word} for word in text.split(" ") for word in (word, " ")][:-1]
    for index, (call_id, name, arguments) in enumerate(calls):
        function = {"name": name, "arguments": arguments}
        one = {"index": index, "id": call_id, "type": "function", "function": function}
        deltas.append({"tool_calls": [one]})
    finish = "tool_calls" if calls else "stop"
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    head = {"id": "c1", "object": "chat.completion.chunk", "model": "test-model", **first}
    frames = [f"data: {json.dumps({**head, **chunk})}\n\n" for chunk in chunks]
    return "".join([*frames, "data: [DONE]\n\n"]).encode()


@dataclass
class Watched:
    """An archive, and what it reported."""

    archive: WatchArchive
    store: SqliteStore
    ended: list[tuple[Exchange, str | None]] = field(default_factory=list)
    listed: list[ListedCall] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    at: datetime = NOON

    def begin(self, body: Any, path: str = "/chat/completions", **fields: Any) -> CallListener:
        """Begin a call; each is a second after the last."""
        self.at += timedelta(seconds=1)
        return self.archive.called(request_of(body, path, at=self.at, **fields))

    async def call(
        self,
        body: Any,
        reply: bytes,
        path: str = "/chat/completions",
        *,
        status: int = 200,
        headers: tuple[tuple[str, str], ...] = SSE,
        fault: str | None = None,
        **fields: Any,
    ) -> tuple[Exchange, str]:
        """Run a call to its end. Returns the exchange and the session's id."""
        listener = self.begin(body, path, **fields)
        answer(listener, reply, status=status, headers=headers, fault=fault)
        await self.settle()
        exchange, session_id = self.ended[-1]
        assert session_id is not None
        return exchange, session_id

    async def settle(self) -> None:
        """Wait until every ended call is saved."""
        await self.archive.close(30)

    async def session(self, session_id: str) -> StoredSession:
        """A session as it is stored."""
        return await self.store.load_session(session_id)


def answer(
    listener: CallListener,
    reply: bytes,
    *,
    status: int = 200,
    headers: tuple[tuple[str, str], ...] = SSE,
    fault: str | None = None,
    size: int = 64,
) -> None:
    """Report a response in pieces, one a millisecond."""
    listener.responded(status, headers, 1.0)
    at_ms = 1.0
    for start in range(0, len(reply), size):
        at_ms += 1.0
        listener.received(reply[start : start + size], at_ms)
    listener.ended(fault, at_ms + 1.0)


@asynccontextmanager
async def open_watched(
    folder: Path | None,
    change: Callable[[WatchServices], WatchServices] = lambda s: s,
    *,
    events: WatchEvents | None = None,
) -> AsyncIterator[Watched]:
    """An archive over a store in a folder; in memory without one. `events` replace the listeners
    of the result.
    """
    numbers = itertools.count()
    prefix = f"p{next(_NUMBERS)}"
    if folder is not None:
        folder.mkdir(exist_ok=True)
    path = folder / "sessions.db" if folder is not None else None
    store = SqliteStore(path, prefix) if path is not None else MemoryStore(prefix)
    await store.open()
    services = WatchServices(
        SqliteWatchStore(lambda: store),
        WatchedWire(),
        _Clock(),
        lambda: f"{prefix}-{next(numbers)}",
    )
    watched: Watched
    events = events or WatchEvents(
        lambda _request, exchange, session_id: watched.ended.append((exchange, session_id)),
        lambda call: watched.listed.append(call),
        lambda gap: watched.gaps.append(gap),
    )
    watched = Watched(WatchArchive(change(services), events), store)
    try:
        yield watched
    finally:
        await watched.archive.close()
        await store.close()
