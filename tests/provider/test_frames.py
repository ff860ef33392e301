"""Frames are cut at blank lines, whatever the network's chunking."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain import sse
from replyscope.domain.mask import Mask
from replyscope.domain.sse import Flood, FrameSplitter, parse_frame
from replyscope.provider import frames
from replyscope.provider.frames import FrameTap

STREAMS = st.lists(
    st.sampled_from(
        [
            b"data: {}\n\n",
            b"data: a\r\n\r\n",
            b": comment\n\n",
            b"event: x\ndata: y\n\n",
            b"data: 1\ndata: 2\r\r",
            "data: caf\u00e9 \u2028 \U0001f600\n\n".encode(),
            b"\n",
            b"retry: 5\n\n",
        ]
    )
).map(b"".join)


def split(stream: bytes, cuts: list[int]) -> list[bytes]:
    splitter = FrameSplitter()
    frames: list[bytes] = []
    edges = [0, *sorted(min(c, len(stream)) for c in cuts), len(stream)]
    for start, end in pairwise(edges):
        frames += splitter.feed(stream[start:end])
    rest = splitter.finish()
    return [*frames, rest] if rest else frames


@given(STREAMS, st.lists(st.integers(0, 200), max_size=20))
def test_chunking_changes_nothing_and_no_byte_is_lost(stream: bytes, cuts: list[int]) -> None:
    assert split(stream, cuts) == split(stream, [])
    assert b"".join(split(stream, cuts)) == stream


def test_a_frame_of_several_data_lines_is_joined() -> None:
    assert parse_frame("event: m\ndata: a\ndata:b\n\n") == ("m", "a\nb")


def test_frames_without_data_are_no_events() -> None:
    for text in (": ping\n\n", "event: ping\n\n", "data:\n\n", "retry: 3\n\n", "\n\n"):
        assert parse_frame(text) is None


def test_separators_inside_json_do_not_split() -> None:
    assert parse_frame('data: {"a":"x\u2028y\u0085z"}\n\n') == (None, '{"a":"x\u2028y\u0085z"}')


def test_a_frame_without_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MOST_FRAME", 1_000_000)
    splitter = FrameSplitter()
    for _ in range(2):
        assert list(splitter.feed(b"data: " + b"x" * 500_000)) == []
    with pytest.raises(Flood, match="a frame of more than"):
        list(splitter.feed(b"\n\n"))
    assert len(splitter.finish()) < 100_000


def test_frames_that_say_nothing_are_left_when_they_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frames, "MOST_EMPTY", 10)
    tap = FrameTap(Mask([]), lambda: 0.0)
    patient = [b": wait\n\n" * 10, b"data: {}\n\n", b": wait\n\n" * 10]
    assert [sse.data for sse in tap.iter_bytes(iter(patient))] == ["{}"]
    with pytest.raises(Flood, match="without data"):
        list(tap.iter_bytes(iter([b": wait\n\n" * 11])))


LONG_FRAME = b'data: {"text": "%b"}\n\n' % (b"words " * 200_000)


async def first_event(tap: FrameTap, chunk: bytes) -> Any:
    async def one_chunk() -> AsyncIterator[bytes]:
        yield chunk

    events = tap.aiter_bytes(one_chunk())
    return (await anext(events)).json()


async def test_others_run_while_a_long_frame_is_parsed() -> None:
    tap = FrameTap(Mask(), lambda: 0.0)
    reading = asyncio.create_task(first_event(tap, LONG_FRAME))
    turns = 0
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 1
    assert reading.result() == {"text": "words " * 200_000}


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"])
async def test_a_long_frame_is_recorded_when_its_reply_is_cancelled(end: bytes) -> None:
    long_frame = LONG_FRAME.strip() + end
    tap = FrameTap(Mask(), lambda: 0.0)
    reading = asyncio.create_task(first_event(tap, long_frame + b"data: {}"))
    await asyncio.sleep(0)
    reading.cancel()
    with suppress(asyncio.CancelledError):
        await reading
    assert reading.cancelled()
    arrival, rest = tap.take()
    assert rest.frame.text == "data: {}"
    assert arrival.frame.text.encode() == long_frame
    assert [said.value for said in arrival.aside] == [{"text": "words " * 200_000}]
