"""A server that breaks replies on purpose, at a place that the prompt itself names.

It keeps nothing: `case:cut:17` in the last message asks for a reply that is cut after
17 bytes, so that any number of replies can break beside one another.
"""

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from replyscope.domain.exchange import Api
from tests.faults.streams import stream_of
from tests.support.responses import events
from tests.support.server import delta, sse, usage

FLOOD = b"x" * 30_000
_STREAM = b"text/event-stream"
_CASE = re.compile(rb"case:(\w+):(\d+):(\d+)")


@dataclass(frozen=True, slots=True)
class Case:
    """One fault at one place. `byte` is what stands there instead, when it is garbled."""

    kind: str
    at: int
    byte: int = 0

    @property
    def prompt(self) -> str:
        """What asks the server for it."""
        return f"case:{self.kind}:{self.at}:{self.byte}"


@dataclass(slots=True)
class Wire:
    """One connection, as far as an answer needs it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    api: Api = Api.CHAT

    async def head(self, status: bytes = b"200 OK", kind: bytes = _STREAM, *more: bytes) -> None:
        """Begin an answer in chunks."""
        lines = [b"content-type: " + kind, b"transfer-encoding: chunked", *more]
        await self.raw(b"HTTP/1.1 " + status + b"\r\n" + b"\r\n".join(lines) + b"\r\n\r\n")

    async def send(self, data: bytes) -> None:
        """Send a chunk, and see it off."""
        if data:
            await self.raw(b"%x\r\n%s\r\n" % (len(data), data))

    async def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()
        await asyncio.sleep(0)  # whoever reads takes these before there are more

    async def end(self) -> None:
        """End the answer in order."""
        await self.raw(b"0\r\n\r\n")

    def cut(self) -> None:
        """Close without an end."""
        self.writer.close()

    def reset(self) -> None:
        """Close so that the other side is told of an error."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def stall(self) -> None:
        """Say nothing until the other side goes away."""
        await self.reader.read()


Script = Callable[[Wire], Awaitable[None]]


@dataclass(slots=True)
class FaultServer:
    """`scripts` answer to `case:NAME`; what is left answers with a good reply."""

    scripts: dict[str, Script] = field(default_factory=dict)
    port: int = 0
    _open: dict["asyncio.Task[None] | None", asyncio.StreamWriter] = field(default_factory=dict)

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it is closed."""
        writer.transport.set_write_buffer_limits(0)
        self._open[asyncio.current_task()] = writer
        try:
            while not writer.is_closing():
                first = await reader.readexactly(1)
                if not first.isalpha():  # TLS, spoken to a server without
                    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    break
                head = first + await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
                body = await reader.readexactly(int(length[1]) if length else 0)
                api = Api.RESPONSES if b"/responses" in head.split(b"\r\n")[0] else Api.CHAT
                await self._answer(Wire(reader, writer, api), body)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the other side went away, as it should
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            del self._open[asyncio.current_task()]

    async def close(self) -> None:
        """End each connection. Before Python 3.12 asyncio's servers don't wait for them, and a
        loop that ends first leaves their sockets open."""
        answering = dict(self._open)
        for task, writer in answering.items():
            writer.transport.abort()
            if task is not None:
                task.cancel()
        await asyncio.gather(*filter(None, answering), return_exceptions=True)

    async def _answer(self, wire: Wire, body: bytes) -> None:
        named = _CASE.findall(body)
        kind, at, byte = named[-1] if named else (b"plain", b"0", b"0")
        script = self.scripts.get(kind.decode())
        if script is not None:
            await script(wire)
        elif kind == b"plain":
            await plain(wire)
        else:
            await break_off(wire, Case(kind.decode(), int(at), int(byte)))


async def plain(wire: Wire) -> None:
    """A good reply that says “Fine.”"""
    chat = sse(delta("Fine."), delta(finish="stop"), usage())
    frames = chat if wire.api is Api.CHAT else sse(*events("Fine."), done=False)
    await wire.head()
    await wire.send(b"".join(frames))
    await wire.end()


async def break_off(wire: Wire, case: Case) -> None:
    """The rich reply with one fault in it."""
    stream = stream_of(wire.api)
    await wire.head()
    match case.kind:
        case "cut" | "reset" | "end" | "stall":
            await wire.send(stream[: case.at])
        case "split":
            await wire.send(stream[: case.at])
            await wire.send(stream[case.at :])
        case "trickle":
            for place in range(len(stream)):
                await wire.send(stream[place : place + 1])
        case "garble" | "flood":
            await wire.send(broken(stream, case))
    match case.kind:
        case "cut":
            wire.cut()
        case "reset":
            wire.reset()
        case "stall":
            await wire.stall()
        case _:
            await wire.end()


def broken(stream: bytes, case: Case) -> bytes:
    """The bytes that a case sends."""
    before, after = stream[: case.at], stream[case.at :]
    match case.kind:
        case "garble":
            return before + bytes([case.byte]) + after[1:]
        case "flood":
            return before + FLOOD + after
        case "split" | "trickle":
            return stream
        case _:
            return before


@asynccontextmanager
async def fault_server(**scripts: Script) -> AsyncIterator[FaultServer]:
    """Run the server while the block runs."""
    server = FaultServer(scripts)
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        server.port = listening.sockets[0].getsockname()[1]
        try:
            yield server
        finally:
            listening.close()
            await server.close()
