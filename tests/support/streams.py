"""Recorded streams of both APIs, folded into exchanges without a server."""

import json
from collections.abc import Iterable
from typing import Any

from replyscope.domain.event import Event, StreamEnded, WireFrame
from replyscope.domain.exchange import Api, Choice, Exchange
from replyscope.domain.finish import StreamEnd
from replyscope.domain.fold import fold_events
from replyscope.domain.think_tags import ThinkTags
from replyscope.provider.opening import translate_frames
from tests.support.build import make_exchange
from tests.support.server import delta


def frames(payloads: Iterable[Any]) -> list[WireFrame]:
    """A frame for each JSON value, one every millisecond."""
    return [
        WireFrame(float(number), f"data: {json.dumps(payload)}\n\n")
        for number, payload in enumerate(payloads)
    ]


def fold_stream(
    api: Api,
    *payloads: Any,
    end: StreamEnd = StreamEnd.DONE,
    think_tags: ThinkTags = ThinkTags.AUTO,
) -> Exchange:
    """The exchange that these chunks or events make."""
    events: list[Event] = list(translate_frames(api, frames(payloads), think_tags))
    return fold_events(make_exchange(api=api), [*events, StreamEnded(end, 99.0)])


def fold_chunks(*chunks: Any, **settings: Any) -> Choice:
    """The first choice that Chat Completions chunks make."""
    return fold_stream(Api.CHAT, *chunks, **settings).choice(0)


def fold_response(*events: Any, **settings: Any) -> Choice:
    """The choice that Responses events make."""
    return fold_stream(Api.RESPONSES, *events, **settings).choice(0)


def calls_of(choice: Choice) -> list[tuple[str, Any]]:
    """Name and arguments of each call; arguments that are no JSON as their text."""
    return [(call.name, _value_of(call.arguments)) for call in choice.tool_calls]


def call_chunk(*entries: dict[str, Any]) -> dict[str, Any]:
    """A chunk with entries of `tool_calls`."""
    return delta(tool_calls=list(entries))


def entry(
    index: Any = None, call_id: Any = None, name: Any = None, arguments: Any = None, **other: Any
) -> dict[str, Any]:
    """An entry of `tool_calls` with the fields that are given."""
    function = {"name": name, "arguments": arguments}
    given = {"index": index, "id": call_id, **other}
    made: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    return {**made, "function": {k: v for k, v in function.items() if v is not None}}


def _value_of(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
