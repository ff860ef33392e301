"""The table of what goes wrong, row by row, over each API and the real SDK."""

import json
import threading
from typing import Any

import pytest

from replyscope.domain.exchange import SENDABLE, Api, Exchange, ExchangeState
from replyscope.domain.finish import FinishReason
from replyscope.domain.ports import Clock
from tests.support.build import ask, open_chat, run
from tests.support.responses import events
from tests.support.server import Answer, LoopbackServer, delta, error, sse, usage

HTML = b"<!doctype html><title>Welcome</title>"
BOTH = pytest.mark.parametrize("api", SENDABLE)


def begun(api: Api) -> list[bytes]:
    """The frames of a reply that said “half” so far."""
    made = [delta("half")] if api is Api.CHAT else events("half")[:-2]
    return sse(*made, done=False)


def whole(api: Api) -> list[bytes]:
    """The frames of a reply that said “half” and ended."""
    if api is Api.CHAT:
        return sse(delta("half"), delta(finish="stop"), usage())
    return sse(*events("half"), done=False)


async def exchange_of(
    server: LoopbackServer, clock: Clock, api: Api, answer: Answer, **fields: Any
) -> Exchange:
    server.answer = lambda _request: answer
    async with open_chat(server.base_url, clock, api=api, **fields) as provider:
        return await run(provider, ask())


def check_failure(exchange: Exchange, kind: str, *words: str) -> None:
    """It is typed, names the server and its words, and says what to do next."""
    assert exchange.failure is not None
    assert exchange.failure.kind == kind
    assert exchange.failure.next_step
    assert "127.0.0.1" in exchange.failure.message
    for word in words:
        assert word in exchange.failure.message


@BOTH
@pytest.mark.parametrize(
    ("answer", "kind", "word"),
    [
        (error(401, "Incorrect API key provided"), "authentication", "Incorrect API key"),
        (error(403, "Not for your project"), "permission", "Not for your project"),
        (error(404, "The model `x` does not exist"), "not_found", "does not exist"),
        (error(429, "Rate limit reached"), "rate_limit", "Rate limit reached"),
        (error(429, "Quota exceeded", code="insufficient_quota"), "quota", "Quota exceeded"),
        (error(400, "Filtered", code="content_filter"), "content_filter", "Filtered"),
        (error(500, "boom"), "server", "boom"),
        (Answer(503, "text/html", [b"<title>Bad gateway</title>"]), "server", "Bad gateway"),
        (Answer(500, "application/json", [b'["broken", "list"]']), "server", "500"),
    ],
)
async def test_a_status_that_is_an_error(
    server: LoopbackServer, clock: Clock, api: Api, answer: Answer, kind: str, word: str
) -> None:
    answer.headers["x-request-id"] = "req_7"
    exchange = await exchange_of(server, clock, api, answer)
    check_failure(exchange, kind, word)
    assert exchange.failure is not None
    assert (exchange.failure.status, exchange.failure.request_id) == (answer.status, "req_7")
    assert exchange.state is ExchangeState.FAILED


@BOTH
@pytest.mark.parametrize(
    ("content_type", "body", "kind", "word"),
    [
        ("text/html", HTML, "not_a_stream", "Welcome"),
        ("application/json", b'{"error": {"message": "no such deal"}}', "server", "no such deal"),
        ("text/event-stream", b"", "empty", "sent an empty response"),
    ],
)
async def test_an_answer_that_is_no_stream(
    server: LoopbackServer,
    clock: Clock,
    api: Api,
    content_type: str,
    body: bytes,
    kind: str,
    word: str,
) -> None:
    exchange = await exchange_of(server, clock, api, Answer(200, content_type, [body]))
    check_failure(exchange, kind, word)


@BOTH
async def test_a_cut_body_keeps_what_came(server: LoopbackServer, clock: Clock, api: Api) -> None:
    exchange = await exchange_of(server, clock, api, Answer(chunks=begun(api), cut=True))
    check_failure(exchange, "interrupted")
    assert exchange.choice(0).text == "half"
    assert exchange.state is ExchangeState.TRUNCATED


@BOTH
async def test_a_clean_end_without_a_reason_is_not_a_whole_reply(
    server: LoopbackServer, clock: Clock, api: Api
) -> None:
    exchange = await exchange_of(server, clock, api, Answer(chunks=begun(api)))
    assert exchange.state is ExchangeState.TRUNCATED
    assert exchange.choice(0).finish_reason is FinishReason.TRUNCATED
    assert exchange.choice(0).text == "half"


@BOTH
async def test_a_last_event_without_its_blank_line_counts(
    server: LoopbackServer, clock: Clock, api: Api
) -> None:
    frames = whole(api)
    if api is Api.CHAT:
        frames = frames[:-1]  # [DONE] itself would not be missed
    frames[-1] = frames[-1].rstrip(b"\n")
    exchange = await exchange_of(server, clock, api, Answer(chunks=frames))
    assert exchange.usage is not None
    assert exchange.choice(0).finish_reason is FinishReason.STOP


@BOTH
@pytest.mark.parametrize("tail", [b"data: {garbage\n\n", b'data: {"half": \n\n'])
async def test_garbage_after_the_beginning_keeps_what_came(
    server: LoopbackServer, clock: Clock, api: Api, tail: bytes
) -> None:
    exchange = await exchange_of(server, clock, api, Answer(chunks=[*begun(api), tail]))
    check_failure(exchange, "garbled", "not JSON")
    assert exchange.choice(0).text == "half"


