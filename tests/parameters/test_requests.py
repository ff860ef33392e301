"""The bytes that a server gets for each parameter of the catalogue, over both APIs."""

import json
from typing import Any

import pytest

from replyscope.domain.event import RequestAdapted, RequestSent
from replyscope.domain.exchange import SENDABLE, Api
from replyscope.domain.parameter import EXTRA, EXTRA_HEADERS, Parameter
from replyscope.domain.ports import Clock
from replyscope.domain.session import Parameters
from replyscope.domain.tool import Tool
from replyscope.provider.catalogue import load_catalogue
from tests.parameters.values import example_of
from tests.support.build import Memory, ask, collect, open_chat
from tests.support.responses import response
from tests.support.server import LoopbackServer, error, reply

CATALOGUE = load_catalogue()
CASES = [
    pytest.param(parameter, api, id=f"{parameter.name} over {api.value}")
    for parameter in CATALOGUE.parameters.values()
    for api in SENDABLE
]
TOOL = Tool("clock", "Tells the time.", '{"type": "object", "properties": {}}', "shipped", "clock")
ENDPOINTS = {Api.CHAT: "/chat/completions", Api.RESPONSES: "/responses"}


async def sent(
    server: LoopbackServer, clock: Clock, api: Api, parameters: Parameters, **fields: Any
) -> tuple[dict[str, Any], list[str]]:
    """The body that the server gets, and the notes about what was left out."""
    answer = response("Yes.") if api is Api.RESPONSES else reply("Yes.")
    server.routes["POST", ENDPOINTS[api]] = answer
    request = ask(parameters=parameters, **{"tools": (TOOL,), **fields})
    async with open_chat(server.base_url, clock, api=api) as provider:
        events = await collect(provider, request)
    body: dict[str, Any] = json.loads(server.bodies[-1])
    (recorded,) = [event.body for event in events if isinstance(event, RequestSent)]
    assert json.loads(recorded) == body
    return body, [event.note for event in events if isinstance(event, RequestAdapted)]


def at(body: dict[str, Any], place: str) -> Any:
    """The value at a place such as `reasoning.effort`."""
    for name in place.split("."):
        body = body.get(name, {})
    return body


@pytest.mark.parametrize(("parameter", "api"), CASES)
async def test_each_parameter_is_sent_at_its_place_or_named_as_left_out(
    server: LoopbackServer, clock: Clock, parameter: Parameter, api: Api
) -> None:
    plain, _ = await sent(server, clock, api, Parameters())
    value = example_of(parameter.type_in(api))
    body, notes = await sent(server, clock, api, Parameters().changed({parameter.name: value}))
    if api not in parameter.types:
        assert body == plain
        assert [note.partition(" ")[0] for note in notes] == [parameter.name]
        return
    assert notes == []
    match parameter.name:
        case "max_tokens":
            field = "max_tokens" if api is Api.CHAT else "max_output_tokens"
            assert body == {**plain, field: value}
        case "logprobs" if api is Api.RESPONSES:
            assert body["include"] == ["message.output_text.logprobs"]
        case "n" if api is Api.RESPONSES:
            assert body == plain  # the engine sends a request for each
        case _ if parameter.name == EXTRA:
            assert body == {**plain, **value}
        case _ if parameter.name == EXTRA_HEADERS:
            assert body == plain
        case "stream_options" if api is Api.CHAT:
            assert body["stream_options"] == {"include_usage": True, **value}
        case _:
            assert at(body, parameter.sent_as[api]) == value


async def test_extra_headers_are_sent_as_headers(server: LoopbackServer, clock: Clock) -> None:
    parameters = Parameters().changed({"extra_headers": {"X-Trace": "t1"}})
    async with open_chat(server.base_url, clock) as provider:
        events = await collect(provider, ask(parameters=parameters))
    assert server.headers[-1]["x-trace"] == "t1"
    (request,) = [event for event in events if isinstance(event, RequestSent)]
    assert ("x-trace", "t1") in [(name.lower(), value) for name, value in request.headers]


@pytest.mark.parametrize("api", SENDABLE)
async def test_extra_replaces_any_field_even_the_programs_own(
    server: LoopbackServer, clock: Clock, api: Api
) -> None:
    extra = {"model": "other", "top_k": 40, "temperature": None, "stream_options": None}
    given = Parameters(temperature=0.5).changed({"extra": extra})
    body, _ = await sent(server, clock, api, given)
    assert {name: body[name] for name in extra} == extra


async def test_objects_and_lists_are_merged_with_what_the_program_sends(
    server: LoopbackServer, clock: Clock
) -> None:
    given = Parameters(reasoning_effort="low", store=False).changed(
        {
            "reasoning": {"mode": "pro"},
            "include": ["reasoning.encrypted_content", "file_search_call.results"],
        }
    )
    body, _ = await sent(server, clock, Api.RESPONSES, given)
    assert body["reasoning"] == {"effort": "low", "summary": "auto", "mode": "pro"}
    assert body["include"] == ["reasoning.encrypted_content", "file_search_call.results"]


@pytest.mark.parametrize("api", SENDABLE)
async def test_parameters_of_tools_are_left_out_of_a_request_without_tools(
    server: LoopbackServer, clock: Clock, api: Api
) -> None:
    given = Parameters().changed({"tool_choice": "none", "parallel_tool_calls": False})
    body, notes = await sent(server, clock, api, given, tools=())
    assert not {"tool_choice", "parallel_tool_calls"} & body.keys()
    assert notes == [
        "tool_choice was left out: the request has no tools",
        "parallel_tool_calls was left out: the request has no tools",
    ]


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        ("Unsupported parameter: 'stop' is not supported with this model.", {}),
        ("This argument is not supported", {"param": "stop"}),
        ('{"detail": [{"loc": ["body", "stop"], "msg": "Extra inputs are not permitted"}]}', {}),
    ],
)
async def test_a_rejected_parameter_of_the_catalogue_is_left_out_and_remembered(
    server: LoopbackServer, clock: Clock, message: str, fields: dict[str, str]
) -> None:
    server.answer = lambda request: (
        error(400, message, **fields) if "stop" in request else reply("Yes.")
    )
    memory = Memory()
    given = Parameters().changed({"stop": "END", "presence_penalty": 1})
    async with open_chat(server.base_url, clock, memory=memory) as provider:
        events = await collect(provider, ask(parameters=given))
        again = await collect(provider, ask(parameters=given))
    notes = [event.note for event in events if isinstance(event, RequestAdapted)]
    assert notes == ["stop was rejected; sent without it"]
    assert [one["presence_penalty"] for one in server.requests] == [1, 1, 1]
    notes = [event.note for event in again if isinstance(event, RequestAdapted)]
    assert notes == ["stop was left out: this model rejects it"]


@pytest.mark.parametrize(
    "given",
    [
        {"service_tier": "flex"},
        {"extra": {"top_k": 1}},
        {"extra": {"temperature": 1}},
        {"moderation": {"model": "omni-moderation-latest"}},
    ],
)
async def test_what_costs_protects_or_was_written_by_hand_is_never_dropped(
    server: LoopbackServer, clock: Clock, given: dict[str, Any]
) -> None:
    names = ", ".join(f"'{name}'" for one in given for name in (one, *_inner(given[one])))
    server.answer = lambda _request: error(400, f"Unknown parameter: {names}.")
    async with open_chat(server.base_url, clock) as provider:
        await collect(provider, ask(parameters=Parameters().changed(given)))
    assert len(server.requests) == 1


def _inner(value: Any) -> list[str]:
    return list(value) if isinstance(value, dict) else []
