"""What a request asked the server to report is shown, and is not called non-standard."""

import json
from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.exchange import Api
from replyscope.domain.ports import Clock
from replyscope.inspection.asked_rows import asked_rows
from replyscope.inspection.explain import explain
from replyscope.inspection.findings import find_oddities
from replyscope.provider.models import read_models
from tests.cli.run import run_command
from tests.support.build import ask, open_chat, run
from tests.support.responses import response
from tests.support.server import Answer as ServerAnswer
from tests.support.server import LoopbackServer, delta, sse
from tests.ui.app import frame, make_app, until
from tests.ui.app import open_chat as open_app

_MODERATION = {
    "input": {"type": "moderation_result", "flagged": False, "categories": {"violence": False},
              "category_scores": {"violence": 0.01}, "model": "m"},
    "output": {"type": "moderation_result", "flagged": True,
               "categories": {"violence": True, "hate": False}, "model": "m"},
}  # fmt: skip
_USAGE = {
    "input_tokens": 2_000,
    "output_tokens": 3,
    "total_tokens": 2_003,
    "input_tokens_details": {
        "cached_tokens": 0,
        "cache_write_tokens": 1_900,
        "cache_write_tokens_details": {"ttl_30m_tokens": 1_900, "ttl_12h_tokens": 0},
    },
    "output_tokens_details": {"reasoning_tokens": 0},
}
REPORTED: list[tuple[dict[str, Any], tuple[str, str]]] = [
    (
        {"prompt_cache_diagnostics": {"type": "cache_hit"}},
        ("cache", "cache hit"),
    ),
    (
        {
            "prompt_cache_diagnostics": {
                "type": "cache_miss",
                "reason": "tools_changed",
                "cache_missed_tokens": 1800,
            }
        },
        (
            "cache",
            "cache miss · tools changed · cache missed tokens: 1800",
        ),
    ),
    ({"usage": _USAGE}, ("cache", "ttl 30m tokens: 1900")),
    ({"moderation": _MODERATION}, ("safety", "input: not flagged · output: flagged violence")),
    (
        {"tool_usage": {"web_search": {"num_requests": 2}, "image_gen": {"total_tokens": 0}}},
        ("tool use", "web search num requests: 2"),
    ),
    ({"reasoning": {"effort": "low", "mode": "pro"}}, ("mode", "reasoning mode pro")),
]


@pytest.mark.parametrize(("fields", "row"), REPORTED)
async def test_a_reported_field_has_a_row_and_no_finding(
    server: LoopbackServer, clock: Clock, fields: dict[str, Any], row: tuple[str, str]
) -> None:
    server.routes["POST", "/responses"] = response("Yes.", **fields)
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        exchange = await run(provider, ask())
    assert row in asked_rows(exchange.extras)
    assert not [one for one in find_oddities(exchange) if "also sent" in one or "non-" in one]


async def test_moderation_of_a_completion_has_a_row(server: LoopbackServer, clock: Clock) -> None:
    end = {**delta(finish="stop"), "moderation": _MODERATION}
    server.answer = lambda _request: ServerAnswer(chunks=sse(delta("Yes."), end))
    async with open_chat(server.base_url, clock) as provider:
        exchange = await run(provider, ask())
    assert asked_rows(exchange.extras) == [
        ("safety", "input: not flagged · output: flagged violence")
    ]
    assert not [one for one in find_oddities(exchange) if "non-standard" in one]


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [("max_messages", "limit on messages"), ("steered", "The server stopped this reply: steered")],
)
async def test_the_new_endings_are_explained(
    server: LoopbackServer, clock: Clock, reason: str, sentence: str
) -> None:
    server.routes["POST", "/responses"] = response(
        "Yes.", status="incomplete", incomplete_details={"reason": reason}
    )
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        exchange = await run(provider, ask())
    said = explain(exchange).sentence
    assert sentence in said
    assert "non-standard" not in said


def test_any_shape_of_a_reported_field_is_shown_as_it_came() -> None:
    names = ("moderation", "tool_usage", "prompt_cache_diagnostics", "conversation")
    values = ("null", "[]", "3", '"x"', "{}", '{"type": 1}', '{"input": null}', "{", '[{"a": 1}]')
    for name in names:
        for value in values:
            for label, text in asked_rows(((name, value),)):
                assert label
                assert text


def test_a_session_shown_as_text_has_the_rows(server: LoopbackServer, tmp_path: Path) -> None:
    server.routes["POST", "/responses"] = response("Yes.", moderation=_MODERATION)
    base = ("--base-url", server.base_url, "--api", "responses")
    done = run_command(tmp_path, "ask", "hi", "--json", *base, OPENAI_API_KEY="sk-1")
    session_id = json.loads(done.stdout)["session_id"]
    shown = run_command(tmp_path, "sessions", "show", session_id).stdout
    assert "safety  input: not flagged · output: flagged violence" in shown


def test_a_model_list_states_the_last_day_and_the_window() -> None:
    body = {"data": [
        {"id": "a", "shutdown_date": "2026-12-31", "context_length": 128_000},
        {"id": "b", "shutdown_date": None},
        {"id": "c", "shutdown_date": 7},
    ]}  # fmt: skip
    assert [model.shutdown_date for model in read_models(body)] == ["2026-12-31", None, None]


async def test_the_picker_shows_the_last_day_and_the_window_of_a_model(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.models_body = json.dumps(
        {"data": [{"id": "old", "shutdown_date": "2026-12-31", "context_length": 128_000},
                  {"id": "new"}]}
    )  # fmt: skip
    async with open_app(make_app(tmp_path, server.base_url), size=(80, 24)) as pilot:
        await pilot.press("f2")
        await until(pilot, lambda: "128,000 tokens · shut down on 2026-12-31" in frame(pilot))
        await pilot.press(*"old", "enter")
        await until(pilot, lambda: pilot.app.screen is pilot.app.screen_stack[-1])
        await until(pilot, lambda: "old is shut down on 2026-12-31." in frame(pilot))
