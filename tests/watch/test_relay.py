"""The relay forwards what programs and servers send, byte for byte, and reports a copy."""

import asyncio
import gzip
import json
from typing import NoReturn

import pytest

from replyscope.domain.watched import CallListener, WatchedRequest
from replyscope.serving.connection import reset_when_closed
from replyscope.serving.watch.relay import Relay
from replyscope.serving.watch.response_reader import BROKE_OFF
from tests.watch.bench import (
    answering,
    post,
    read_request,
    relaying,
    serving,
    talk,
    upstream_at,
)

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Odd:   a \r\nContent-Length: 5\r\n\r\nhello"
LAST = OK.replace(b"X-Odd", b"Connection: close\r\nX-Odd")


async def test_a_call_is_forwarded_byte_for_byte() -> None:
    heads: list[bytes] = []
    async with serving(answering(LAST, heads=heads)) as url, relaying(upstream_at(url)) as stage:
        sent = post(b'{"a": 1}', "/v1/chat/completions?x=1", "X-CamelCase: Yes", "accept: */*")
        assert await talk(stage.port, sent) == LAST
        host = url.removeprefix("http://").removesuffix("/v1").encode()
        assert heads == [sent.replace(b"Host: 127.0.0.1", b"Host: " + host)]
        (call,) = await stage.watcher.ended(1)
    assert (call.request.method, call.request.path) == ("POST", "/chat/completions")
    assert (call.request.query, call.request.body) == ("x=1", b'{"a": 1}')
    assert (call.status, call.body, call.fault) == (200, b"hello", None)
    assert call.times == sorted(call.times)


async def test_a_connection_stays_open_on_both_sides() -> None:
    connections = 0
    answer = answering(OK, OK, OK)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await answer(reader, writer)

    async with serving(handle) as url, relaying(upstream_at(url)) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        for _ in range(3):
            writer.write(post(b"{}"))
            assert await reader.readexactly(len(OK)) == OK
        writer.close()
        assert len(await stage.watcher.ended(3)) == 3
    assert connections == 1


async def test_requests_that_come_together_are_answered_in_order() -> None:
    bodies = [b"1", b"22", b"333"]

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            body = (await read_request(reader)).partition(b"\r\n\r\n")[2]
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    async with serving(handle) as url, relaying(upstream_at(url)) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(b"".join(map(post, bodies)))
        for body in bodies:
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(len(body)) == body
        writer.close()
        assert [call.body for call in await stage.watcher.ended(3)] == bodies


async def test_an_upstream_that_closed_between_two_calls_is_connected_again() -> None:
    async with serving(answering(OK)) as url, relaying(upstream_at(url)) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        for _ in range(2):
            writer.write(post(b"{}"))
            assert await reader.readexactly(len(OK)) == OK
            await asyncio.sleep(0.05)  # until the end of the upstream's connection has arrived
        writer.close()


async def test_a_body_in_chunks_and_trailers_are_forwarded_as_they_are() -> None:
    got: list[bytes] = []
    sent = (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        b"\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nx-sum: 1\r\n\r\n"
    )
    answer = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n"
        b"5;a\r\nhello\r\n0\r\nx-sum: 9\r\n\r\n"
    )

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.readuntil(b"x-sum: 1\r\n\r\n"))
        writer.write(answer)
        await reader.read()

    async with serving(handle) as url, relaying(upstream_at(url)) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        for at in range(0, len(sent), 7):
            writer.write(sent[at : at + 7])
            await asyncio.sleep(0)
        assert await reader.readexactly(len(answer)) == answer
        writer.close()
        (call,) = await stage.watcher.ended(1)
    assert got[0].partition(b"\r\n\r\n")[2] == sent.partition(b"\r\n\r\n")[2]
    assert (call.request.body, call.body) == (b"abc0123456789", b"hello")


