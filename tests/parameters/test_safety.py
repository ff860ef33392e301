"""What parameters can't do: lose a limit, hide what is sent, carry a key, break an export."""

import base64
import json
from dataclasses import replace
from typing import Any

import httpx2
import openai
import pytest

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.event import WireRecord
from replyscope.domain.exchange import SENDABLE, Api, ExchangeState
from replyscope.domain.message import (
    DocumentPart,
    ImagePart,
    Message,
    ReplySource,
    Role,
    ToolResultPart,
)
from replyscope.domain.ports import Clock
from replyscope.domain.session import Parameters
from replyscope.engine.branch import what_conversation_knows
from replyscope.engine.parameter_texts import with_typed
from replyscope.inspection.sharing.redaction import Redactor
from replyscope.inspection.sharing.session_json import session_to_json
from replyscope.provider.adaptation import adapt_fields, propose_adaptation
from replyscope.provider.catalogue import load_catalogue
from replyscope.provider.chat_request import chat_body
from replyscope.provider.given import extra_headers
from replyscope.readers.replyscope_json import session_from_json
from tests.parameters.test_requests import TOOL, sent
from tests.sharing.sessions import rich_session
from tests.support.build import ask, make_exchange, user_message
from tests.support.server import LoopbackServer

CATALOGUE = load_catalogue()
BODY: dict[str, Any] = {
    "model": "m",
    "max_output_tokens": 100,
    "temperature": 1,
    "reasoning": {"effort": "low", "mode": "pro"},
    "stream_options": {"include_usage": True, "include_obfuscation": False},
    "prompt_cache_retention": "24h",
    "prompt_cache_options": {"ttl": "5m"},
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "top_logprobs": 3,
}


def rejection(param: str | None, message: str) -> openai.APIStatusError:
    response = httpx2.Response(400, request=httpx2.Request("POST", "http://here/"))
    body = {"message": message, "param": param}
    return openai.BadRequestError(message, response=response, body=body)


@pytest.mark.parametrize(
    ("param", "message", "dropped"),
    [
        ("max_output_tokens", "Unsupported parameter: 'max_output_tokens'", None),
        (None, "Unsupported parameter: 'max_output_tokens'", None),
        ("tool_choice", "'tool_choice' is not supported with parallel_tool_calls", None),
        ("top_logprobs", "'top_logprobs' is not supported with reasoning models", "top_logprobs"),
        (
            "prompt_cache_retention",
            "prompt_cache_retention is not supported. Use 'prompt_cache_options' instead",
            "prompt_cache_retention",
        ),
        ("reasoning.mode", "Unsupported parameter: 'reasoning.mode'", "reasoning.mode"),
        (
            "stream_options.include_obfuscation",
            "Unknown parameter: 'stream_options.include_obfuscation'",
            "stream_options.include_obfuscation",
        ),
        ("prompt_cache_options.ttl", "ttl is not supported", "prompt_cache_options"),
        (None, "temperature is not supported by this model", "temperature"),
    ],
)
def test_only_what_the_server_states_is_dropped(
    param: str | None, message: str, dropped: str | None
) -> None:
    found = propose_adaptation(rejection(param, message), BODY, {})
    assert (found.name if found is not None else None) == dropped
    if dropped is not None:
        body = dict(BODY)
        adapt_fields(body, {dropped: "drop"})
        place, _, inner = dropped.partition(".")
        assert inner not in body[place] if inner else place not in body
        assert body["max_output_tokens"] == 100
        assert not inner or len(body[place]) == len(BODY[place]) - 1


@pytest.mark.parametrize("fields", [{"include_usage": False}, {"include_obfuscation": False}])
async def test_usage_is_always_requested_because_budgets_count_by_it(
    server: LoopbackServer, clock: Clock, fields: dict[str, Any]
) -> None:
    parameters = Parameters().changed({"stream_options": fields})
    body, _ = await sent(server, clock, Api.CHAT, parameters)
    assert body["stream_options"]["include_usage"] is True


@pytest.mark.parametrize(
    "extra",
    [
        {"api_key": "k"},
        {"options": [{"Authorization": "k"}]},
        {"password": 1},
        {"n": 5},
        {"background": True},
        {"max_tokens": 100_000},
        {"response_id": "r"},
    ],
)
def test_extra_has_no_key_and_nothing_that_the_program_counts_by(extra: dict[str, Any]) -> None:
    with pytest.raises(ReplyscopeError):
        CATALOGUE.check("extra", extra)
    CATALOGUE.check("extra", {"max_total_tokens": 5, "guided_json": {"token_ids": [1]}})


@pytest.mark.parametrize("name", ["messages", "model", "tools", "stream", "max_completion_tokens"])
@pytest.mark.parametrize("api", SENDABLE)
async def test_a_parameter_of_an_import_can_not_change_what_is_sent(
    server: LoopbackServer, clock: Clock, api: Api, name: str
) -> None:
    plain, _ = await sent(server, clock, api, Parameters())
    body, _ = await sent(server, clock, api, Parameters(others=((name, '["HIDDEN"]'),)))
    assert body == plain


