"""The server: both APIs, frames byte for byte, at their own pace or at once.

On loopback only. A request that nothing was recorded for gets a 404 that says so.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from http import HTTPStatus

from replyscope.domain.exchange import Api
from replyscope.mock.matching import Recording, find_recording

_MOST_BODY = 64_000_000
_PATHS = {"/chat/completions": Api.CHAT, "/responses": Api.RESPONSES}
Report = Callable[[str], None]


class MockServer:
    """`speed` 1.0 is the pace of the recording, 4.0 four times that, 0 at once."""

    def __init__(
        self, recordings: Sequence[Recording], *, speed: float, report: Report = lambda _line: None
    ) -> None:
        self._recordings = recordings
        self._speed = speed
        self._report = report
        self._served: list[str] = []
        self._server: asyncio.Server | None = None

    async def start(self, port: int) -> int:
        """Listen; the port, chosen when it is 0. Raises OSError when it is taken."""
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    async def serve(self) -> None:
        """Answer until it is cancelled."""
        assert self._server is not None
        async with self._server:
            await self._server.serve_forever()

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, ValueError, TimeoutError):
            async with asyncio.timeout(30):
                method, path, body = await _read_request(reader)
            await self._respond(writer, method, path, body)
        writer.close()

    async def _respond(
        self, writer: asyncio.StreamWriter, method: str, path: str, body: bytes
    ) -> None:
        path = path.partition("?")[0].removeprefix("/v1").rstrip("/")
        if method == "GET" and path == "/models":
            models = sorted({one.exchange.model for one in self._recordings})
            data = [{"id": name, "object": "model", "owned_by": "replyscope"} for name in models]
            await _send(writer, HTTPStatus.OK, {"object": "list", "data": data})
            return
        api = _PATHS.get(path) if method == "POST" else None
        found = None
        if api is not None:
            found = find_recording(self._recordings, api, body, self._served)
        if found is None:
            self._report(f"404 {method} {path}")
            await _send(writer, HTTPStatus.NOT_FOUND, _nothing(method, path, self._recordings))
            return
        self._served.append(found.exchange.id)
        status = found.exchange.status or 200
        self._report(f"{status} {method} {path}: exchange {found.exchange.id}")
        await self._play(writer, found)

    async def _play(self, writer: asyncio.StreamWriter, found: Recording) -> None:
        """The answer as it came: its status, its kind, and its frames."""
        exchange = found.exchange
        kind = next(
            (value for name, value in exchange.headers if name.lower() == "content-type"),
            "text/event-stream",
        )
        status = exchange.status or 200
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: {kind}\r\n"
            f"x-request-id: {exchange.request_id or exchange.id}\r\nconnection: close\r\n\r\n"
        )
        writer.write(head.encode("latin-1", "replace"))
        before_ms = 0.0
        for frame in found.record.frames:
            if self._speed > 0 and frame.at_ms > before_ms:
                await writer.drain()
                await asyncio.sleep((frame.at_ms - before_ms) / 1000 / self._speed)
            before_ms = frame.at_ms
            writer.write(frame.text.encode("utf-8", "surrogatepass"))
        await writer.drain()


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, str, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= _MOST_BODY:
        raise ValueError("a body of that length is not read")
    return method, path, await reader.readexactly(length)


def _nothing(method: str, path: str, recordings: Sequence[Recording]) -> dict[str, object]:
    known = sorted({one.exchange.api.value for one in recordings})
    message = (
        f"Nothing was recorded for this {method} {path}: {len(recordings)} exchanges "
        f"over {' and '.join(known) or 'no API'} are served, and none was asked the same."
    )
    return {"error": {"message": message, "type": "not_recorded", "code": "not_recorded"}}


async def _send(writer: asyncio.StreamWriter, status: HTTPStatus, value: dict[str, object]) -> None:
    body = json.dumps(value).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
