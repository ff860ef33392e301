"""Errors in a stream of status 200: whatever its shape and place, the reply has failed, the
server's words are shown, and what came before is kept.
"""

import json
from typing import Any

import pytest

from replyscope.domain.exchange import Api, Exchange, ExchangeState
from replyscope.domain.ports import Clock
from replyscope.provider.stream_errors import find_error
from tests.support.build import ask, open_chat, run
from tests.support.server import Answer, LoopbackServer, delta, usage

WORDS = "the context is too long"


def data(value: Any, event: str | None = None) -> bytes:
    head = f"event: {event}\n" if event else ""
    text = value if isinstance(value, str) else json.dumps(value)
    return f"{head}data: {text}\n\n".encode()


SHAPES: dict[str, bytes] = {
    "an object in `error`": data({"error": {"message": WORDS, "code": 400}}),
    "a text in `error`": data({"error": WORDS}),
    "a text in `error` beside a title": data({"error": "Bad request", "message": WORDS}),
    "a list in `error`": data({"error": [{"message": WORDS}]}),
    "`error: true` and a message": data({"error": True, "message": WORDS}),
    "`error` beside empty choices": data({"id": "x", "choices": [], "error": {"message": WORDS}}),
    "an error object": data({"object": "error", "message": WORDS, "code": 40303}),
    "an error of another type": data({"type": "error", "error": {"message": WORDS}}),
    "`detail` as a text": data({"detail": WORDS}),
    "`detail` as a report": data({"detail": [{"loc": ["body"], "msg": WORDS}]}),
    "`base_resp`": data({"base_resp": {"status_code": 1004, "status_msg": WORDS}}),
    "`base_resp` in a chunk": data(
        {"choices": [], "base_resp": {"status_code": 1013, "status_msg": WORDS}}
    ),
    "`errors`": data({"success": False, "errors": [{"code": 7000, "message": WORDS}]}),
    "a code and a message": data({"code": "InvalidParameter", "message": WORDS, "request_id": "r"}),
    "a number and a message": data({"code": 20015, "message": WORDS, "data": None}),
    "`error_code` and `error_msg`": data({"error_code": 17, "error_msg": WORDS}),
    "`errcode` and `errmsg`": data({"errcode": 17, "errmsg": WORDS}),
    "a status and a message": data({"status": 500, "message": WORDS, "timestamp": "now"}),
    "`success: false` and a message": data({"success": False, "message": WORDS}),
    "a title and a detail": data({"title": "Bad", "status": 400, "detail": WORDS}),
    "words of a provider in the metadata": data(
        {"error": {"message": "Provider returned error", "metadata": {"raw": WORDS}}}
    ),
    "words of a provider as JSON in a text": data(
        {"error": {"message": json.dumps({"error": {"message": WORDS}})}}
    ),
    "an event of that name, JSON": data({"message": WORDS}, "error"),
    "an event of that name, nested": data({"error": {"message": WORDS}}, "error"),
    "an event of that name, words": data(WORDS, "error"),
    "a field of that name": f"error: {json.dumps({'code': 400, 'message': WORDS})}\n\n".encode(),
    "a field of that name, words": f"error: {WORDS}\n\n".encode(),
    "a bare line of JSON": json.dumps({"error": {"message": WORDS}}).encode() + b"\n\n",
    "a bare line of JSON without `error`": json.dumps({"detail": WORDS}).encode() + b"\n\n",
}
IN_CHOICES = {
    "in a choice": data(
        {"choices": [{"index": 0, "delta": {"content": ""}, "error": {"message": WORDS}}]}
    ),
    "in a choice with a finish word": data(
        {
            "choices": [
                {
                    "index": 0,
                    "delta": {},
                    "finish_reason": "error",
                    "error": {"message": "Provider error", "metadata": {"raw": WORDS}},
                }
            ]
        }
    ),
    "beside choices": data(
        {
            "error": {"message": WORDS, "code": 502},
            "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
        }
    ),
}
IN_RESPONSES = {
    "a flat `error` event": data({"type": "error", "code": "x", "message": WORDS, "param": None}),
    "a nested `error` event": data({"type": "error", "error": {"message": WORDS}}, "error"),
    "a failed response": data(
        {
            "type": "response.failed",
            "response": {"status": "failed", "error": {"code": "x", "message": WORDS}},
        },
        "response.failed",
    ),
    "an event of its own": data({"type": "response.error", "error": {"message": WORDS}}),
    "an event of its own, flat": data({"type": "response.error", "message": WORDS}),
}
GOOD = {
    Api.CHAT: [data(delta("Hel")), data(delta("lo"))],
    Api.RESPONSES: [
        data({"type": "response.output_text.delta", "output_index": 0, "delta": text})
        for text in ("Hel", "lo")
    ],
}
PLACES = {
    "alone": (0, 0, b""),
    "alone, then the marker": (0, 0, b"data: [DONE]\n\n"),
    "first": (0, 2, b""),
    "between": (1, 1, b""),
    "last": (2, 0, b""),
    "last, then the marker": (2, 0, b"data: [DONE]\n\n"),
}
CASES = [
    *((Api.CHAT, name, frame) for name, frame in {**SHAPES, **IN_CHOICES}.items()),
    *((Api.RESPONSES, name, frame) for name, frame in {**SHAPES, **IN_RESPONSES}.items()),
]


