"""Answers of the Responses API, as OpenAI's server forms them."""

from typing import Any

from tests.support.server import Answer, sse


def response(
    *texts: str,
    response_id: str = "resp_1",
    status: str = "completed",
    items: tuple[dict[str, Any], ...] = (),
    **fields: Any,
) -> Answer:
    """A whole response: `items` first, then a message of these pieces of text."""
    return Answer(
        chunks=sse(
            *events(*texts, response_id=response_id, status=status, items=items, **fields),
            done=False,
        )
    )


def events(
    *texts: str,
    response_id: str = "resp_1",
    status: str = "completed",
    items: tuple[dict[str, Any], ...] = (),
    **fields: Any,
) -> list[dict[str, Any]]:
    """The events of such a response."""
    head = {"id": response_id, "object": "response", "model": "test-model", "store": True}
    made: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**head, "status": "in_progress", "output": []}}
    ]
    output = [*items]
    for index, item in enumerate(items):
        made.append({"type": "response.output_item.added", "output_index": index, "item": item})
        made.append({"type": "response.output_item.done", "output_index": index, "item": item})
    if texts:
        output.append(message(*texts))
        made += _message_events(len(items), texts)
    usage = {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}
    final = {**head, "status": status, "output": output, "usage": usage, **fields}
    made.append({"type": f"response.{status}", "response": final})
    for number, event in enumerate(made):
        event["sequence_number"] = number
    return made


def message(*texts: str, item_id: str = "msg_1") -> dict[str, Any]:
    """A finished message item."""
    part = {"type": "output_text", "text": "".join(texts), "annotations": []}
    return {
        "id": item_id,
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }


def _message_events(index: int, texts: tuple[str, ...]) -> list[dict[str, Any]]:
    place = {"output_index": index, "content_index": 0, "item_id": "msg_1"}
    empty = {**message(), "status": "in_progress", "content": []}
    return [
        {"type": "response.output_item.added", "output_index": index, "item": empty},
        *({"type": "response.output_text.delta", "delta": text, **place} for text in texts),
        {"type": "response.output_item.done", "output_index": index, "item": message(*texts)},
    ]
