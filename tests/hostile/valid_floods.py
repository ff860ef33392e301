"""Replies of valid events that never end, for both APIs, by what of them grows."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

from replyscope.domain.exchange import Api
from tests.hostile.bad_server import CHUNKED, END, EVENTS, OK, Mode, chunk

_WORDS = "word " * 13_000
_WIDE = "\U0001f600" * 16_000
_HUNDRED = range(100)

Pieces = Callable[[], Iterator[bytes]]


def _frame(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def _chat(delta: dict[str, Any], index: int = 0) -> bytes:
    choice = {"index": index, "delta": delta, "finish_reason": None}
    return _frame({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m",
                   "choices": [choice]})  # fmt: skip


def _event(kind: str, **fields: Any) -> bytes:
    return _frame({"type": f"response.{kind}", "sequence_number": 1, "output_index": 0,
                   "content_index": 0, "item_id": "i", **fields})  # fmt: skip


def _call(slot: int, arguments: str) -> dict[str, Any]:
    function = {"name": "f", "arguments": arguments}
    return {"tool_calls": [{"index": slot, "id": f"c{slot}", "function": function}]}


def _item(slot: int, **fields: Any) -> bytes:
    item = {"id": f"i{slot}", "call_id": f"c{slot}", "name": "f", "arguments": "", **fields}
    return _event("output_item.added", output_index=slot, item={"type": "function_call", **item})


def _repeat(frame: bytes, first: bytes = b"") -> Pieces:
    return lambda: itertools.chain([first] if first else [], itertools.repeat(frame))


def _counted(frame_of: Callable[[int], bytes]) -> Pieces:
    """Frames of their own numbers, a hundred at a time."""
    return lambda: (
        b"".join(frame_of(start + n) for n in _HUNDRED) for start in itertools.count(0, 100)
    )


_GROWING: dict[Api, dict[str, Pieces]] = {
    Api.CHAT: {
        "text": _repeat(_chat({"content": _WORDS})),
        "wide text": _repeat(_chat({"content": _WIDE})),
        "tiny deltas": _repeat(_chat({"content": "a "}) * 300),
        "reasoning": _repeat(_chat({"reasoning_content": _WORDS})),
        "refusal": _repeat(_chat({"refusal": _WORDS})),
        "arguments": _repeat(_chat(_call(0, "x" * 65_000))),
        "tool calls": _counted(lambda n: _chat(_call(n, "{}"))),
        "choices": _counted(lambda n: _chat({"content": "a"}, n)),
        "unknown fields": _counted(lambda n: _chat({f"field{n}": "x"})),
        "large unknown fields": _counted(lambda n: _chat({f"field{n}": _WORDS[:9_000]})),
    },
    Api.RESPONSES: {
        "text": _repeat(_event("output_text.delta", delta=_WORDS)),
        "wide text": _repeat(_event("output_text.delta", delta=_WIDE)),
        "tiny deltas": _repeat(_event("output_text.delta", delta="a ") * 300),
        "reasoning": _repeat(_event("reasoning_text.delta", delta=_WORDS)),
        "refusal": _repeat(_event("refusal.delta", delta=_WORDS)),
        "arguments": _repeat(_event("function_call_arguments.delta", delta="x" * 65_000), _item(0)),
        "tool calls": _counted(_item),
        "unknown events": _counted(lambda n: _event(f"made_up_{n}", junk=_WORDS[:600])),
        "unknown fields": _counted(lambda n: _event("output_text.delta", **{f"field{n}": "x"})),
    },
}


def _answer(pieces: Pieces) -> Mode:
    def answer() -> Iterator[bytes]:
        yield OK + EVENTS + CHUNKED + END
        yield from map(chunk, pieces())

    return answer


FLOODS: dict[tuple[Api, str], Mode] = {
    (api, name): _answer(pieces)
    for api, named in _GROWING.items()
    for name, pieces in named.items()
}
COUNTED = {"tool calls": 2_000, "choices": 128, "unknown fields": 10_000}
"""How many parts a reply may have of those that are counted."""