async def answer(
    server: LoopbackServer, clock: Clock, chunks: list[bytes], api: Api = Api.CHAT
) -> Exchange:
    if api is Api.RESPONSES:
        server.routes["POST", "/responses"] = Answer(chunks=chunks)
    server.answer = lambda _request: Answer(chunks=chunks)
    async with open_chat(server.base_url, clock, api=api) as provider:
        return await run(provider, ask())


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("api", "name", "frame"), CASES, ids=lambda value: str(value)[:40])
async def test_an_error_fails_the_reply_and_keeps_what_came(
    api: Api, name: str, frame: bytes, place: str, server: LoopbackServer, clock: Clock
) -> None:
    before, after, marker = PLACES[place]
    good = GOOD[api]
    chunks = [*good[:before], frame, *good[before : before + after], marker]
    exchange = await answer(server, clock, [chunk for chunk in chunks if chunk], api)
    assert exchange.state is ExchangeState.FAILED, name
    assert exchange.failure is not None
    assert WORDS in exchange.failure.message
    assert exchange.choice(0).text.startswith(("", "Hel", "Hello")[before])


FINE: list[dict[str, Any]] = [
    {**delta("Hi"), "error": None},
    {**delta("Hi"), "error": ""},
    {**delta("Hi"), "error": {}},
    {**delta("Hi"), "error": False},
    {**delta("Hi"), "code": 0, "message": "success"},
    {**delta("Hi"), "code": 200, "msg": "ok"},
    {**delta("Hi"), "base_resp": {"status_code": 0, "status_msg": ""}},
    {**delta("Hi"), "detail": "low"},
    {**delta("Hi"), "status": "in_progress"},
    {**delta("Hi"), "success": True, "errors": []},
    {**usage(), "code": 0, "message": ""},
    {"choices": [], "prompt_filter_results": [{"prompt_index": 0}], "object": ""},
    {"id": "x", "object": "chat.completion.chunk", "choices": [], "warning": "slow"},
    {"type": "ping"},
    {"event": "keepalive", "message": "waiting"},
    {"status": "processing", "message": "in the queue"},
    {"base_resp": {"status_code": 0, "status_msg": "success"}},
]


@pytest.mark.parametrize("chunk", FINE, ids=lambda chunk: json.dumps(chunk)[-60:])
def test_what_is_no_error_is_not_taken_for_one(chunk: dict[str, Any]) -> None:
    assert find_error(chunk) is None


@pytest.mark.parametrize("chunk", FINE, ids=lambda chunk: json.dumps(chunk)[-60:])
async def test_a_reply_with_such_a_chunk_completes(
    chunk: dict[str, Any], server: LoopbackServer, clock: Clock
) -> None:
    chunks = [data(delta("a")), data(chunk), data(delta(finish="stop")), b"data: [DONE]\n\n"]
    exchange = await answer(server, clock, chunks)
    assert exchange.state is ExchangeState.COMPLETED
    assert exchange.failure is None


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": WORDS}},
        {"error": WORDS},
        {"detail": WORDS},
        {"object": "error", "message": WORDS},
        {"code": 1, "message": WORDS},
        {"base_resp": {"status_code": 1, "status_msg": WORDS}, "choices": None},
        [{"error": {"message": WORDS}}],
    ],
    ids=lambda body: json.dumps(body)[:40],
)
@pytest.mark.parametrize("kind", ["text/event-stream", "application/json", "text/plain"])
async def test_a_bare_error_as_the_whole_answer_fails_the_reply(
    body: Any, kind: str, server: LoopbackServer, clock: Clock
) -> None:
    server.answer = lambda _request: Answer(200, kind, [json.dumps(body).encode()])
    async with open_chat(server.base_url, clock) as provider:
        exchange = await run(provider, ask())
    assert exchange.state is ExchangeState.FAILED
    assert exchange.failure is not None
    assert WORDS in exchange.failure.message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "Provider returned error", "metadata": {"raw": WORDS}}}, WORDS),
        (
            {
                "error": {
                    "message": "Provider returned error",
                    "metadata": {"raw": json.dumps({"error": {"message": WORDS}})},
                }
            },
            WORDS,
        ),
        ({"error": {"message": f'400: {{"error": {{"message": "{WORDS}"}}}}'}}, WORDS),
        ([{"error": {"message": WORDS, "status": "INVALID_ARGUMENT"}}], WORDS),
        ({"error": {"message": "", "details": [{"reason": WORDS}]}}, WORDS),
        ({"message": "Bad", "cause": {"message": WORDS}}, WORDS),
    ],
    ids=lambda value: json.dumps(value)[:50],
)
async def test_the_words_behind_a_gateways_words_are_shown(
    body: Any, words: str, server: LoopbackServer, clock: Clock
) -> None:
    server.answer = lambda _request: Answer(400, "application/json", [json.dumps(body).encode()])
    async with open_chat(server.base_url, clock) as provider:
        exchange = await run(provider, ask())
    assert exchange.failure is not None
    assert words in exchange.failure.message
