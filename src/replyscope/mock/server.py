"""The mock server: serves both APIs, frames byte for byte, with the recorded pauses or at once.

It listens on loopback and answers only requests to a loopback host name, so that a page in
a browser cannot read the recordings. A request without a recording gets a 404 with the reason.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import h11

from replyscope.domain.event import WireFrame
from replyscope.domain.exchange import Api
from replyscope.domain.json_text import read_json
from replyscope.domain.plural import plural
from replyscope.domain.typed_number import whole_number
from replyscope.mock.connection import HttpConnection, Request
from replyscope.mock.matching import MatchLevel, find_recording
from replyscope.mock.recording import Recording
from replyscope.mock.whole import payloads, whole_of

_PATHS = {"/chat/completions": Api.CHAT, "/responses": Api.RESPONSES}
_LOOPBACK = {"localhost", "127.0.0.1", "::1", None}
Report = Callable[[str], None]


class MockServer:
    """A server of recordings. `speed` 1.0 keeps the recorded pauses, 4.0 is four times as fast,
    0 sends at once.

    With `answers_any` requests are not compared: the recordings are served in turn.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        *,
        speed: float,
        answers_any: bool = False,
        report: Report = lambda _line: None,
    ) -> None:
        self._recordings = recordings
        self._speed = speed
        self._answers_any = answers_any
        self._report = report
        self._served: list[str] = []
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()

    async def start(self, port: int) -> int:
        """Listen, and return the port; 0 chooses a free one. Raises OSError when it is in use."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    async def serve(self) -> None:
        """Serve until cancelled."""
        assert self._server is not None
        async with self._server:
            await self._server.serve_forever()

    async def close(self) -> None:
        """Stop listening, and cut off the responses in progress."""
        if self._server is not None:
            self._server.close()
        for client in self._clients:
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = asyncio.create_task(self._answer_all(HttpConnection(reader, writer)))
        self._clients.add(client)
        client.add_done_callback(self._clients.discard)
        try:
            await client
        except asyncio.CancelledError:
            client.cancel()
        finally:
            writer.close()

    async def _answer_all(self, connection: HttpConnection) -> None:
        with suppress(ConnectionError, TimeoutError):
            try:
                while (request := await connection.next_request()) is not None:
                    await self._answer(connection, request)
            except h11.RemoteProtocolError as error:
                self._report(f"invalid HTTP request: {error}")
        with suppress(ConnectionError):
            await connection.close()

    async def _answer(self, connection: HttpConnection, request: Request) -> None:
        url = urlsplit(request.target)
        path = url.path.removeprefix("/v1").rstrip("/")
        line = f"{request.method} {url.path}"
        if _host(request) not in _LOOPBACK:
            self._report(f"421 {line}: the host {request.headers['host']} is not loopback")
            await connection.send_json(421, _error("This server answers on loopback only."))
            return
        if request.method == "GET" and (found := self._kept(path, url.query)) is not None:
            self._report(f"200 {line}")
            await self._send_kept(connection, *found)
            return
        api = _PATHS.get(path) if request.method == "POST" else None
        fitting = None
        if api is not None:
            fitting = find_recording(
                self._recordings, api, request.body, self._served, any_=self._answers_any
            )
        if fitting is None:
            self._report(f"404 {line}: no matching recording")
            await connection.send_json(404, _error(self._nothing(request.method, url.path, api)))
            return
        recording, fit = fitting
        self._served.append(recording.exchange.id)
        await self._reply(connection, request, recording, fit, line)

    async def _reply(
        self,
        connection: HttpConnection,
        request: Request,
        found: Recording,
        fit: MatchLevel,
        line: str,
    ) -> None:
        told = [("x-replyscope-exchange", found.exchange.id), ("x-replyscope-fit", fit.value)]
        if not found.is_stream or _wants_stream(request.body):
            self._report(f"{found.status} {line}: exchange {found.exchange.id} ({fit.value})")
            await self._play(connection, found, found.frames, told)
            return
        whole = whole_of(found.exchange.api, found.frames)
        if whole is None:
            self._report(f"400 {line}: exchange {found.exchange.id} is incomplete")
            why = found.why_cut or "it ended without a complete reply"
            message = (
                f"This reply was recorded as a stream, and {why.rstrip('.')}. It has no complete "
                "response object. Request it with stream=true to get the recorded part."
            )
            await connection.send_json(400, _error(message, "recorded_in_part"), told)
            return
        self._report(f"200 {line}: exchange {found.exchange.id} ({fit.value}), as one object")
        await self._wait(found.exchange.timing.duration_ms)
        headers = [(n, v) for n, v in found.headers if n.lower() != "content-type"]
        told.append(("x-replyscope-folded", "true"))
        await connection.send_json(200, whole, [*headers, *told])

    async def _play(
        self,
        connection: HttpConnection,
        found: Recording,
        frames: Sequence[WireFrame],
        told: Sequence[tuple[str, str]],
    ) -> None:
        """Send a recorded response: its headers and frames, and its ending."""
        headers = [*found.headers, *told]
        if not found.is_stream and found.why_cut is None:
            await self._wait(found.exchange.timing.duration_ms)
            await connection.send(found.status, found.body, headers)
            return
        connection.begin(found.status, headers)
        before_ms = 0.0
        for frame in frames:
            if self._speed > 0 and frame.at_ms > before_ms:
                await self._wait(frame.at_ms - before_ms)
            before_ms = frame.at_ms
            await connection.write(frame.text.encode("utf-8", "surrogatepass"))
        if found.why_cut is None:
            await connection.end()
        else:
            await connection.close()

    async def _wait(self, passed_ms: float) -> None:
        if self._speed > 0:
            await asyncio.sleep(passed_ms / 1000 / self._speed)

    def _kept(self, path: str, query: str) -> tuple[Recording | None, Any] | None:
        """Find the response to a GET: the models, or a reply by its id, complete or streamed."""
        models = sorted({one.exchange.model for one in self._recordings})
        data = [
            {"id": n, "object": "model", "created": 0, "owned_by": "replyscope"} for n in models
        ]
        if path == "/models":
            return None, {"object": "list", "data": data}
        for model in data:
            if path == f"/models/{model['id']}":
                return None, model
        for start, api in _PATHS.items():
            for one in self._recordings:
                wanted = one.exchange.response_id
                if one.exchange.api is api and wanted and path == f"{start}/{wanted}":
                    return self._retrieved(one, query)
        return None

    def _retrieved(self, one: Recording, query: str) -> tuple[Recording | None, Any] | None:
        asked = parse_qs(query)
        if asked.get("stream") == ["true"] and one.is_stream:
            after = asked.get("starting_after", ["-1"])[0]
            number = whole_number(after)
            return one, -1 if number is None else number
        whole = whole_of(one.exchange.api, one.frames)
        return None if whole is None else (None, whole)

    async def _send_kept(
        self, connection: HttpConnection, one: Recording | None, value: Any
    ) -> None:
        if one is None:
            await connection.send_json(200, value)
            return
        frames = [frame for frame in one.frames if _number(frame) > value]
        await self._play(connection, one, frames, [("x-replyscope-exchange", one.exchange.id)])

    def _nothing(self, method: str, path: str, api: Api | None) -> str:
        count = len(self._recordings)
        served = f"{plural(count, 'exchange')} {'is' if count == 1 else 'are'} served"
        if api is None:
            return (
                f"Nothing was recorded for {method} {path}. {served}, over POST "
                "/v1/chat/completions and POST /v1/responses; GET /v1/models lists their models."
            )
        ours = sum(one.exchange.api is api for one in self._recordings)
        if not ours:
            other = Api.CHAT if api is Api.RESPONSES else Api.RESPONSES
            return f"Nothing was recorded over the {api.value} API. {served}, all {other.value}."
        return (
            f"Nothing was recorded for this {method} {path}: {served}, and none has the same "
            "messages or the same last prompt. Send a recorded request, or start with --any to "
            "answer every request."
        )


def _host(request: Request) -> str | None:
    host = request.headers.get("host")
    try:
        return urlsplit(f"//{host}").hostname if host else None
    except ValueError:
        return host


def _wants_stream(body: bytes) -> bool:
    try:
        value = read_json(body.decode("utf-8"))
    except ValueError:
        return False
    return isinstance(value, dict) and value.get("stream") is True


def _number(frame: WireFrame) -> float:
    """The sequence number of a frame; a frame without one is always sent."""
    for value in payloads([frame]):
        number = value.get("sequence_number")
        if isinstance(number, int):
            return number
    return float("inf")


def _error(message: str, code: str = "not_recorded") -> dict[str, Any]:
    return {"error": {"message": message, "type": code, "param": None, "code": code}}
