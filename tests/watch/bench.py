"""A relay between a raw upstream and raw clients, and an observer that keeps what it gets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from replyscope.cli.system import SystemClock, new_id
from replyscope.cli.wiring import RELAY_CHILD
from replyscope.domain.authorities import unused_context
from replyscope.domain.isolated_python import python_command
from replyscope.domain.route import Route
from replyscope.domain.watched import CallObserver, WatchedRequest
from replyscope.serving.faults.plan import FaultPlan
from replyscope.serving.watch.process.delivery import MOST_WAITING
from replyscope.serving.watch.process.parent import RelayProcess
from replyscope.serving.watch.relay import Relay
from replyscope.serving.watch.upstream import Upstream

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Seen:
    """One call as an observer gets it. Implements CallListener."""

    request: WatchedRequest
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    parts: list[bytes] = field(default_factory=list)
    fault: str | None = None
    lack: str | None = None
    has_missed: bool = False
    times: list[float] = field(default_factory=list)
    is_ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def body(self) -> bytes:
        """The body so far."""
        return b"".join(self.parts)

    def responded(self, status: int, headers: tuple[tuple[str, str], ...], at_ms: float) -> None:
        assert self.status is None
        self.status, self.headers = status, headers
        self.times.append(at_ms)

    def received(self, data: bytes, at_ms: float) -> None:
        assert self.status is not None
        assert not self.is_ended.is_set()
        self.parts.append(data)
        self.times.append(at_ms)

    def fault_missed(self) -> None:
        self.has_missed = True

    def ended(self, fault: str | None, at_ms: float, lack: str | None = None) -> None:
        assert not self.is_ended.is_set()
        self.fault, self.lack = fault, lack
        self.times.append(at_ms)
        self.is_ended.set()


class Watcher:
    """Keeps all calls. Implements CallObserver. `hear` is called at each."""

    def __init__(self) -> None:
        self.hear: Callable[[], None] = lambda: None
        self._new: asyncio.Queue[Seen] = asyncio.Queue()
        self._calls: list[Seen] = []
        self.count = 0
        """How many calls were reported so far."""

    def called(self, request: WatchedRequest) -> Seen:
        call = Seen(request)
        self.count += 1
        self._new.put_nowait(call)
        self.hear()
        return call

    async def ended(self, count: int) -> Sequence[Seen]:
        """The first calls, when they have ended."""
        async with asyncio.timeout(60):
            while len(self._calls) < count:
                self._calls.append(await self._new.get())
            for call in self._calls[:count]:
                await call.is_ended.wait()
        return self._calls[:count]


@dataclass
class Stage:
    """A running relay: its port, what its observer saw, and what it reported."""

    port: int
    watcher: Watcher
    reports: list[str]
    relay: Relay | RelayProcess
    said: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when something is reported; by a relay in a process."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def close(self) -> None:
        """Close the relay; the end of the context does it too."""
        await self.relay.close()


def upstream_at(base_url: str, name: str = "up", **options: object) -> Upstream:
    """An upstream without a proxy and TLS."""
    return Upstream(name, base_url, Route(unused_context()), **options)  # type: ignore[arg-type]


@asynccontextmanager
async def relaying(
    *upstreams: Upstream,
    token: str | None = None,
    observer: CallObserver | None = None,
    faults: FaultPlan | None = None,
    **options: Any,
) -> AsyncIterator[Stage]:
    """A relay to upstreams."""
    watcher, reports = Watcher(), list[str]()
    relay = Relay(
        upstreams,
        observer or watcher,
        clock=SystemClock(),
        new_id=new_id,
        report=reports.append,
        token=token,
        faults=None if faults is None else faults.choose_in_thread,
        **options,
    )
    port = await relay.start(0)
    try:
        yield Stage(port, watcher, reports, relay)
    finally:
        await relay.close()


@asynccontextmanager
async def relaying_in_a_process(
    *upstreams: Upstream,
    observer: CallObserver | None = None,
    most_waiting: int = MOST_WAITING,
    port: int = 0,
    **options: Any,
) -> AsyncIterator[Stage]:
    """The same in a process of its own; `most_waiting` bytes may wait there for this loop."""
    watcher, reports, said = Watcher(), list[str](), asyncio.Event()

    def report(text: str) -> None:
        reports.append(text)
        said.set()

    relay = RelayProcess(
        python_command(RELAY_CHILD),
        upstreams,
        observer or watcher,
        report=report,
        most_waiting=most_waiting,
        **options,
    )
    try:
        yield Stage(await relay.start(port), watcher, reports, relay, said)
    finally:
        await relay.close()


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """A raw server; the base URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await handler(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()


def answering(*responses: bytes, heads: list[bytes] | None = None) -> Handler:
    """A handler that answers each request of a connection with the next response, then closes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for response in responses:
            raw = await read_request(reader)
            if heads is not None:
                heads.append(raw)
            writer.write(response)
            await writer.drain()

    return handle


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """The bytes of a request with a content-length or without a body."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return head + await reader.readexactly(int(line.partition(b":")[2]))
    return head


def post(body: bytes, path: str = "/v1/chat/completions", *headers: str) -> bytes:
    """The bytes of a request."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def talk(port: int, request: bytes) -> bytes:
    """All that comes back for a request on a connection of its own, until it is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        got = bytearray()
        with suppress(ConnectionError):
            async with asyncio.timeout(20):
                while data := await reader.read(65_536):
                    got += data
        return bytes(got)
    finally:
        writer.close()
