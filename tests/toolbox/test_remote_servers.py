"""Tool servers over HTTP that answer carelessly, too much, or what nobody asked for."""

import gzip
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.tool import McpServer, ToolOutcome, ToolSettings, ToolSource
from replyscope.toolbox.toolbox import LocalToolbox
from tests.toolbox.faulty_server import INITIALIZED

Answer = tuple[dict[str, str], Iterable[bytes]]
"""Headers and the chunks of the body."""

_JSON = {"content-type": "application/json"}
_EVENTS = {"content-type": "text/event-stream"}


def as_json(message: Any) -> Answer:
    return _JSON, [json.dumps(message).encode()]


def answer(number: Any, result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "result": result}


Call = Callable[[Any], Answer]
"""From the id of a call to its answer."""


class Remote:
    """A tool server with one tool, `ping`, which `call` answers."""

    def __init__(self, call: Call) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["content-length"])))
                number = request.get("id")
                results = {
                    "initialize": INITIALIZED,
                    "tools/list": {"tools": [{"name": "ping"}]},
                }
                headers: dict[str, str] = _JSON
                chunks: Iterable[bytes] = ()
                if request["method"] == "tools/call":
                    headers, chunks = call(number)
                elif request["method"] in results:
                    headers, chunks = as_json(answer(number, results[request["method"]]))
                elif number is not None:
                    error = {"code": -32601, "message": "no such method"}
                    headers, chunks = as_json({"jsonrpc": "2.0", "id": number, "error": error})
                self.send_response(200 if number is not None else 202)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    for chunk in chunks:
                        self.wfile.write(chunk)
                except OSError:
                    return

            def do_GET(self) -> None:
                self.send_error(405)

            do_DELETE = do_GET

            def log_message(self, *_arguments: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/mcp"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@asynccontextmanager
async def pinged(folder: Path, call: Call) -> AsyncIterator[tuple[ToolOutcome, ToolSource]]:
    remote = Remote(call)
    server = McpServer("web", url=remote.url, headers=(("Authorization", "Bearer x"),))
    settings = ToolSettings(servers=(server,))
    box = LocalToolbox([], folder, None, lambda: settings)
    try:
        (tool,) = await box.offer(["mcp:web"])
        outcome = await box.run(tool, {})
        (source,) = [one for one in await box.sources() if one.name == "mcp:web"]
        yield outcome, source
    finally:
        await box.close()
        remote.close()


TEXT = {"content": [{"type": "text", "text": "pong"}]}

TAKEN: list[Call] = [
    lambda number: as_json(answer(number, TEXT)),
    lambda number: as_json(answer(str(number), {"content": "pong"})),
    lambda number: as_json([answer(number, "pong"), {"method": "x"}]),
    lambda number: as_json({"id": number, "result": ["pong"], "error": None}),
    lambda number: (_EVENTS, [b"data: " + json.dumps(answer(number, TEXT)).encode() + b"\n\n"]),
    lambda number: (
        {"content-type": "Application/JSON; charset=utf-8"},
        [b"\xef\xbb\xbf" + json.dumps(answer(number, TEXT)).encode()],
    ),
]


@pytest.mark.parametrize("call", TAKEN)
async def test_an_answer_of_any_form_is_taken(tmp_path: Path, call: Call) -> None:
    async with pinged(tmp_path, call) as (outcome, _):
        assert (outcome.output, outcome.is_error) == ("pong", False)


def large(number: Any) -> Answer:
    text = json.dumps(answer(number, {"content": "x" * 3_000_000})).encode()
    return _EVENTS, [b"data: " + text + b"\n\n"]


async def test_an_event_of_megabytes_is_taken(tmp_path: Path) -> None:
    async with pinged(tmp_path, large) as (outcome, _):
        assert len(outcome.output) == 3_000_000


def endless(start: bytes) -> Iterator[bytes]:
    yield start
    while True:
        yield b"x" * 1_000_000


BOMBS: list[Call] = [
    lambda _number: (_JSON, endless(b'{"')),
    lambda _number: (_EVENTS, endless(b"data: ")),
    lambda _number: ({"content-type": "text/plain"}, endless(b"")),
    lambda _number: (
        {**_JSON, "content-encoding": "gzip"},
        [gzip.compress(b" " * 100_000_000, 1)] * 20,
    ),
]


@pytest.mark.parametrize("call", BOMBS)
async def test_an_answer_without_an_end_is_bounded_and_said(tmp_path: Path, call: Call) -> None:
    async with pinged(tmp_path, call) as (outcome, _):
        assert outcome.is_error
        assert len(outcome.output) < 1_000
        assert outcome.output.startswith("Error")


REFUSED: list[Call] = [
    lambda _number: (_JSON, [b"<html>not JSON</html>"]),
    lambda _number: (_JSON, [b""]),
    lambda _number: ({"content-type": "text/html"}, [b"<h1>It works!</h1>"]),
    lambda _number: (_EVENTS, [b": nothing\n\n"]),
    lambda _number: (_EVENTS, [b"event: odd\ndata: {\n\n"]),
    lambda number: as_json({"id": number, "error": "the well is dry"}),
]


@pytest.mark.parametrize("call", REFUSED)
async def test_no_answer_is_an_error_and_nothing_is_printed(
    tmp_path: Path, call: Call, capfd: pytest.CaptureFixture[str]
) -> None:
    async with pinged(tmp_path, call) as (outcome, _):
        assert outcome.is_error
        assert outcome.output.startswith("Error")
    assert capfd.readouterr() == ("", "")
