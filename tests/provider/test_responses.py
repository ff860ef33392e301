"""The Responses API over the real SDK: endings, errors and what is asked for."""

import base64
import json
import struct
from typing import Any

import pytest

from replyscope.domain.exchange import Api, Exchange, ExchangeState
from replyscope.domain.finish import FinishReason
from replyscope.domain.ports import Clock
from replyscope.domain.session import Parameters, Schema
from replyscope.domain.tool import ToolCallState
from replyscope.inspection.findings import find_oddities
from tests.support.build import ask, open_chat, run
from tests.support.responses import events, response
from tests.support.server import Answer, LoopbackServer, sse

CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}"}
APPROVAL = {"type": "mcp_approval_request", "id": "mcpr_1", "name": "go", "arguments": "{}"}
SHELL = {
    "type": "shell_call",
    "id": "sh_1",
    "call_id": "call_s",
    "status": "completed",
    "action": {"commands": ["ls", "pwd"]},
}
SHELL_OUTPUT = {
    "type": "shell_call_output",
    "id": "sho_1",
    "call_id": "call_s",
    "output": [{"stdout": "a.txt", "stderr": "", "outcome": {"type": "exit", "exit_code": 2}}],
}
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 480)
REFUSAL = {
    "type": "message",
    "id": "msg_r",
    "role": "assistant",
    "content": [{"type": "refusal", "refusal": "No."}],
}


async def exchange_of(
    server: LoopbackServer, clock: Clock, answer: Answer, **request: Any
) -> Exchange:
    server.answer = lambda _request: answer
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        return await run(provider, ask(**request))


