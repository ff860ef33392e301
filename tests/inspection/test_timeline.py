"""What a reply was doing when, from its events; pure."""

from datetime import UTC, datetime
from typing import Any

from replyscope.domain.event import (
    Event,
    ReasoningDelta,
    StreamEnded,
    TextDelta,
    ToolCallDelta,
    WireFrame,
)
from replyscope.domain.exchange import Timing
from replyscope.domain.finish import StreamEnd
from replyscope.domain.message import ToolResultPart
from replyscope.domain.tool import ToolCallState
from replyscope.inspection.frame_change import frame_row
from replyscope.inspection.timeline import Doing, paces_of, timeline_of
from tests.support.build import make_exchange

SENT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def at(ms: float, *events: Event) -> list[Event]:
    return [WireFrame(ms, "data: {}\n\n"), *events]


EVENTS: list[Event] = [
    *at(500, ReasoningDelta(0, "hm")),
    *at(900, ReasoningDelta(0, "mm")),
    *at(1_000, TextDelta(0, "One")),
    *at(9_000, TextDelta(0, "Two")),
    *at(9_100, ToolCallDelta(0, 0, "c1", "look", "")),
    *at(9_500, ToolCallDelta(0, 0, None, None, "{}")),
    StreamEnded(StreamEnd.DONE, 10_000),
]


def ran(started_ms: float, took_ms: float) -> dict[str, ToolResultPart]:
    start = SENT.timestamp() * 1000
    fields: dict[str, Any] = {
        "call_id": "c1",
        "name": "look",
        "output": "",
        "state": ToolCallState.COMPLETED,
        "started_ms": round(start + started_ms),
        "duration_ms": took_ms,
    }
    return {"c1": ToolResultPart(**fields)}


def test_each_thing_has_its_bar_and_a_stall_is_one() -> None:
    exchange = make_exchange(started_at=SENT, timing=Timing(duration_ms=10_000))
    timeline = timeline_of(exchange, EVENTS, ran(10_500, 700))
    assert [(bar.doing, bar.start_ms, bar.end_ms) for bar in timeline.bars] == [
        (Doing.WAITING, 0, 500),
        (Doing.REASONING, 500, 900),
        (Doing.TEXT, 1_000, 9_000),
        (Doing.STALL, 1_000, 9_000),
        (Doing.CALL, 9_100, 9_500),
        (Doing.TOOL, 10_500, 11_200),
    ]
    assert timeline.end_ms == 11_200
    assert len(timeline.frames) == 6


def test_an_hour_until_leave_was_given_is_cut_out_and_told() -> None:
    exchange = make_exchange(started_at=SENT, timing=Timing(duration_ms=10_000))
    timeline = timeline_of(exchange, EVENTS, ran(3_610_000, 700))
    bar = timeline.bars[-1]
    assert bar.doing is Doing.TOOL
    assert bar.note == "60 min 0 s later"
    assert bar.end_ms - bar.start_ms == 700
    assert timeline.end_ms < 15_000


def test_the_pace_is_in_tokens_where_they_were_counted() -> None:
    exchange = make_exchange(timing=Timing(duration_ms=10_000))
    timeline = timeline_of(exchange, EVENTS, {})
    paces = paces_of(timeline, 10, 32)
    total = sum(pace * timeline.end_ms / 10 / 1000 for pace in paces)
    assert round(total, 6) == 32
    assert paces[0] > 0
    assert paces[5] == 0  # nothing came
    characters = sum(p * timeline.end_ms / 10 / 1000 for p in paces_of(timeline, 10, None))
    assert round(characters, 6) == 16  # hm mm One Two look {}
    assert paces_of(timeline_of(exchange, (), {}), 10, 5) == ()


def test_without_frames_the_pace_is_what_the_reply_kept_of_it() -> None:
    timing = Timing(500, 500, 900, 1_000, pace=(10, 0, 30), pace_ms=125)
    timeline = timeline_of(make_exchange(timing=timing), (), {})
    paces = paces_of(timeline, 8, None)
    assert [round(pace / 8) for pace in paces] == [0, 0, 0, 0, 10, 0, 30, 0]


def test_a_frame_row_has_number_time_and_change() -> None:
    chat = WireFrame(1012.0, 'data: {"id": "x", "choices": [{"delta": {"content": "Hi"}}]}\n\n')
    assert frame_row(3, chat) == '    3    1,012  content "Hi"'
    assert frame_row(12_345, WireFrame(1.0, "data: [DONE]\n\n")) == "12,345        1  [DONE]"
