"""Streams of the Responses API, for peers that know no other one."""

import json
from collections.abc import Iterable, Iterator

_RESPONSE = {"id": "resp_1", "object": "response", "created_at": 1, "model": "bench"}
_ITEM = {"id": "msg_1", "type": "message", "role": "assistant"}
_PLACE = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
_USAGE = {
    "input_tokens": 1,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 1,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 2,
}


def response_frames(pieces: Iterable[str]) -> Iterator[bytes]:
    """The events of a response with one text."""
    running = {**_RESPONSE, "status": "in_progress", "output": []}
    yield _event("created", response=running)
    begun = {**_ITEM, "status": "in_progress", "content": []}
    yield _event("output_item.added", output_index=0, item=begun)
    empty = {"type": "output_text", "text": "", "annotations": []}
    yield _event("content_part.added", **_PLACE, part=empty)
    text = []
    for piece in pieces:
        text.append(piece)
        yield _event("output_text.delta", **_PLACE, delta=piece)
    whole = {"type": "output_text", "text": "".join(text), "annotations": []}
    yield _event("output_text.done", **_PLACE, text=whole["text"])
    yield _event("content_part.done", **_PLACE, part=whole)
    item = {**_ITEM, "status": "completed", "content": [whole]}
    yield _event("output_item.done", output_index=0, item=item)
    ended = {**_RESPONSE, "status": "completed", "output": [item], "usage": _USAGE}
    yield _event("completed", response=ended)


def _event(name: str, **content: object) -> bytes:
    kind = f"response.{name}"
    data = json.dumps({"type": kind, "sequence_number": 0, **content})
    return f"event: {kind}\ndata: {data}\n\n".encode()
