"""What servers get wrong about the framing of events, in any chunking of the bytes."""

import json
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.event import Event, StreamEnded, TextDelta, WireFrame
from replyscope.domain.exchange import SENDABLE, Api, Exchange, ExchangeState
from replyscope.domain.finish import StreamEnd
from replyscope.domain.fold import fold_events
from replyscope.domain.ports import Clock
from replyscope.domain.sse import FrameSplitter
from replyscope.inspection.findings import find_oddities
from replyscope.provider.opening import translate_frames
from tests.support.build import ask, make_exchange, open_chat, run
from tests.support.server import Answer, LoopbackServer, delta

CHUNKS = [json.dumps(chunk) for chunk in (delta("Hel"), delta("lo {é}"), delta(finish="stop"))]
TYPES = ("response.output_text.delta", "response.output_text.delta", "response.completed")
EVENTS = [
    json.dumps(event)
    for event in (
        {"type": TYPES[0], "output_index": 0, "item_id": "m", "delta": "Hel"},
        {"type": TYPES[1], "output_index": 0, "item_id": "m", "delta": "lo {é}"},
        {"type": TYPES[2], "response": {"status": "completed", "output": []}},
    )
]


def joined(before: str, values: list[str], after: str, last: str = "") -> str:
    return "".join(f"{before}{value}{after}" for value in values) + last


DONE = "data: [DONE]\n\n"
CHAT: dict[str, str] = {
    "as the standard has it": joined("data: ", CHUNKS, "\n\n", DONE),
    "single newlines": joined("data: ", CHUNKS, "\n", "data: [DONE]\n"),
    "single newlines with CR": joined("data: ", CHUNKS, "\r\n", "data: [DONE]\r\n"),
    "single newlines, no space": joined("data:", CHUNKS, "\n", "data:[DONE]"),
    "CRLF": joined("data: ", CHUNKS, "\r\n\r\n", "data: [DONE]\r\n\r\n"),
    "CR alone": joined("data: ", CHUNKS, "\r\r", "data: [DONE]\r\r"),
    "three newlines": joined("data: ", CHUNKS, "\n\n\n", DONE),
    "no newline at the end": joined("data: ", CHUNKS, "\n\n", "data: [DONE]"),
    "a mark of the encoding first": "\ufeff" + joined("data: ", CHUNKS, "\n\n", DONE),
    "comments between": joined(": keep-alive\n\ndata: ", CHUNKS, "\n\n", DONE),
    "comments within": joined(": ping\ndata: ", CHUNKS, "\n\n", DONE),
    "ids and retries": joined("id: 1\nretry: 5\ndata: ", CHUNKS, "\n\n", DONE),
    "an event's name": joined("event: message\ndata: ", CHUNKS, "\n\n", DONE),
    "pings as events": joined("event: ping\ndata: {}\n\ndata: ", CHUNKS, "\n\n", DONE),
    "bare JSON lines after the first": f"data: {CHUNKS[0]}\n\n{CHUNKS[1]}\n{CHUNKS[2]}\n\n{DONE}",
    "bare JSON lines before the last": f"{CHUNKS[0]}\n\n{CHUNKS[1]}\n\ndata: {CHUNKS[2]}\n\n{DONE}",
    "spaces around the marker": joined("data: ", CHUNKS, "\n\n", "data:  [DONE] \n\n"),
}
RESPONSES: dict[str, str] = {
    "as the standard has it": joined("data: ", EVENTS, "\n\n"),
    "single newlines": joined("data: ", EVENTS, "\n"),
    "names and single newlines": "".join(
        f"event: {name}\ndata: {event}\n" for name, event in zip(TYPES, EVENTS, strict=True)
    ),
    "an empty line after the name": "".join(
        f"event: {name}\n\ndata: {event}\n\n" for name, event in zip(TYPES, EVENTS, strict=True)
    ),
    "names alone, without a type": "".join(
        f"event: {name}\ndata: {json.dumps({**json.loads(event), 'type': None})}\n\n"
        for name, event in zip(TYPES, EVENTS, strict=True)
    ),
    "CRLF": joined("data: ", EVENTS, "\r\n\r\n"),
    "the other API's marker": joined("data: ", EVENTS, "\n\n", DONE),
}
STREAMS = [
    *((Api.CHAT, name) for name in CHAT),
    *((Api.RESPONSES, name) for name in RESPONSES),
]


def fold_bytes(api: Api, stream: bytes, cuts: list[int]) -> Exchange:
    """The exchange of a stream that comes in these pieces."""
    splitter, frames, start = FrameSplitter(), [], 0
    for cut in [*sorted(cuts), len(stream)]:
        frames += list(splitter.feed(stream[start:cut]))
        start = max(start, cut)
    frames += [splitter.finish()]
    assert b"".join(frames) == stream
    wire = [WireFrame(1.0, raw.decode()) for raw in frames if raw.strip()]
    end = StreamEnd.DONE if "[DONE]" in wire[-1].text else StreamEnd.CLOSED
    return fold_events(
        make_exchange(api=api), [*translate_frames(api, wire), StreamEnded(end, 9.0)]
    )