@pytest.mark.parametrize(
    ("answer", "state", "finish", "raw"),
    [
        (response("hi"), "completed", "stop", "completed"),
        (response(items=(CALL,)), "completed", "tool_calls", "completed"),
        (response("x", items=(SHELL, SHELL_OUTPUT)), "completed", "stop", "completed"),
        (response(items=(SHELL,)), "completed", "tool_calls", "completed"),
        (response(items=(APPROVAL,)), "completed", "needs_approval", "completed"),
        (response(items=(REFUSAL,)), "completed", "refusal", "completed"),
        (
            response("x", status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            "incomplete",
            "length",
            "max_output_tokens",
        ),
        (
            response("x", status="incomplete", incomplete_details={"reason": "content_filter"}),
            "incomplete",
            "content_filter",
            "content_filter",
        ),
        (
            response("x", status="incomplete", incomplete_details={"reason": "steered"}),
            "incomplete",
            "cancelled",
            "steered",
        ),
        (response("x", status="cancelled"), "cancelled", "cancelled", "cancelled"),
        (Answer(chunks=sse(*events("x")[:-1], done=False)), "truncated", "truncated", None),
        (Answer(chunks=sse(*events("x")[:-1], done=True)), "truncated", "truncated", None),
    ],
)
async def test_the_finish_reason_is_derived(
    server: LoopbackServer, clock: Clock, answer: Answer, state: str, finish: str, raw: str | None
) -> None:
    exchange = await exchange_of(server, clock, answer)
    choice = exchange.choice(0)
    assert (exchange.state, choice.finish_reason, choice.finish_reason_raw) == (state, finish, raw)
    assert exchange.failure is None


async def test_the_status_counts_not_the_name_of_the_event(
    server: LoopbackServer, clock: Clock
) -> None:
    # Some servers say `response.completed` with the status incomplete.
    *made, last = events(
        "x", status="incomplete", incomplete_details={"reason": "max_output_tokens"}
    )
    last["type"] = "response.completed"
    exchange = await exchange_of(server, clock, Answer(chunks=sse(*made, last, done=False)))
    assert exchange.choice(0).finish_reason is FinishReason.LENGTH
    assert exchange.state is ExchangeState.INCOMPLETE


FAILED = {"code": "server_error", "message": "The model overheated."}


@pytest.mark.parametrize(
    "tail",
    [
        {"type": "error", **FAILED, "param": None, "sequence_number": 9},
        {"type": "error", "error": FAILED, "sequence_number": 9},
        {"type": "response.failed", "response": {"id": "r", "status": "failed", "error": FAILED}},
    ],
)
async def test_an_error_in_the_stream_keeps_what_came(
    server: LoopbackServer, clock: Clock, tail: dict[str, Any]
) -> None:
    answer = Answer(chunks=sse(*events("half")[:-2], tail, done=False))
    exchange = await exchange_of(server, clock, answer)
    assert exchange.state is ExchangeState.FAILED
    assert exchange.choice(0).finish_reason is FinishReason.ERROR
    assert exchange.choice(0).text == "half"
    assert exchange.failure is not None
    assert "The model overheated" in exchange.failure.message
    assert exchange.failure.code == "server_error"


async def test_a_quota_failure_nested_in_a_good_answer_is_one(
    server: LoopbackServer, clock: Clock
) -> None:
    quota = {
        "type": "insufficient_quota",
        "code": "insufficient_quota",
        "message": "You exceeded your current quota.",
    }
    answer = Answer(chunks=sse({"type": "error", "error": quota}, done=False))
    exchange = await exchange_of(server, clock, answer)
    assert exchange.failure is not None
    assert exchange.failure.kind == "quota"


async def test_a_server_that_does_not_stream_is_read_all_the_same(
    server: LoopbackServer, clock: Clock
) -> None:
    body = {**events("whole")[-1]["response"]}
    answer = Answer(content_type="application/json", chunks=[json.dumps(body).encode()])
    exchange = await exchange_of(server, clock, answer)
    assert (exchange.state, exchange.choice(0).text) == (ExchangeState.COMPLETED, "whole")
    assert exchange.usage is not None


async def test_an_unknown_event_is_kept_and_told(server: LoopbackServer, clock: Clock) -> None:
    made = events("x")
    made.insert(1, {"type": "response.telepathy.delta", "delta": "?"})
    exchange = await exchange_of(server, clock, Answer(chunks=sse(*made, done=False)))
    assert exchange.unknown_events == ("response.telepathy.delta",)
    assert exchange.state is ExchangeState.COMPLETED
    assert exchange.frame_count == len(made)


async def test_a_shell_call_is_paired_with_its_output(server: LoopbackServer, clock: Clock) -> None:
    exchange = await exchange_of(server, clock, response(items=(SHELL, SHELL_OUTPUT)))
    (call,) = exchange.choice(0).tool_calls
    assert (call.name, call.arguments) == ("shell", "ls\npwd")
    assert (call.state, call.result) == (ToolCallState.COMPLETED, "a.txt\nexit 2")


async def test_what_is_done_on_a_screen_reads_as_words(
    server: LoopbackServer, clock: Clock
) -> None:
    click = {"type": "click", "button": "left", "x": 10, "y": 20}
    picture = base64.b64encode(PNG).decode()
    screen = {"type": "computer_screenshot", "image_url": f"data:image/png;base64,{picture}"}
    items = (
        {"type": "computer_call", "id": "c", "call_id": "cc", "actions": [click, {"type": "wait"}]},
        {"type": "computer_call_output", "id": "o", "call_id": "cc", "output": screen},
        {"type": "image_generation_call", "id": "i", "status": "completed", "result": picture},
    )
    exchange = await exchange_of(server, clock, response(items=items))
    screen_call, image_call = exchange.choice(0).tool_calls
    assert screen_call.arguments == "click at 10, 20 · button left\nwait"
    assert screen_call.result == "a screenshot: image/png 640×480, 24 bytes"
    assert image_call.result == "image/png 640×480, 24 bytes"


async def test_parts_of_a_message_and_their_phases_are_told_apart(
    server: LoopbackServer, clock: Clock
) -> None:
    def said(text: str, phase: str) -> dict[str, Any]:
        part = {"type": "output_text", "text": text, "annotations": []}
        return {"type": "message", "id": phase, "phase": phase, "content": [part]}

    items = (said("Looking.", "commentary"), said("Done.", "final_answer"))
    exchange = await exchange_of(server, clock, response(items=items))
    choice = exchange.choice(0)
    assert choice.text == "Looking.Done."
    assert [(s.start, s.phase) for s in choice.sections] == [
        (0, "commentary"),
        (8, "final_answer"),
    ]


async def test_everything_that_was_asked_for_is_sent(server: LoopbackServer, clock: Clock) -> None:
    parameters = Parameters(
        max_tokens=50,
        temperature=0.5,
        reasoning_effort="low",
        verbosity="high",
        store=False,
        metadata=(("project", "demo"),),
    )
    schema = Schema("answer", '{"type": "object"}')
    await exchange_of(
        server, clock, response("{}"), system="Be brief.", parameters=parameters, schema=schema
    )
    (body,) = server.requests
    assert body == {
        "model": "test-model",
        "input": [{"role": "user", "content": "hi"}],
        "stream": True,
        "instructions": "Be brief.",
        "max_output_tokens": 50,
        "temperature": 0.5,
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {
            "verbosity": "high",
            "format": {
                "type": "json_schema",
                "name": "answer",
                "schema": {"type": "object"},
                "strict": True,
            },
        },
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "metadata": {"project": "demo"},
    }


async def test_what_only_the_closing_events_bring_is_kept(
    server: LoopbackServer, clock: Clock
) -> None:
    place = {"output_index": 0, "content_index": 0}
    made = [
        {"type": "response.created", "response": {"id": "r", "status": "in_progress"}},
        {"type": "response.output_text.delta", "delta": "The answer ", **place},
        {"type": "response.output_text.done", "text": "The answer is 4.", **place},
        {
            "type": "response.output_item.added",
            "output_index": 1,
            "item": {**CALL, "arguments": ""},
        },
        {
            "type": "response.function_call_arguments.done",
            "output_index": 1,
            "arguments": '{"a": 1}',
        },
        {"type": "response.completed", "response": {"status": "completed", "output": []}},
    ]
    exchange = await exchange_of(server, clock, Answer(chunks=sse(*made, done=False)))
    assert exchange.choice(0).text == "The answer is 4."
    assert [c.arguments for c in exchange.choice(0).tool_calls] == ['{"a": 1}']


async def test_a_final_text_that_contradicts_its_deltas_is_told(
    server: LoopbackServer, clock: Clock
) -> None:
    made = events("half")
    for event in made:
        if event["type"] == "response.output_text.delta":
            event["delta"] = "something else"
    exchange = await exchange_of(server, clock, Answer(chunks=sse(*made, done=False)))
    assert exchange.choice(0).text == "something else"
    assert any(
        "differs from the text of the deltas" in finding for finding in find_oddities(exchange)
    )


async def test_a_remote_server_and_a_safety_check_are_named(
    server: LoopbackServer, clock: Clock
) -> None:
    check = {"id": "sc", "code": "who", "message": "Is it you?"}
    computer = {
        "type": "computer_call",
        "id": "cu_1",
        "call_id": "call_c",
        "action": {"type": "click", "x": 1, "y": 2},
        "pending_safety_checks": [check],
    }
    answer = response(items=({**APPROVAL, "server_label": "deepwiki"}, computer))
    exchange = await exchange_of(server, clock, answer)
    approval, click = exchange.choice(0).tool_calls
    assert approval.server == "deepwiki"
    assert "Is it you?" in click.arguments


async def test_images_of_the_code_interpreter_are_images_of_the_reply(
    server: LoopbackServer, clock: Clock
) -> None:
    url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    outputs = [
        {"type": "logs", "logs": "done"},
        {"type": "image", "url": url},
        {"type": "image", "url": "https://files.example/plot.png"},
        {"type": "image", "url": 7},
    ]
    call = {"type": "code_interpreter_call", "id": "ci_1", "code": "plot()", "outputs": outputs}
    exchange = await exchange_of(
        server, clock, response("Here.", items=({**call, "status": "completed"},))
    )
    inline, linked = exchange.choice(0).images
    assert base64.b64decode(inline.data) == PNG
    assert linked.url == "https://files.example/plot.png"
