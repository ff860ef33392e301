"""Recorded streams come through the relay byte for byte: whole, cut, in pieces and compressed."""

import asyncio
import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import RECORDED
from tests.support.suite import Suite
from tests.watch.bench import Seen, Stage, post, read_request, relaying, serving, talk, upstream_at

STREAMS = sorted(RECORDED.rglob("*.sse")) if RECORDED.is_dir() else []
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"


class Script:
    """An upstream that sends `pieces` and closes."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for piece in self.pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)


async def play(stage: Stage, script: Script, pieces: list[bytes], number: int) -> Seen:
    """Play a response through the relay; checks that it arrives byte for byte."""
    script.pieces = pieces
    assert await talk(stage.port, post(b'{"stream": true}')) == b"".join(pieces)
    return (await stage.watcher.ended(number))[-1]


def chunked(body: bytes, size: int) -> bytes:
    """A body in chunks of a size."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def split(data: bytes, places: list[int]) -> list[bytes]:
    """The data, cut at some places."""
    edges = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[a:b] for a, b in pairwise(edges) if a < b]


@pytest.mark.skipif(not STREAMS, reason="the recorded streams are not here")
async def test_every_recorded_stream_comes_through(suite: Suite) -> None:
    script, number = Script(), 0
    dice = suite.dice("recorded streams through the relay")
    async with serving(script.handle) as url, relaying(upstream_at(url)) as stage:
        for first, path in enumerate(STREAMS):
            body = path.read_bytes()
            # A small run sends each stream in one form, and each form for every fifth stream.
            forms = _forms(body) * 2
            for head, sent in forms[first % 5 :][: suite.count(5, least=1)]:
                number += 1
                places = [dice.randrange(len(sent) + 1) for _ in range(6)]
                call = await play(stage, script, [head, *split(sent, places)], number)
                assert (call.body, call.fault) == (body, None), path
            for _ in range(suite.count(100, least=1)):
                number += 1
                sent = chunked(body, dice.randrange(1, 2_000))
                sent = sent[: dice.randrange(len(sent))]
                head = _HEAD + b"transfer-encoding: chunked\r\n\r\n"
                call = await play(stage, script, [head, sent], number)
                assert body.startswith(call.body), path
                assert call.fault == "upstream", path
    suite.say(f"{len(STREAMS)} recorded streams came through the relay in {number:,} forms")


def _forms(body: bytes) -> list[tuple[bytes, bytes]]:
    """The whole body in different framings and encodings."""
    packed, deflated = gzip.compress(body), zlib.compress(body)[2:-4]
    length = b"content-length: %d\r\nconnection: close\r\n\r\n"
    in_chunks = b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    return [
        (_HEAD + b"connection: close\r\n\r\n", body),
        (_HEAD + length % len(body), body),
        (_HEAD + in_chunks, chunked(body, 700)),
        (_HEAD + b"content-encoding: gzip\r\n" + in_chunks, chunked(packed, 99)),
        (_HEAD + b"content-encoding: deflate\r\n" + length % len(deflated), deflated),
    ]


@given(
    body=st.binary(max_size=2_000),
    size=st.integers(1, 500),
    places=st.lists(st.integers(0, 5_000), max_size=12),
    form=st.integers(0, 4),
    cut=st.none() | st.integers(0, 5_000),
)
def test_any_framing_comes_through(
    body: bytes, size: int, places: list[int], form: int, cut: int | None
) -> None:
    asyncio.run(_comes_through(body, size, places, form, cut))


async def _comes_through(
    body: bytes, size: int, places: list[int], form: int, cut: int | None
) -> None:
    head, sent = _forms(body)[form]
    if form == 2:
        sent = chunked(body, size)
    whole = head + sent
    if cut is not None:
        whole = whole[: cut % (len(whole) + 1)]
    script = Script()
    async with serving(script.handle) as url, relaying(upstream_at(url)) as stage:
        call = await play(stage, script, split(whole, places), 1)
    if len(whole) == len(head + sent):
        assert (call.body, call.fault) == (body, None)
    else:
        assert body.startswith(call.body)
        is_whole_so_far = form == 0 and len(whole) >= len(head)  # it ends where it is closed
        assert call.fault == (None if is_whole_so_far else "upstream")