@given(case=st.sampled_from(STREAMS), data=st.data())
def test_a_stream_is_read_however_it_is_framed_and_cut(
    case: tuple[Api, str], data: st.DataObject
) -> None:
    api, name = case
    stream = (CHAT if api is Api.CHAT else RESPONSES)[name].encode()
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=12))
    exchange = fold_bytes(api, stream, cuts)
    assert exchange.choice(0).text == "Hello {é}", name
    assert exchange.state is ExchangeState.COMPLETED
    assert not any("JSON" in finding for finding in find_oddities(exchange))


@pytest.mark.parametrize(("api", "name"), STREAMS)
async def test_a_stream_from_a_server_is_read_however_it_is_framed(
    api: Api, name: str, server: LoopbackServer, clock: Clock
) -> None:
    stream = (CHAT if api is Api.CHAT else RESPONSES)[name].encode()
    answer = Answer(chunks=[stream[at : at + 7] for at in range(0, len(stream), 7)])
    server.answer = lambda _request: answer
    server.routes["POST", "/responses"] = answer
    async with open_chat(server.base_url, clock, api=api) as provider:
        exchange = await run(provider, ask())
    assert (exchange.choice(0).text, exchange.state) == ("Hello {é}", ExchangeState.COMPLETED)
    assert exchange.failure is None


@pytest.mark.parametrize("name", [n for n in CHAT if not n.startswith("bare JSON lines before")])
async def test_text_is_shown_before_the_stream_ends(
    name: str, server: LoopbackServer, clock: Clock
) -> None:
    """The text of the first frame is there once the second one came."""
    stream = CHAT[name].encode()
    middle = stream.index(b'"stop"')
    was_seen = threading.Event()
    server.answer = lambda _request: Answer(chunks=[stream[:middle], was_seen, stream[middle:]])
    text = ""

    def listen(event: Event) -> None:
        nonlocal text
        if isinstance(event, TextDelta):
            text += event.text
            was_seen.set()

    async with open_chat(server.base_url, clock) as provider:
        await provider.stream(ask(), listen)
    assert text == "Hello {é}"


TRUNCATED = 'data: {"id": "c1", "choices": [{"index": 0, "delta": {"content": "He\n\n'
CUT_EVENT = 'event: response.created\ndata: {"type":"response.created","response":{"id":"r\n\n'


@pytest.mark.parametrize(
    ("api", "head", "rest"),
    [
        (Api.CHAT, TRUNCATED, CHAT["as the standard has it"]),
        (Api.CHAT, "data: oops\n\n", CHAT["as the standard has it"]),
        (Api.CHAT, 'data: "text"\n\n', CHAT["as the standard has it"]),
        (Api.RESPONSES, CUT_EVENT, RESPONSES["as the standard has it"]),
    ],
)
async def test_a_frame_that_is_no_json_is_skipped_and_named(
    api: Api, head: str, rest: str, server: LoopbackServer, clock: Clock
) -> None:
    answer = Answer(chunks=[head.encode(), rest.encode()])
    server.answer = lambda _request: answer
    server.routes["POST", "/responses"] = answer
    async with open_chat(server.base_url, clock, api=api) as provider:
        exchange = await run(provider, ask())
    assert (exchange.choice(0).text, exchange.state) == ("Hello {é}", ExchangeState.COMPLETED)
    assert exchange.failure is None
    if "text" not in head:
        assert any("not JSON" in finding for finding in find_oddities(exchange))


@pytest.mark.parametrize("junk", [b"\x00", b"\xff\xfe", b"data\n\n", b"data:\n\n", b"\n" * 9])
async def test_bytes_that_say_nothing_end_nothing(
    junk: bytes, server: LoopbackServer, clock: Clock
) -> None:
    stream = CHAT["as the standard has it"].encode()
    first, _, rest = stream.partition(b"\n\n")
    server.answer = lambda _request: Answer(chunks=[first, b"\n\n", junk, b"\n\n", rest])
    async with open_chat(server.base_url, clock) as provider:
        exchange = await run(provider, ask())
    assert exchange.choice(0).text == "Hello {é}"
    assert exchange.state is ExchangeState.COMPLETED


def test_an_unknown_value_in_a_frame_raises_nothing() -> None:
    values: list[Any] = [None, 5, "x", [], [1], {"choices": 5}, {"type": 5}, True]
    for api in SENDABLE:
        stream = joined("data: ", [json.dumps(value) for value in values], "\n\n", DONE)
        assert fold_bytes(api, stream.encode(), []).choice(0).text == ""
