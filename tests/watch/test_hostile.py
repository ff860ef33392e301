"""Whatever an upstream or a client sends, the relay forwards it or says what is wrong."""

import asyncio
import gzip
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.serving.watch.call_copy import MOST_OF_A_RESPONSE, InOrder
from replyscope.serving.watch.decoding import BodyDecoder, UnreadableBody
from tests.watch.bench import answering, post, read_request, relaying, serving, talk, upstream_at

_PIECES = st.sampled_from(
    [b"HTTP/1.1 ", b"HTTP/1.0 ", b"200 OK", b"101 Switch", b"100 Continue", b"204 No", b"\r\n",
     b"\r\n\r\n", b"\n", b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 99999999",
     b"Transfer-Encoding: chunked", b"5\r\nhello\r\n", b"0\r\n\r\n", b"ffffffffffff\r\n", b"zz\r\n",
     b"Content-Encoding: gzip", b"Connection: close", b"X: \x00", b"hello", b"\xff\xfe"]
)  # fmt: skip
_BYTES = st.lists(_PIECES | st.binary(max_size=20), max_size=25).map(b"".join)


@given(response=_BYTES)
def test_any_response_is_forwarded_as_it_is(response: bytes) -> None:
    asyncio.run(_is_forwarded(response))


async def _is_forwarded(response: bytes) -> None:
    async with serving(answering(response)) as url, relaying(upstream_at(url)) as stage:
        assert await talk(stage.port, post(b"{}")) == response
        (call,) = await stage.watcher.ended(1)
    assert call.request.body == b"{}"


@given(request_=_BYTES.map(lambda text: text.replace(b"HTTP/1.1 200", b"GET / HTTP/1.1")))
def test_any_request_is_answered_or_closed(request_: bytes) -> None:
    asyncio.run(_is_answered(b"POST /v1/x HTTP/1.1\r\nHost: localhost\r\n" + request_))


async def _is_answered(request_: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
    async with serving(answering(answer)) as url, relaying(upstream_at(url)) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(request_)
        writer.write_eof()
        async with asyncio.timeout(20):
            got = await reader.read()
        writer.close()
    assert not got or got.startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, gzip"])
def test_a_small_body_that_unpacks_to_much_is_bounded(encoding: str) -> None:
    packed = gzip.compress(bytes(4 * 1024 * 1024))
    if encoding == "deflate":
        packed = zlib.compress(bytes(4 * 1024 * 1024))
    elif encoding == "gzip, gzip":
        packed = gzip.compress(packed)
    decoder = BodyDecoder(encoding, 100_000)
    assert len(decoder.feed(packed)) == 100_000
    assert decoder.is_cut
    assert decoder.feed(packed) == b""


def packed_as(encoding: str, data: bytes) -> bytes:
    """Data in an encoding whose library may not be installed."""
    zstd = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    library = pytest.importorskip("brotli" if encoding == "br" else zstd)
    return bytes(library.compress(data))


@pytest.mark.parametrize("encoding", ["br", "zstd"])
def test_other_encodings_are_read_in_any_pieces(encoding: str) -> None:
    text = "".join(f"data: {number}\n\n" for number in range(500)).encode()
    packed = packed_as(encoding, text)
    for size in (1, 7, len(packed)):
        decoder = BodyDecoder(encoding, 100_000)
        pieces = [packed[start : start + size] for start in range(0, len(packed), size)]
        assert b"".join(map(decoder.feed, pieces)) == text
        assert not decoder.is_cut
    with pytest.raises(UnreadableBody, match="its content encoding is damaged"):
        BodyDecoder(encoding, 100_000).feed(b"\xff" * 64)


@pytest.mark.parametrize("encoding", ["br", "zstd"])
def test_other_encodings_that_unpack_to_much_are_bounded(encoding: str) -> None:
    packed = packed_as(encoding, bytes(64 * 1024 * 1024))
    decoder = BodyDecoder(encoding, 100_000)
    assert len(decoder.feed(packed)) == 100_000
    assert decoder.is_cut
    assert decoder.feed(packed) == b""


def test_an_encoding_that_can_not_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "brotli", None)
    with pytest.raises(UnreadableBody, match=r"'br'; Python needs .*replyscope\[encodings\]"):
        BodyDecoder("br", 100)
    with pytest.raises(UnreadableBody, match="its content encoding is 'compress'"):
        BodyDecoder("compress", 100)


def test_too_many_encodings_are_not_tried() -> None:
    with pytest.raises(UnreadableBody, match="it has 4 content encodings"):
        BodyDecoder("gzip, gzip, gzip, gzip", 100)


async def test_a_response_above_the_bound_is_forwarded_whole_and_recorded_in_part() -> None:
    size = MOST_OF_A_RESPONSE + 1_000_000
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % size

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(head)
        for left in range(size, 0, -100_000):
            writer.write(b"x" * min(left, 100_000))
            await writer.drain()

    async with serving(handle) as url, relaying(upstream_at(url)) as stage:
        assert len(await talk(stage.port, post(b"{}"))) == len(head) + size
        (call,) = await stage.watcher.ended(1)
    assert len(call.body) == MOST_OF_A_RESPONSE
    assert call.fault is None
    assert call.lack == "The response is larger than 64 MB; its rest was not recorded."


async def test_calls_are_reported_in_the_order_of_their_requests() -> None:
    loop = asyncio.get_running_loop()
    slow, known = loop.create_future(), loop.create_future()
    order, seen = InOrder(), list[int]()
    order.add(slow, lambda: seen.append(1))
    order.add(known, lambda: seen.append(2))
    known.set_result(None)
    await asyncio.sleep(0)
    assert seen == []
    slow.cancel()
    await asyncio.sleep(0)
    assert seen == [1, 2]


async def test_a_client_that_closes_its_side_still_gets_the_response() -> None:
    """The upstream answers only when the end of the requests has arrived."""
    response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    async def answer_at_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.write(response)
        await writer.drain()

    async with serving(answer_at_the_end) as url, relaying(upstream_at(url)) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(post(b"{}"))
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 20) == response
        writer.close()
        (call,) = await stage.watcher.ended(1)
    assert (call.body, call.fault) == (b"ok", None)


@pytest.mark.parametrize("length", [b"", b"Content-Length: 500\r\n"])
async def test_a_relay_that_stops_breaks_the_response_off(length: bytes) -> None:
    """Without a length an orderly end would be the end of the reply."""

    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n" + length + b"\r\nhalf a re")
        await reader.read()

    async with serving(begin) as url, relaying(upstream_at(url)) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(post(b"{}"))
        await reader.readuntil(b"half a re")
        await stage.relay.close()
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        (call,) = await stage.watcher.ended(1)
    assert call.body == b"half a re"
    assert call.fault == "replyscope watch was stopped before the response was complete."
