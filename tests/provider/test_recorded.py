"""Real recorded streams pass through the real SDK and the fold as an independent reader
reads them, however the network cuts them, and replay gives what ran live.
"""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.event import StreamEnded, WireFrame
from replyscope.domain.exchange import Api, Exchange
from replyscope.domain.fold import fold_events
from replyscope.domain.ports import Clock
from replyscope.provider.opening import translate_frames
from tests.conftest import RECORDED
from tests.support.build import ask, collect, make_exchange, open_chat
from tests.support.server import Answer, LoopbackServer


def is_chat(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    return "chat.completion.chunk" in text[:4_000] and '"error"' not in text


CHAT = [p for p in sorted(RECORDED.rglob("*.sse")) if is_chat(p)] if RECORDED.is_dir() else []

if not CHAT:
    pytest.skip("the recorded streams are not beside this checkout", allow_module_level=True)


def read_independently(stream: str) -> tuple[str, str | None, int | None, int]:
    """Text, raw finish and output tokens of choice 0, and the number of its tool calls."""
    text, finish, output, calls = "", None, None, set()
    for line in stream.splitlines():
        data = line.removeprefix("data:").strip()
        if not line.startswith("data:") or not data.startswith("{"):
            continue
        chunk: dict[str, Any] = json.loads(data)
        counts = chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage") or {}
        output = counts.get("completion_tokens", output)
        for choice in chunk.get("choices") or []:
            content = (choice.get("delta") or {}).get("content")
            if isinstance(content, list):
                content = "".join(p.get("text", "") for p in content if p.get("type") == "text")
            text += content or ""
            finish = choice.get("finish_reason") or finish
            for call in (choice.get("delta") or {}).get("tool_calls") or []:
                if call.get("id"):
                    calls.add(call["id"])
    return text, finish, output, len(calls)


async def stream_through(
    server: LoopbackServer, clock: Clock, chunks: list[bytes]
) -> tuple[Exchange, list[Any]]:
    server.answer = lambda _request: Answer(chunks=chunks)
    async with open_chat(server.base_url, clock) as provider:
        events = await collect(provider, ask())
    return fold_events(make_exchange(), events), events


@pytest.mark.parametrize("path", CHAT, ids=lambda p: p.stem)
async def test_a_recorded_stream_is_read_truthfully_in_any_chunking(
    server: LoopbackServer, clock: Clock, path: Path
) -> None:
    data = path.read_bytes()
    whole, events = await stream_through(server, clock, [data])
    text, finish, output, calls = read_independently(data.decode())
    choice = whole.choice(0)
    assert choice.thinking + choice.text == text
    assert choice.finish_reason_raw == finish
    assert (whole.usage.output_tokens if whole.usage else None) == output
    assert len(choice.tool_calls) == calls

    cuts = sorted(random.Random(path.name).sample(range(len(data)), min(40, len(data))))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    cut, _ = await stream_through(server, clock, pieces)
    assert cut.choices == whole.choices
    assert cut.usage == whole.usage

    frames = [event for event in events if isinstance(event, WireFrame)]
    end = next(event for event in events if isinstance(event, StreamEnded))
    replayed = fold_events(make_exchange(), [*translate_frames(Api.CHAT, frames), end])
    assert replayed.choices == whole.choices
    assert replayed.usage == whole.usage
    assert replayed.timing == whole.timing