async def test_the_upstream_decides_whether_to_continue() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await reader.readexactly(4) == b"body"
        writer.write(OK)
        await reader.read()

    async with serving(handle) as url, relaying(upstream_at(url)) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        head, body = post(b"body", "/v1/responses", "Expect: 100-continue").split(b"\r\n\r\n")
        writer.write(head + b"\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body)
        assert await reader.readexactly(len(OK)) == OK
        writer.close()
        (call,) = await stage.watcher.ended(1)
    assert (call.status, call.body, call.request.body) == (200, b"hello", b"body")


@pytest.mark.parametrize(
    ("method", "response"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"),
        ("DELETE", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"),
        ("GET", b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://10.0.0.1/\r\n"
                b"Content-Length: 0\r\n\r\n"),
    ],
)  # fmt: skip
async def test_a_response_without_a_body_ends_at_its_head(method: str, response: bytes) -> None:
    async with serving(answering(response, OK)) as url, relaying(upstream_at(url)) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(f"{method} /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert await reader.readexactly(len(response)) == response
        writer.write(post(b"{}"))
        assert await reader.readexactly(len(OK)) == OK
        writer.close()
        first, _second = await stage.watcher.ended(2)
    assert (first.body, first.fault) == (b"", None)


async def test_the_first_byte_does_not_wait_for_the_next_one() -> None:
    seen = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n1")
        async with asyncio.timeout(10):
            await seen.wait()
        writer.write(b"2")
        await reader.read()

    async with serving(handle) as url, relaying(upstream_at(url)) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(post(b"{}"))
        await reader.readuntil(b"\r\n\r\n1")
        seen.set()
        assert await reader.readexactly(1) == b"2"
        writer.close()


@pytest.mark.parametrize("is_reset", [False, True])
async def test_a_break_of_the_upstream_is_made_at_the_client(is_reset: bool) -> None:
    start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(start)
        await writer.drain()
        await sent.wait()
        if is_reset:
            reset_when_closed(writer)
            writer.transport.abort()

    sent = asyncio.Event()
    async with serving(handle) as url, relaying(upstream_at(url)) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(post(b"{}"))
        assert await reader.readexactly(len(start)) == start
        sent.set()
        if is_reset:
            with pytest.raises(ConnectionResetError):
                await reader.read()
        else:
            assert await reader.read() == b""
        writer.close()
        (call,) = await stage.watcher.ended(1)
    assert (call.body, call.fault) == (b"abc", BROKE_OFF)


async def test_a_client_that_leaves_ends_the_call_at_the_upstream() -> None:
    left = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        try:
            assert await reader.read() == b""
        finally:
            left.set()

    async with serving(handle) as url, relaying(upstream_at(url)) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(post(b"{}"))
        await reader.readuntil(b"abc\r\n")
        writer.close()
        async with asyncio.timeout(10):
            await left.wait()
        (call,) = await stage.watcher.ended(1)
    assert (call.body, call.fault) == (b"abc", "client")


async def test_an_upstream_that_is_not_there_is_named_in_an_error() -> None:
    async with relaying(upstream_at("http://127.0.0.1:9/v1")) as stage:
        head, _, body = (await talk(stage.port, post(b"{}"))).partition(b"\r\n\r\n")
        (call,) = await stage.watcher.ended(1)
    assert head.startswith(b"HTTP/1.1 502 ")
    error = json.loads(body)["error"]
    assert error["code"] == "upstream_unreachable"
    assert error["message"].startswith("127.0.0.1:9 can't be reached: ")
    assert (call.status, call.body, call.request.body) == (502, body, b"{}")


async def test_a_compressed_body_is_forwarded_as_it_is_and_reported_decoded() -> None:
    packed = gzip.compress(b"hello " * 100)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"
    async with serving(answering(head + packed)) as url, relaying(upstream_at(url)) as stage:
        request = gzip.compress(b'{"model": "m"}')
        sent = post(request, "/v1/responses", "Content-Encoding: gzip")
        assert await talk(stage.port, sent) == head + packed
        (call,) = await stage.watcher.ended(1)
    assert (call.body, call.request.body) == (b"hello " * 100, b'{"model": "m"}')


async def test_a_body_in_an_unknown_encoding_is_forwarded_and_said_to_be_unreadable() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: xyz\r\nConnection: close\r\n\r\nxyz"
    async with serving(answering(answer)) as url, relaying(upstream_at(url)) as stage:
        assert await talk(stage.port, post(b"{}")) == answer
        (call,) = await stage.watcher.ended(1)
    assert (call.body, call.lack) == (b"", "The body can't be read: its content encoding is 'xyz'.")


async def test_what_is_not_http_is_forwarded_too() -> None:
    answer = b"HTTP/1.1 200 OK\r\nBad Header : x\r\n\r\nwhatever"
    async with serving(answering(answer)) as url, relaying(upstream_at(url)) as stage:
        assert await talk(stage.port, post(b"{}")) == answer
        (call,) = await stage.watcher.ended(1)
    assert call.fault is not None
    assert call.fault.startswith("The response is not valid HTTP")


async def test_a_web_socket_is_tunnelled() -> None:
    switch = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    )

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await read_request(reader)
        assert b"\r\nUpgrade: websocket\r\n" in head
        writer.write(switch + b"early")
        assert await reader.readexactly(4) == b"ping"
        writer.write(b"pong")

    async with serving(handle) as url, relaying(upstream_at(url)) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(
            b"GET /v1/realtime HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\n"
            b"Upgrade: websocket\r\n\r\n"
        )
        assert await reader.readexactly(len(switch) + 5) == switch + b"early"
        writer.write(b"ping")
        assert await reader.read() == b"pong"
        writer.close()
        (call,) = await stage.watcher.ended(1)
    assert (call.status, call.fault) == (101, None)


async def test_other_upgrades_and_headers_of_the_connection_are_not_forwarded() -> None:
    heads: list[bytes] = []
    async with serving(answering(LAST, heads=heads)) as url, relaying(upstream_at(url)) as stage:
        options = ("Connection: keep-alive, Upgrade, HTTP2-Settings, X-Hop", "Upgrade: h2c",
                   "HTTP2-Settings: abc", "X-Hop: 1", "Proxy-Authorization: Basic x")  # fmt: skip
        await talk(stage.port, post(b"{}", "/v1/responses", *options))
    assert b"\r\nConnection: keep-alive\r\n" in heads[0]
    assert not any(word in heads[0].lower() for word in (b"h2c", b"x-hop", b"settings", b"proxy"))


class _Failing:
    """An observer that fails at each call, or at each report of one."""

    def __init__(self, *, is_late: bool) -> None:
        self._is_late = is_late
        self.failed: asyncio.Queue[None] = asyncio.Queue()

    def called(self, _request: WatchedRequest) -> CallListener:
        return self if self._is_late else self._fail()

    def responded(self, status: int, headers: object, at_ms: float) -> None:
        self._fail()

    def received(self, data: bytes, at_ms: float) -> None:
        self._fail()

    def fault_missed(self) -> None:
        """See CallListener."""

    def ended(self, fault: str | None, at_ms: float, lack: str | None = None) -> None:
        self._fail()

    def _fail(self) -> NoReturn:
        self.failed.put_nowait(None)
        raise RuntimeError("the disk is full")


@pytest.mark.parametrize("is_late", [False, True])
async def test_an_observer_that_fails_never_touches_the_traffic(is_late: bool) -> None:
    observer = _Failing(is_late=is_late)
    async with (
        serving(answering(LAST)) as url,
        relaying(upstream_at(url), observer=observer) as stage,
    ):
        for _ in range(2):
            assert await talk(stage.port, post(b"{}")) == LAST
            await observer.failed.get()
        assert isinstance(stage.relay, Relay)
        assert stage.relay.gaps.count == 2
    assert stage.reports == [
        "A call could not be recorded (RuntimeError: the disk is full). Forwarding continues."
    ]
    assert observer.failed.empty()


async def test_the_early_end_of_an_error_does_not_lose_the_connection() -> None:
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig"

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(refusal)
        await reader.readexactly(300_000)
        await answering(OK)(reader, writer)

    async with serving(handle) as url, relaying(upstream_at(url)) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        sent = post(b"x" * 300_000)
        writer.write(sent[:5_000])
        assert await reader.readexactly(len(refusal)) == refusal
        writer.write(sent[5_000:])
        await writer.drain()
        writer.write(post(b"{}"))
        assert await reader.readexactly(len(OK)) == OK
        writer.close()


async def test_calls_are_reported_before_the_relay_has_stopped() -> None:
    async with serving(answering(LAST)) as url, relaying(upstream_at(url)) as stage:
        await asyncio.gather(*(talk(stage.port, post(b"{}")) for _ in range(20)))
        await stage.relay.close()
        assert stage.watcher.count == 20
        assert all(call.is_ended.is_set() for call in await stage.watcher.ended(20))


@pytest.mark.parametrize("turns", range(6))
async def test_a_call_that_is_complete_ends_although_the_relay_is_closed(turns: int) -> None:
    async with serving(answering(OK)) as url, relaying(upstream_at(url)) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(post(b"{}"))
        assert await reader.readexactly(len(OK)) == OK
        for _ in range(turns):
            await asyncio.sleep(0)
        await stage.close()
        async with asyncio.timeout(10):
            (call,) = await stage.watcher.ended(1)
        writer.close()
    assert call.body == b"hello"