@BOTH
@pytest.mark.parametrize(
    "noise",
    [
        b": a comment\n\n",
        b"event: ping\n\n",
        b"data:\n\n",
        b"retry: 100\n\n",
        b"data: null\n\n",
        b"data: [1]\n\n",
        b'data: "a string"\n\n',
    ],
)
async def test_frames_that_say_nothing_are_no_fault(
    server: LoopbackServer, clock: Clock, api: Api, noise: bytes
) -> None:
    frames = whole(api)
    exchange = await exchange_of(server, clock, api, Answer(chunks=[frames[0], noise, *frames[1:]]))
    assert exchange.failure is None
    assert (exchange.state, exchange.choice(0).text) == (ExchangeState.COMPLETED, "half")


@BOTH
async def test_bytes_that_are_not_text_are_kept_as_far_as_they_go(
    server: LoopbackServer, clock: Clock, api: Api
) -> None:
    frames = [frame.replace(b"half", b"ha\xfflf") for frame in whole(api)]
    exchange = await exchange_of(server, clock, api, Answer(chunks=frames))
    assert exchange.choice(0).text == "ha\N{REPLACEMENT CHARACTER}lf"
    assert exchange.state is ExchangeState.COMPLETED


@BOTH
async def test_an_error_in_the_stream_is_the_servers_own(
    server: LoopbackServer, clock: Clock, api: Api
) -> None:
    said = {"message": "The model overheated.", "code": "server_error"}
    tail = {"error": said} if api is Api.CHAT else {"type": "error", "error": said}
    answer = Answer(chunks=[*begun(api), *sse(tail, done=False)])
    exchange = await exchange_of(server, clock, api, answer)
    check_failure(exchange, "server_error_in_stream", "overheated")
    assert exchange.choice(0).text == "half"
    assert exchange.state is ExchangeState.FAILED


@BOTH
async def test_a_server_that_falls_silent_is_not_waited_for_without_end(
    server: LoopbackServer, clock: Clock, api: Api
) -> None:
    never = threading.Event()
    answer = Answer(chunks=[*begun(api), never])
    try:
        exchange = await exchange_of(server, clock, api, answer, timeout_s=0.3)
    finally:
        never.set()
    check_failure(exchange, "timeout")
    assert exchange.choice(0).text == "half"


@BOTH
@pytest.mark.parametrize(
    ("url", "kind"),
    [("ftp://127.0.0.1", "bad_url"), ("http://127.0.0.1:9/v1", "unreachable")],
)
async def test_a_way_that_leads_nowhere(clock: Clock, api: Api, url: str, kind: str) -> None:
    async with open_chat(url, clock, api=api) as provider:
        check_failure(await run(provider, ask()), kind)


@BOTH
@pytest.mark.parametrize("key", ["sk-ключ", "sk-planted\nkey"])
async def test_a_key_that_http_cannot_carry(
    server: LoopbackServer, clock: Clock, api: Api, key: str
) -> None:
    async with open_chat(server.base_url, clock, api=api, key=key) as provider:
        exchange = await run(provider, ask())
    assert exchange.failure is not None  # no server had a part in it
    assert (exchange.failure.kind, bool(exchange.failure.next_step)) == ("bad_key", True)
    assert "planted" not in json.dumps(repr(exchange))


@BOTH
async def test_a_long_wait_that_is_asked_for_is_told(
    server: LoopbackServer, clock: Clock, api: Api
) -> None:
    answer = error(429, "Come back later")
    answer.headers["retry-after"] = "3600"
    exchange = await exchange_of(server, clock, api, answer)
    assert exchange.failure is not None
    assert "60 minutes" in exchange.failure.next_step


async def test_a_stream_that_closes_before_each_choice_ended_is_cut(
    server: LoopbackServer, clock: Clock
) -> None:
    second = delta("half")
    second["choices"][0]["index"] = 1
    made = sse(delta("whole"), second, delta(finish="stop"), done=False)
    exchange = await exchange_of(server, clock, Api.CHAT, Answer(chunks=made))
    assert exchange.state is ExchangeState.TRUNCATED
    finishes = [choice.finish_reason for choice in exchange.choices]
    assert finishes == [FinishReason.STOP, FinishReason.TRUNCATED]


@BOTH
async def test_an_answer_that_ends_inside_a_frame_is_cut(
    server: LoopbackServer, clock: Clock, api: Api
) -> None:
    answer = Answer(chunks=[*begun(api), b'data: {"half": '])
    exchange = await exchange_of(server, clock, api, answer)
    check_failure(exchange, "interrupted", "in the middle of a frame")
    assert (exchange.state, exchange.choice(0).text) == (ExchangeState.TRUNCATED, "half")


@BOTH
@pytest.mark.parametrize(("body", "kind"), [(b": thinking\n\n", "empty"), (b"dat", "interrupted")])
async def test_a_stream_that_ends_before_its_first_event_is_no_page(
    server: LoopbackServer, clock: Clock, api: Api, body: bytes, kind: str
) -> None:
    exchange = await exchange_of(server, clock, api, Answer(chunks=[body]))
    check_failure(exchange, kind)
    assert exchange.state is ExchangeState.TRUNCATED


@pytest.mark.parametrize("closes", [True, False])
async def test_a_response_that_was_told_complete_is_whole_however_the_connection_ends(
    server: LoopbackServer, clock: Clock, closes: bool
) -> None:
    open_still = threading.Event()
    tail = () if closes else (open_still,)
    answer = Answer(chunks=[*whole(Api.RESPONSES), *tail], cut=True)
    try:
        exchange = await exchange_of(server, clock, Api.RESPONSES, answer)
    finally:
        open_still.set()
    assert exchange.failure is None
    assert exchange.state is ExchangeState.COMPLETED
