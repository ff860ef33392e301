"""The mock server: serves both APIs, frames byte for byte, with the recorded pauses or at once.

It listens on loopback and answers only requests to a loopback host name, so that a page in
a browser cannot read the recordings. A request without a recording gets a 404 with the reason.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from replyscope.domain.event import WireFrame
from replyscope.domain.exchange import Api
from replyscope.domain.plural import plural
from replyscope.domain.typed_number import whole_number
from replyscope.serving.access import find_refusal
from replyscope.serving.connection import HttpConnection, Request, error_object
from replyscope.serving.mock.matching import MatchLevel, find_recording
from replyscope.serving.mock.playing import choose_form, frames_playback
from replyscope.serving.mock.recording import Recording
from replyscope.serving.mock.whole import payloads, whole_of
from replyscope.serving.playback import play
from replyscope.serving.server import HttpServer, Report

_PATHS = {"/chat/completions": Api.CHAT, "/responses": Api.RESPONSES}
_NOT_RECORDED = "not_recorded"


class MockServer(HttpServer):
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
        super().__init__(report)
        self._recordings = recordings
        self._speed = speed
        self._answers_any = answers_any
        self._served: list[str] = []

    async def serve_client(self, connection: HttpConnection) -> None:
        """See HttpServer."""
        while (request := await connection.next_request()) is not None:
            await self._answer(connection, request)

    async def _answer(self, connection: HttpConnection, request: Request) -> None:
        url = urlsplit(request.head.target)
        path = url.path.removeprefix("/v1").rstrip("/")
        line = f"{request.head.method} {url.path}"
        if (refusal := find_refusal(request.head.headers)) is not None:
            self._report(f"{refusal.status} {line}: {refusal.reason}")
            await connection.send_json(refusal.status, error_object(refusal.reason, "refused"))
            return
        if request.head.method == "GET" and (found := self._kept(path, url.query)) is not None:
            self._report(f"200 {line}")
            await self._send_kept(connection, *found)
            return
        api = _PATHS.get(path) if request.head.method == "POST" else None
        fitting = None
        if api is not None:
            fitting = find_recording(
                self._recordings, api, request.body, self._served, any_=self._answers_any
            )
        if fitting is None:
            self._report(f"404 {line}: no matching recording")
            await connection.send_json(
                404, error_object(self._nothing(request.head.method, url.path, api), _NOT_RECORDED)
            )
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
        form = choose_form(found, request.body, self._speed)
        said = f"({fit.value})" if form.is_recorded_form else f"({fit.value}), as one object"
        if not form.is_recorded_form and form.whole is None:
            said = "is incomplete"
        self._report(f"{form.status} {line}: exchange {found.exchange.id} {said}")
        await play(form.playback([("x-replyscope-fit", fit.value)]), connection)

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
        await play(frames_playback(one, frames, self._speed), connection)

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


def _number(frame: WireFrame) -> float:
    """The sequence number of a frame; a frame without one is always sent."""
    for value in payloads([frame]):
        number = value.get("sequence_number")
        if isinstance(number, int):
            return number
    return float("inf")
