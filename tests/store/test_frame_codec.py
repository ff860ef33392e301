"""The forms of a journal: every form of the same frames is read alike."""

import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import SupportsIndex

from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.event import WireFrame
from replyscope.domain.exchange import ExchangeState
from replyscope.domain.message import Message, ReplySource, Role
from replyscope.domain.session import Session
from replyscope.inspection.facts import facts_of
from replyscope.store.frame_codec import (
    _common_head,
    _common_tail,
    decode_frames,
    encode_frames,
    frames_as_json,
)
from replyscope.store.search import SqliteSearchIndex
from replyscope.store.sqlite_store import SqliteStore
from tests.support.build import NOON, make_exchange

TIMES = st.floats(0, 1e9).map(lambda at_ms: round(at_ms, 3))
ALIKE = st.builds(
    '{{"id":"{}","content":"{}","end":{}}}'.format,
    st.sampled_from(["a", "aa"]),
    st.text(max_size=5),
    st.sampled_from(["null", "1", "11"]),
)
TEXTS = st.one_of(st.text(), st.text("ab", max_size=6), ALIKE)
_ALIKE = st.builds(lambda one, two: one * 12 + two * 12, *[st.text("ab", max_size=4)] * 2)
FRAMES = st.lists(st.builds(WireFrame, TIMES, TEXTS), max_size=80)


def older_form(frames: list[WireFrame]) -> bytes:
    pairs = [(round(frame.at_ms, 3), frame.text) for frame in frames]
    return zlib.compress(json.dumps(pairs).encode("ascii"), 1)


@given(FRAMES)
def test_both_forms_of_a_segment_are_read_alike(frames: list[WireFrame]) -> None:
    made, older = encode_frames(frames), older_form(frames)
    assert decode_frames(made) == decode_frames(older) == frames
    assert json.loads(frames_as_json(made)) == json.loads(frames_as_json(older))


@given(st.lists(st.builds(WireFrame, st.floats(), st.text()), max_size=5))
def test_frames_with_any_times_are_encoded(frames: list[WireFrame]) -> None:
    found = decode_frames(encode_frames(frames))
    assert [frame.text for frame in found] == [frame.text for frame in frames]


def test_a_lone_surrogate_is_kept_and_a_pair_is_joined() -> None:
    frames = [WireFrame(1.0, "a\ud83d"), WireFrame(2.0, "a\ud83d\ude00"), WireFrame(3.0, "\ude00")]
    found = [frame.text for frame in decode_frames(encode_frames(frames))]
    assert found == ["a\ud83d", "a\U0001f600", "\ude00"]


class _Counted(str):
    """A text that counts how often parts of it are read."""

    reads = 0

    def __getitem__(self, place: SupportsIndex | slice) -> str:
        self.reads += 1
        return super().__getitem__(place)


def test_what_long_frames_share_is_found_in_few_steps() -> None:
    words = "the quick brown fox " * 5_000
    before, text = _Counted(f"a {words}b{words}"), _Counted(f"a {words}c{words}")
    assert _common_head(before, text, 0) == 2 + len(words)
    assert _common_tail(before, text, 3, len(words) + 1) == len(words)
    assert _common_head(before, text, len(text)) == 2 + len(words)
    assert before.reads < 200


def _count_shared(one: str, two: str) -> int:
    return next(
        (n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b),
        min(len(one), len(two)),
    )


@given(_ALIKE, _ALIKE, st.integers(0, 9), st.integers(0, 99))
def test_what_two_frames_share_is_found_from_any_guess(
    one: str, two: str, guess: int, most: int
) -> None:
    assert _common_head(one, two, guess) == _count_shared(one, two)
    most = min(most, len(one), len(two))
    shared = _count_shared(one[::-1], two[::-1])
    assert _common_tail(one, two, min(guess, most), most) == min(most, shared)


async def test_the_segments_of_an_ended_reply_are_merged(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "sessions.db", "w")
    await store.create_session(Session("s1", "A title", NOON, NOON))
    reply = Message("r1", Role.ASSISTANT, (), NOON, None, (ReplySource("x1"),))
    exchange = make_exchange(id="x1")
    journal = await store.begin_exchange("s1", [reply], exchange)
    frames = [
        WireFrame(float(n), f'{{"choices":[{{"index":0,"delta":{{"content":"w{n} "}}}}]}}')
        for n in range(300)
    ]
    for first in range(0, 300, 3):
        await journal.append(frames[first : first + 3])
    index = SqliteSearchIndex(lambda: store.database, facts_of)
    await index.index_newest(50)
    count, before = await _segments(store)
    assert count == 100  # the reply has not ended
    await journal.finish(replace(exchange, state=ExchangeState.COMPLETED))
    await index.index_newest(50)
    count, after = await _segments(store)
    assert count == 1
    assert after < before / 4
    assert list((await store.load_wire("x1")).frames) == frames
    await store.close()


async def test_a_journal_with_a_damaged_segment_is_not_merged(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "sessions.db", "w")
    await store.create_session(Session("s1", "A title", NOON, NOON))
    reply = Message("r1", Role.ASSISTANT, (), NOON, None, (ReplySource("x1"),))
    exchange = make_exchange(id="x1")
    journal = await store.begin_exchange("s1", [reply], exchange)
    for number in range(3):
        await journal.append([WireFrame(float(number), "{}")])
    await store.database.write(
        lambda c: c.execute("UPDATE segment SET frames = x'01ff' WHERE number = 1").rowcount
    )
    await journal.finish(replace(exchange, state=ExchangeState.COMPLETED))
    await SqliteSearchIndex(lambda: store.database, facts_of).index_newest(50)
    assert (await _segments(store))[0] == 3
    assert len((await store.load_wire("x1")).frames) == 2
    await store.close()


async def _segments(store: SqliteStore) -> tuple[int, int]:
    """The number of segments, and their bytes."""
    found = await store.database.read(
        lambda c: c.execute("SELECT count(*), sum(length(frames)) FROM segment").fetchone()
    )
    return int(found[0]), int(found[1])
