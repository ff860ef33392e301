"""A real HTTP server on loopback that answers as a test tells it to, in its own thread."""

import json
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """What to send back. `chunks` are bytes, or an event to wait for before going on.

    `cut` breaks the connection after the last chunk instead of ending it in order.
    """

    status: int = 200
    content_type: str = "text/event-stream"
    chunks: Iterable[bytes | threading.Event] = ()
    cut: bool = False
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[dict[str, Any]], Answer]


def sse(*payloads: object, done: bool = True) -> list[bytes]:
    """Frames of JSON payloads, each a chunk, and the marker."""
    frames = [b"data: " + json.dumps(payload).encode() + b"\n\n" for payload in payloads]
    return [*frames, b"data: [DONE]\n\n"] if done else frames


def delta(content: str | None = None, *, finish: str | None = None, **extra: Any) -> dict[str, Any]:
    """One chunk with one choice."""
    body = {"content": content, **extra} if content is not None else dict(extra)
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "test-model",
        "choices": [{"index": 0, "delta": body, "finish_reason": finish}],
    }


def usage(prompt: int = 5, completion: int = 7) -> dict[str, Any]:
    """The last chunk, with usage and no choices."""
    counts = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "test-model",
        "choices": [],
        "usage": counts,
    }


def reply(*texts: str, finish: str = "stop") -> Answer:
    """A whole reply in pieces."""
    return Answer(chunks=sse(*(delta(t) for t in texts), delta(finish=finish), usage()))


def error(status: int, message: str, **fields: Any) -> Answer:
    """An error in OpenAI's form."""
    body = json.dumps({"error": {"message": message, **fields}}).encode()
    return Answer(status, "application/json", [body], headers={"x-request-id": "req_1"})


class LoopbackServer:
    """Answers `/v1/chat/completions` by `answer`, `/v1/models` by `models`."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answer: Handler = lambda _request: reply("Hello", " world")
        self.models = ["test-model"]
        self.models_body: str | None = None
        self.routes: dict[tuple[str, str], Answer] = {}
        """What to answer to a method and a path below /v1, where it is neither of the two."""
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.bodies: list[bytes] = []
        """What was sent to `routes`."""
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._scheme = "https" if tls else "http"
        if tls:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    @property
    def base_url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> "LoopbackServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class RequestHandler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def _routed(self) -> bool:
                path = self.path.partition("?")[0].removeprefix("/v1")
                answer = owner.routes.get((self.command, path))
                if answer is None and path.startswith(("/responses/", "/chat/completions/")):
                    answer = error(404, "File Not Found")
                if answer is not None:
                    owner.paths.append(f"{self.command} {self.path}")
                    length = int(self.headers.get("content-length", 0))
                    owner.bodies.append(self.rfile.read(length))
                    owner.headers.append({k.lower(): v for k, v in self.headers.items()})
                    self._send(answer)
                return answer is not None

            def do_DELETE(self) -> None:
                self._routed()

            def do_GET(self) -> None:
                if self._routed():
                    return
                data = [
                    {"id": name, "object": "model", "owned_by": "test"} for name in owner.models
                ]
                body = json.dumps({"object": "list", "data": data}).encode()
                if owner.models_body is not None:
                    body = owner.models_body.encode()
                self._send(Answer(content_type="application/json", chunks=[body]))

            def do_POST(self) -> None:
                if self._routed():
                    return
                length = int(self.headers.get("content-length", 0))
                request = json.loads(self.rfile.read(length))
                owner.requests.append(request)
                owner.paths.append(self.path)
                owner.headers.append({k.lower(): v for k, v in self.headers.items()})
                self._send(owner.answer(request))

            def _send(self, answer: Answer) -> None:
                self.send_response(answer.status)
                self.send_header("content-type", answer.content_type)
                self.send_header("transfer-encoding", "chunked")
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    for chunk in answer.chunks:
                        if isinstance(chunk, threading.Event):
                            chunk.wait(30)
                        elif chunk:
                            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                            self.wfile.flush()
                    if not answer.cut:
                        self.wfile.write(b"0\r\n\r\n")
                except OSError:
                    pass  # the client went away, as some tests want
                if answer.cut:
                    self.close_connection = True

        return RequestHandler
