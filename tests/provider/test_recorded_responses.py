"""Real recorded responses pass through the real SDK and the fold as an independent reader
reads them, however the network cuts them, and replay gives what ran live.
"""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.event import StreamEnded, WireFrame
from replyscope.domain.exchange import Api, Exchange, ExchangeState
from replyscope.domain.fold import fold_events
from replyscope.domain.ports import Clock
from replyscope.provider.opening import translate_frames
from tests.conftest import RECORDED
from tests.support.build import ask, collect, make_exchange, open_chat, without_downloads
from tests.support.server import Answer, LoopbackServer


def is_response(path: Path) -> bool:
    return '"response.' in path.read_text(encoding="utf-8")[:4_000]


RESPONSES = [p for p in sorted(RECORDED.rglob("*.sse")) if is_response(p)]

if not RESPONSES:
    pytest.skip("the recorded streams are not beside this checkout", allow_module_level=True)

WAITING = {"function_call", "custom_tool_call", "computer_call", "shell_call", "apply_patch_call"}


class Reader:
    """Reads a stream by its lines, knowing nothing of the program's own code."""

    def __init__(self, stream: str) -> None:
        self.text = ""
        self.items: dict[int, dict[str, Any]] = {}
        self.final: dict[str, Any] = {}
        for line in stream.splitlines():
            data = line.removeprefix("data:").strip()
            if line.startswith("data:") and data.startswith("{"):
                self._read(json.loads(data))

    def _read(self, event: dict[str, Any]) -> None:
        match event.get("type"):
            case "response.output_text.delta":
                self.text += event["delta"]
            case "response.output_item.done":
                self.items[event["output_index"]] = event["item"]
            case "response.completed" | "response.incomplete" | "response.failed":
                self.final = event["response"]
                for index, item in enumerate(self.final.get("output") or ()):
                    self.items.setdefault(index, item)

    @property
    def calls(self) -> list[dict[str, Any]]:
        return [
            item
            for _, item in sorted(self.items.items())
            if item["type"].endswith("_call") or item["type"] == "mcp_approval_request"
        ]

    @property
    def finish(self) -> str:
        answered = {i.get("call_id") for i in self.items.values() if i["type"].endswith("_output")}
        if any(c["type"] in WAITING and c.get("call_id") not in answered for c in self.calls):
            return "tool_calls"
        if any(c["type"] == "mcp_approval_request" for c in self.calls):
            return "needs_approval"
        return "stop"


async def stream_through(
    server: LoopbackServer, clock: Clock, chunks: list[bytes]
) -> tuple[Exchange, list[Any]]:
    server.answer = lambda _request: Answer(chunks=chunks)
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        events = await collect(provider, ask())
    return fold_events(make_exchange(api=Api.RESPONSES), events), events


@pytest.mark.parametrize("path", RESPONSES, ids=lambda p: p.stem)
async def test_a_recorded_response_is_read_truthfully_in_any_chunking(
    server: LoopbackServer, clock: Clock, path: Path
) -> None:
    data = path.read_bytes()
    whole, events = await stream_through(server, clock, [data])
    read = Reader(data.decode())
    choice = whole.choice(0)
    assert whole.state is ExchangeState.COMPLETED
    assert choice.text == read.text
    assert choice.finish_reason == read.finish
    assert choice.finish_reason_raw == read.final["status"]
    assert whole.response_id == read.final["id"]
    counts = read.final.get("usage") or {}
    assert (whole.usage.output_tokens if whole.usage else None) == counts.get("output_tokens")
    assert (whole.usage.input_tokens if whole.usage else None) == counts.get("input_tokens")
    assert [c.id for c in choice.tool_calls] == [c.get("call_id") or c["id"] for c in read.calls]
    for call, item in zip(choice.tool_calls, read.calls, strict=True):
        if item["type"] in ("function_call", "mcp_call", "mcp_approval_request"):
            assert (call.name, call.arguments) == (item["name"], item["arguments"])
    assert [item.kind for item in choice.items] == [
        item["type"] for _, item in sorted(read.items.items())
    ]
    for kept in choice.items:
        assert json.loads(kept.payload) == read.items[kept.index]
    assert whole.unknown_events == ()

    cuts = sorted(random.Random(path.name).sample(range(len(data)), min(40, len(data))))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    cut, _ = await stream_through(server, clock, pieces)
    assert cut.choices == whole.choices
    assert cut.usage == whole.usage

    frames = [event for event in events if isinstance(event, WireFrame)]
    end = next(event for event in events if isinstance(event, StreamEnded))
    opening = make_exchange(api=Api.RESPONSES)
    replayed = fold_events(opening, [*translate_frames(Api.RESPONSES, frames), end])
    assert replayed.choices == tuple(map(without_downloads, whole.choices))
    assert replayed.usage == whole.usage
    assert replayed.timing == whole.timing
