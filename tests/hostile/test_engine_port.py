"""Strangers on this machine at the port of the embedded engine: they have no key."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx2
import pytest

from replyscope.local.catalogue import LIGHT
from replyscope.local.models import EmbeddedModels
from tests.hostile.memory import needs_proc
from tests.support.suite import Suite
from tests.support.weights import place_weights

pytestmark = [pytest.mark.installs, needs_proc]

_OPEN = {"/", "/index.html", "/health", "/v1/health"}
"""The paths that answer without a key; none of them says anything."""
_READ = (
    *sorted(_OPEN),
    *("/models", "/v1/models", "/api/tags", "/props", "/slots", "/metrics", "/lora-adapters"),
    *("/tools", "/cors-proxy", "/../etc/passwd", "//v1/models", "/v1/models/", "/V1/MODELS"),
)
_WRITTEN = (
    *("/props", "/slots/0?action=save", "/completion", "/completions", "/v1/completions"),
    *("/v1/chat/completions", "/v1/responses", "/v1/messages", "/api/chat", "/api/show"),
    *("/tokenize", "/detokenize", "/apply-template", "/embedding", "/v1/embeddings", "/rerank"),
    *("/infill", "/models/load", "/models/unload", "/lora-adapters", "/tools"),
)
_FRAMES = (
    b"\0" * 1000,
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET http://elsewhere.example/ HTTP/1.1\r\n\r\n",
    b"POST /completion HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    b"POST /completion HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST /completion HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n",
)


def _floods(size: int) -> Iterator[tuple[str, bytes, bytes]]:
    """A name, what is sent first, and a block that is repeated."""
    head = b"POST /v1/chat/completions HTTP/1.1\r\nContent-Type: application/json\r\n"
    yield "a body", head + b"Content-Length: %d\r\n\r\n" % size, b"[" * 100_000
    yield "chunks", head + b"Transfer-Encoding: chunked\r\n\r\n", b"186A0\r\n" + b"[" * 100_000
    yield "headers", b"GET /health HTTP/1.1\r\n", b"a: b\r\n" * 10_000
    yield "a header", b"GET /health HTTP/1.1\r\na: ", b"b" * 100_000
    yield "a line", b"", b"G" * 100_000


def _flood(port: int, head: bytes, block: bytes, size: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as stranger:
        try:
            stranger.sendall(head)
            for _ in range(size // len(block)):
                stranger.sendall(block)
        except OSError:
            return  # it hung up, which is best


def _resident(pid: int) -> int:
    """The peak memory of a process in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no peak")


async def test_strangers_learn_nothing_and_stop_nothing(
    cached_weights: Path, tmp_path: Path, suite: Suite
) -> None:
    place_weights(tmp_path, cached_weights)
    keys: dict[str, str] = {}
    models = EmbeddedModels(tmp_path, keys.__setitem__)
    endpoint = await models.start(LIGHT)
    process = models._process
    assert process is not None
    url = httpx2.URL(endpoint.base_url or "")
    assert url.host == "127.0.0.1"
    assert url.port
    idle = _resident(process.pid)
    size = suite.count(1_000_000_000, least=20_000_000)
    with httpx2.Client(base_url=f"http://127.0.0.1:{url.port}") as stranger, ExitStack() as held:
        try:
            for path in _READ:
                _assert_silent(stranger.get(path), path)
            for path in _WRITTEN:
                _assert_silent(stranger.post(path, json={"prompt": "a", "n_predict": 1}), path)
            for origin in ("http://elsewhere.example", "null", f"http://localhost:{url.port}"):
                answer = stranger.options("/v1/models", headers={"Origin": origin})
                assert answer.headers["access-control-allow-origin"] not in ("*", origin)
            for sent in _FRAMES:
                # Each is left open: a server that waits for its rest may not wait with the others.
                broken = held.enter_context(closing(socket.create_connection((url.host, url.port))))
                broken.sendall(sent)
            for _, head, block in _floods(size):
                await asyncio.to_thread(_flood, url.port, head, block, size)
            for _ in range(300):
                held.enter_context(closing(socket.create_connection((url.host, url.port))))
            known = stranger.get("/v1/models", headers={"Authorization": f"Bearer {keys['local']}"})
            assert known.status_code == 200
            assert _resident(process.pid) - idle < 100_000_000
            assert process.returncode is None
        finally:
            await models.stop()
    suite.say(f"{len(_READ) + len(_WRITTEN)} paths and 5 floods of the engine's port")


def _assert_silent(answer: httpx2.Response, path: str) -> None:
    """Nothing but a refusal, or a word that says nothing."""
    if path in _OPEN:
        assert answer.text in ('{"status":"ok"}', "") or answer.status_code == 404
    else:
        assert answer.status_code in (401, 404), path
        assert LIGHT not in answer.text
