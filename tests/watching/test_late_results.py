"""The results of tool calls are shown with the calls once the next request brings them."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.message import ToolResultPart
from replyscope.engine.watching.call_log import LiveCalls
from replyscope.engine.watching.late_results import LateResults
from tests.support.build import NOON
from tests.watching.watched import chat_stream, open_watched

CALLS = [("t1", "read", '{"path": "a"}'), ("t2", "read", '{"path": "b"}')]
ASKED: list[Any] = [{"role": "user", "content": "Read both."}]
REPEATED: list[Any] = [
    *ASKED,
    {
        "role": "assistant",
        "content": "Reading.",
        "tool_calls": [
            {"id": i, "type": "function", "function": {"name": n, "arguments": a}}
            for i, n, a in CALLS
        ],
    },
    {"role": "tool", "tool_call_id": "t1", "content": "one"},
    {"role": "tool", "tool_call_id": "t2", "content": "two"},
]


def now() -> datetime:
    return NOON


async def test_results_are_seen_with_the_calls(tmp_path: Path) -> None:
    log = LiveCalls(now, lambda _call: None)
    async with open_watched(tmp_path, events=log.events) as watched:
        watched.begin({"model": "m", "messages": ASKED, "stream": True})
        first = watched.archive.calls[0]
        await _answered(watched, first, chat_stream("Reading.", CALLS))
        assert _results(log, 0) == [None, None]
        watched.begin({"model": "m", "messages": REPEATED, "stream": True})
        await _answered(watched, watched.archive.calls[0], chat_stream("Done."))
    assert _results(log, 0) == ["one", "two"]


async def _answered(watched: Any, call: Any, reply: bytes) -> None:
    call.responded(200, (("content-type", "text/event-stream"),), 1.0)
    call.received(reply, 2.0)
    call.ended(None, 3.0)
    await watched.settle()


def _results(log: LiveCalls, number: int) -> list[str | None]:
    call = log.call(log.ids[number])
    assert call is not None
    assert call.exchange is not None
    return [one.result for one in call.exchange.choices[0].tool_calls]


@pytest.mark.parametrize("count", [3, 5_000])
def test_what_waits_is_bounded(count: int) -> None:
    late = LateResults()
    for number in range(count):
        late.came("s", [ToolResultPart(f"c{number}", "x" * 100)])
    assert len(late._early) == min(count, 1_000)
    assert late._characters == 100 * len(late._early)