def test_headers_of_an_import_can_not_replace_the_key() -> None:
    given = (("Authorization", "Bearer x"), ("Host", "elsewhere"), ("X-Trace", "a"), ("bad", "\n"))
    assert extra_headers(ask(parameters=Parameters(extra_headers=given))) == {"X-Trace": "a"}


def test_an_imported_extra_can_not_replace_the_conversation() -> None:
    extra = json.dumps({"messages": [], "model": "other", "top_k": 4})
    value = json.loads(session_to_json(rich_session()))
    value["settings"].setdefault("parameters", {})["extra"] = extra
    imported = session_from_json(value).session.settings.parameters
    assert json.loads(imported.extra or "") == {"top_k": 4}


def test_a_redacted_export_is_still_json_that_can_be_imported() -> None:
    shared = rich_session()
    parameters = Parameters(
        extra=json.dumps({"guide": "Ask\nbob@example.org", "depth": 123456789}),
        others=(("stop", json.dumps(["\nbob@example.org"])),),
    )
    settings = replace(shared.session.settings, parameters=parameters)
    shared = replace(shared, session=replace(shared.session, settings=settings))
    text = session_to_json(shared, Redactor())
    assert "bob@example.org" not in text
    imported = session_from_json(json.loads(text)).session.settings.parameters
    assert json.loads(imported.extra or "")["depth"] == 123456789
    assert imported.others is not None


def test_a_parameter_that_the_catalogue_no_longer_has_can_be_removed() -> None:
    stored = Parameters(others=(("sede", "7"),))
    assert with_typed(stored, CATALOGUE, "sede", "") == Parameters()
    with pytest.raises(ReplyscopeError, match="not a parameter"):
        with_typed(stored, CATALOGUE, "sede", "8")


@pytest.mark.parametrize("value", ["required", {"type": "function", "function": {"name": "clock"}}])
async def test_a_call_is_not_forced_again_after_its_result(
    server: LoopbackServer, clock: Clock, value: Any
) -> None:
    parameters = Parameters().changed({"tool_choice": value})
    body, _ = await sent(server, clock, Api.CHAT, parameters)
    assert body["tool_choice"] == value
    result = replace(
        user_message("x"), role=Role.TOOL, parts=(ToolResultPart("c1", "now", "clock"),)
    )
    request = ask(parameters=parameters, tools=(TOOL,))
    answered = replace(request, messages=(*request.messages, result))
    assert "tool_choice" not in chat_body(answered, server.base_url, {})


@pytest.mark.parametrize("extras", ['{"id": "conv_1"}', "not JSON"])
@pytest.mark.parametrize("state", [ExchangeState.CANCELLED, ExchangeState.FAILED])
def test_a_conversation_of_the_server_lacks_what_was_not_completed(
    state: ExchangeState, extras: str
) -> None:
    def answer(name: str) -> Message:
        message = replace(user_message("", name), role=Role.ASSISTANT)
        return replace(message, sources=(ReplySource(f"x-{name}", 0),))

    messages = (user_message("1"), answer("a"), user_message("2", "m2"), answer("b"))
    whole = make_exchange(
        id="x-a", response_id="r1", state=ExchangeState.COMPLETED,
        extras=(("conversation", '{"id": "conv_1"}'),),
    )  # fmt: skip
    cut = make_exchange(id="x-b", response_id="r2", state=state, extras=(("conversation", extras),))
    known = what_conversation_knows(messages, {"x-a": whole, "x-b": cut}, "conv_1")
    assert known is not None
    assert known.message_id == "a"


def test_a_redacted_export_has_the_text_of_a_pdf_but_not_its_bytes() -> None:
    shared = rich_session()
    page = ImagePart("r.pdf page 1.jpg", "image/jpeg", b"a picture of bob")
    picture = base64.b64encode(page.data).decode()
    part = DocumentPart("r.pdf", b"%PDF-bob", "Ask bob@example.org", (page,), 1)
    first = replace(shared.messages[0], parts=(part, *shared.messages[0].parts))
    url = "data:application/pdf;base64,JVBERi1ib2I="
    pages = {"image_url": {"url": f"data:image/jpeg;base64,{picture}"}}
    body = json.dumps([{"file_data": url}, pages]).encode()
    records = {
        key: WireRecord(replace(record.request, body=body) if record.request else None, ())
        for key, record in shared.records.items()
    }
    shared = replace(shared, messages=(first, *shared.messages[1:]), records=records)
    text = session_to_json(shared, Redactor())
    assert "bob@example.org" not in text
    assert "JVBERi1ib2I" not in text
    assert picture not in text
    imported = session_from_json(json.loads(text)).messages[0].parts[0]
    assert isinstance(imported, DocumentPart)
    assert (imported.data, imported.text, imported.pages) == (b"", "Ask [e-mail address]", ())
    assert session_to_json(shared).count("JVBERi1ib2I") > 1
    assert session_to_json(shared).count(picture) > 1
