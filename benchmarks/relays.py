"""The processes of the watch benchmark: `python -m benchmarks.relays NAME …`; each prints its port,
and the relay the id of its own process.

server                an upstream that streams what a prompt asks for: `COUNT SIZE PAUSE_MS`
watch URL             the relay, with an observer that keeps nothing
plain PORT            a TCP relay without any knowledge of HTTP
"""

import asyncio
import json
import sys
import time

from replyscope.cli.wiring import RELAY_CHILD
from replyscope.domain.authorities import unused_context
from replyscope.domain.isolated_python import python_command
from replyscope.domain.route import Route
from replyscope.domain.watched import WatchedRequest
from replyscope.serving.watch.process.parent import RelayProcess
from replyscope.serving.watch.upstream import Upstream

_FRAME = b'data: {"choices":[{"index":0,"delta":{"content":"%19d%s"}}]}\n\n'
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Deaf:
    """An observer that keeps nothing. Implements CallObserver and CallListener."""

    def called(self, _request: WatchedRequest) -> "Deaf":
        """See CallObserver."""
        return self

    def responded(self, status: int, headers: tuple[tuple[str, str], ...], at_ms: float) -> None:
        """See CallListener."""

    def received(self, data: bytes, at_ms: float) -> None:
        """See CallListener."""

    def fault_missed(self) -> None:
        """See CallListener."""

    def ended(self, fault: str | None, at_ms: float, lack: str | None = None) -> None:
        """See CallListener."""


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Chunks of the wanted size and pause; each begins with the time at which it was sent."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            asked = json.loads(await reader.readexactly(length))["messages"][0]["content"]
            count, size, pause_ms = map(float, asked.split()[:3])
            writer.write(_HEAD)
            filler = b"x" * (int(size) - len(_FRAME) - 19)
            for _ in range(int(count)):
                data = _FRAME % (time.monotonic_ns(), filler)
                writer.write(b"%x\r\n%s\r\n" % (len(data), data))
                await (asyncio.sleep(pause_ms / 1000) if pause_ms else writer.drain())
            writer.write(b"0\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def serve() -> None:
    """The upstream."""
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def watch(url: str) -> None:
    """The relay."""
    upstream = Upstream("up", url, Route(unused_context()))
    relay = RelayProcess(python_command(RELAY_CHILD), [upstream], Deaf(), report=print)
    print(await relay.start(0), relay.pid, flush=True)
    await relay.serve()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def plain(port: int) -> None:
    """The TCP relay."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_copy(reader, far), _copy(far_reader, writer))

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["watch", address]:
            asyncio.run(watch(address))
        case ["plain", number]:
            asyncio.run(plain(int(number)))
        case _:
            asyncio.run(serve())
