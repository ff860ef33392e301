"""Only programs reach the relay, and only its own upstreams are reached through it."""

import json

import pytest

from replyscope.serving.access import Refusal, find_refusal
from replyscope.serving.watch.upstream import Directory, UpstreamPath, with_names
from tests.watch.bench import answering, post, relaying, serving, talk, upstream_at
from tests.watch.test_relay import LAST

TOKEN = "a-token-of-some-length"


async def _status_and_error(port: int, request: bytes) -> tuple[int, str]:
    head, _, body = (await talk(port, request)).partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), json.loads(body)["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (("Origin: http://localhost:3000",), 403),
        (("Origin: null",), 403),
        (("Sec-Fetch-Site: cross-site",), 403),
    ],
)
async def test_pages_in_a_browser_are_refused(headers: tuple[str, ...], status: int) -> None:
    async with relaying(upstream_at("http://127.0.0.1:9/v1")) as stage:
        request = post(b"{}" * 50_000, "/v1/responses", *headers)
        assert (await _status_and_error(stage.port, request))[0] == status
        assert len(stage.reports) == 1


@pytest.mark.parametrize("host", [b"evil.example", b"127.0.0.1.evil.example", b"[", b"10.0.0.1"])
async def test_a_host_that_is_not_loopback_is_refused(host: bytes) -> None:
    async with relaying(upstream_at("http://127.0.0.1:9/v1")) as stage:
        request = post(b"{}").replace(b"Host: 127.0.0.1", b"Host: " + host)
        assert (await _status_and_error(stage.port, request))[0] == 421


@pytest.mark.parametrize(
    "target", ["http://evil.example/v1/models", "/v1/../admin", "/v1/%2e%2e/admin", "/v1/..%2fx"]
)
async def test_nothing_but_the_upstream_is_reached(target: str) -> None:
    async with relaying(upstream_at("http://127.0.0.1:9/v1")) as stage:
        assert (await _status_and_error(stage.port, post(b"{}", target)))[0] == 400


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"\x16\x03\x01 not HTTP\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 200_000, 431),
    ],
)
async def test_what_is_not_http_gets_an_error(request_: bytes, status: int) -> None:
    async with relaying(upstream_at("http://127.0.0.1:9/v1")) as stage:
        assert (await _status_and_error(stage.port, request_))[0] == status


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [("10.1.2.3:80", True), ("agent-host", True), ("host.docker.internal", True),
     ("me.example.com", True), ("[fe80::1]:80", True), ("evil.example.com", False)],
)  # fmt: skip
def test_a_server_for_others_knows_its_names(host: str, is_allowed: bool) -> None:
    assert (find_refusal({"host": host}, ("me.example.com",)) is None) is is_allowed


async def test_the_relay_is_no_proxy() -> None:
    async with relaying(upstream_at("http://127.0.0.1:9/v1")) as stage:
        request = b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n"
        assert (await _status_and_error(stage.port, request))[0] == 405


async def test_with_a_token_it_is_asked_for_in_each_path() -> None:
    heads: list[bytes] = []
    async with (
        serving(answering(LAST, heads=heads)) as url,
        relaying(upstream_at(url), token=TOKEN) as stage,
    ):
        for path in ("/v1/models", "/t/wrong/v1/models", f"/t/{TOKEN}x/v1", "/t", "/"):
            assert (await _status_and_error(stage.port, post(b"{}", path)))[0] == 401
        request = post(b"{}", f"/t/{TOKEN}/v1/models").replace(b"127.0.0.1", b"10.1.2.3:80")
        assert await talk(stage.port, request) == LAST
        (call,) = await stage.watcher.ended(1)
    assert call.request.path == "/models"
    assert not any(TOKEN.encode() in head for head in heads)


def _sent(directory: Directory, target: str) -> tuple[str, str, str]:
    found = directory.find(target)
    assert isinstance(found, UpstreamPath)
    return found.upstream.name, found.target, found.path


def test_the_path_selects_the_upstream() -> None:
    directory = Directory(
        [
            upstream_at("https://api.openai.com/v1", "openai"),
            upstream_at("http://127.0.0.1:8080/v1", "my server"),
            upstream_at("https://gemini.example/v1beta/openai?k=1", "gemini"),
        ]
    )
    assert _sent(directory, "/v1/models?a=1") == ("openai", "/v1/models?a=1", "/models")
    assert _sent(directory, "/openai/v1/models") == ("openai", "/v1/models", "/models")
    assert _sent(directory, "/my%20server/v1/x") == ("my server", "/v1/x", "/x")
    assert _sent(directory, "/my%20server/api/tags") == ("my server", "/api/tags", "/api/tags")
    assert _sent(directory, "/gemini/v1/x") == ("gemini", "/v1beta/openai/x?k=1", "/x")
    assert _sent(directory, "/v1") == ("openai", "/v1", "")
    assert isinstance(directory.find("*"), Refusal)


def test_upstreams_have_distinct_names() -> None:
    wanted = [("", "http://u:p@127.0.0.1:1/v1"), ("a", "x"), ("a", "x"), ("v1", "x"), ("t", "x")]
    assert with_names(wanted) == ["127.0.0.1:1", "a", "a-2", "v1-2", "t-2"]
