"""The types of parameters against values: what fits survives as text, what does not is named."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat.completion_create_params import CompletionCreateParamsBase
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import ParameterFault
from replyscope.domain.exchange import Api
from replyscope.domain.json_values import settings_from_json, settings_to_json
from replyscope.domain.parameter import Parameter
from replyscope.domain.session import Parameters, SessionSettings
from replyscope.domain.value_type import Plain, Range, find_fault, phrase_of
from replyscope.engine.parameter_layers import Layer
from replyscope.engine.parameter_state import find_state
from replyscope.engine.parameter_texts import NOT_SENT, text_of, with_typed
from replyscope.inspection.sharing.session_json import session_to_json
from replyscope.provider.catalogue import load_catalogue
from replyscope.provider.given import ELSEWHERE
from replyscope.readers.replyscope_json import session_from_json
from tests.parameters.values import example_of, values_of
from tests.sharing.sessions import rich_session

CATALOGUE = load_catalogue()
TYPED = [
    pytest.param(parameter, api, id=f"{parameter.name} in {api.value}")
    for parameter in CATALOGUE.parameters.values()
    for api in parameter.types
    if parameter.rule is None
]
HUGE = "9" * 5_000


def refusal(name: str, text: str, api: Api | None = None) -> str:
    """The sentence about a value that does not fit."""
    with pytest.raises(ParameterFault) as caught:
        with_typed(Parameters(), CATALOGUE, name, text, api)
    return str(caught.value)


def test_the_catalogue_has_each_field_of_both_request_types_or_says_where_it_is_set() -> None:
    for request in (CompletionCreateParamsBase, ResponseCreateParamsBase):
        for name in request.__annotations__:
            assert (name in CATALOGUE.parameters) is not (name in ELSEWHERE), name


def test_no_type_of_the_sdk_is_left_open() -> None:
    for parameter in CATALOGUE.parameters.values():
        if parameter.rule is None:
            assert Plain.ANY not in parameter.types.values(), parameter.name
        assert parameter.help, parameter.name
        assert "](" not in parameter.help


@pytest.mark.parametrize(("parameter", "api"), TYPED)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_value_that_fits_is_the_same_after_it_is_shown_and_typed(
    parameter: Parameter, api: Api, data: st.DataObject
) -> None:
    value = data.draw(values_of(parameter.types[api]))
    assert find_fault(parameter.types[api], value) is None
    assert parameter.read(text_of(value), api) == value
    parameter.check(value, api)


@settings(max_examples=300, deadline=None)
@given(name=st.sampled_from(list(CATALOGUE.parameters)), text=st.text(max_size=40))
def test_any_text_becomes_a_value_that_fits_or_a_sentence(name: str, text: str) -> None:
    value, sentence = None, ""
    try:
        value = CATALOGUE.read(name, text)
    except ParameterFault as fault:
        sentence = str(fault)
    if not sentence:
        CATALOGUE.check(name, value)
        json.dumps(value, allow_nan=False)
    assert not sentence or sentence.startswith(name)
    assert len(sentence) < 400


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("stop", "END", "END"),
        ("stop", '["a", "b"]', ["a", "b"]),
        ("user", "123", "123"),
        ("store", "yes", True),
        ("logprobs", "false", False),
        ("metadata", "a=1, b=two words", {"a": "1", "b": "two words"}),
        ("metadata", '{"a": "x=y"}', {"a": "x=y"}),
        ("temperature", "1", 1),
        ("tool_choice", "required", "required"),
        ("extra", '{"top_k": 40}', {"top_k": 40}),
    ],
)
def test_a_typed_value_is_json_if_that_fits_else_text(name: str, text: str, value: Any) -> None:
    assert CATALOGUE.read(name, text) == value


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("seed", "x", "seed must be a whole number between"),
        ("seed", HUGE, "seed must be a whole number between"),
        ("temperature", "3", "temperature must be a number between 0 and 2, not 3."),
        ("temperature", "NaN", "temperature must be a number between 0 and 2, not NaN."),
        ("top_logprobs", "21", "must be a whole number between 0 and 20, not 21."),
        ("service_tier", "gold", "service_tier must be auto, default, flex"),
        ("stop", "[1]", "stop[0] must be a text, not 1."),
        ("logit_bias", '{"50256": 1.5}', "logit_bias.50256 must be a whole number, not 1.5."),
        ("prompt_cache_options", '{"ttl": "5m"}', "prompt_cache_options.ttl must be 30m or 12h"),
        ("prompt_cache_options", '{"tll": "30m"}', "prompt_cache_options.tll is not a field"),
        ("reasoning", '{"effort": "huge"}', "reasoning.effort must be none, minimal"),
        ("conversation", '{"name": "x"}', "conversation.name is not a field; allowed: id."),
        ("web_search_options", "[]", "web_search_options must be an object"),
        ("extra", "5", "extra must be an object"),
        ("extra", '{"a": NaN}', "extra has a number that is not finite"),
        ("extra_headers", '{"X": 1}', "extra_headers.X must be a text, not 1."),
        ("extra_headers", '{"X Y": "a"}', "is not a valid HTTP header"),
        ("extra_headers", '{"X": "a\\r\\nb"}', "is not a valid HTTP header"),
        ("extra_headers", '{"Host": "a"}', "extra_headers.Host is set by the program."),
        ("extra_headers", '{"Authorization": "Bearer x"}', "carries a key"),
        ("temprature", "1", "The nearest are: temperature."),
        ("top_k", "40", 'set extra to {"top_k": 40}.'),
        ("messages", "[]", "messages can't be set here: the conversation is sent."),
        ("max_output_tokens", "5", "set max_tokens"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_what_is_allowed(
    name: str, text: str, sentence: str
) -> None:
    assert sentence in refusal(name, text)


def test_a_value_is_checked_for_the_api_in_use() -> None:
    assert CATALOGUE.read("service_tier", "ultrafast", Api.RESPONSES) == "ultrafast"
    assert "service_tier must be" in refusal("service_tier", "ultrafast", Api.CHAT)


def test_bounds_come_from_the_documentation() -> None:
    penalty = CATALOGUE.find("presence_penalty").type_in(Api.CHAT)
    assert isinstance(penalty, Range)
    assert phrase_of(penalty) == "a number between -2 and 2"


def test_parameters_are_the_same_after_they_were_saved() -> None:
    parameters = Parameters()
    for name, one in CATALOGUE.parameters.items():
        parameters = parameters.changed({name: example_of(one.type_in(None))})
    parameters = parameters.unsetting("seed")
    saved = json.loads(json.dumps(settings_to_json(SessionSettings(parameters=parameters))))
    assert settings_from_json(saved).parameters == parameters
    assert set(parameters.given()) == set(CATALOGUE.parameters) - {"seed"}


def test_damaged_parameters_are_refused_when_they_are_imported() -> None:
    value = json.loads(session_to_json(rich_session()))
    for damage in ({"extra": "[1]"}, {"extra": "{"}, {"others": [["stop", "{"]]}):
        value["settings"]["parameters"] = damage
        with pytest.raises(ValueError, match=r"."):
            session_from_json(value)


def test_a_session_overrides_extends_and_unsets_what_the_provider_has() -> None:
    below = Parameters(temperature=0.7, seed=1).changed(
        {"stop": ["a"], "extra": {"a": 1, "b": 1}, "extra_headers": {"X": "1"}}
    )
    own = Parameters(temperature=0.2).changed({"extra": {"b": 2}, "extra_headers": {"Y": "2"}})
    own = with_typed(own, CATALOGUE, "seed", NOT_SENT)
    assert own.merged_over(below).given() == {
        "temperature": 0.2,
        "stop": ["a"],
        "extra": {"a": 1, "b": 2},
        "extra_headers": {"X": "1", "Y": "2"},
    }
    inherits = with_typed(own, CATALOGUE, "seed", "")
    assert inherits.merged_over(below).given()["seed"] == 1


def test_extra_replaces_a_parameter_in_what_the_server_gets() -> None:
    parameters = Parameters().changed(
        {"temperature": 0.1, "reasoning_effort": "low", "extra": {"temperature": 0.5, "top_k": 40}}
    )
    layers = (Layer("session", parameters),)

    def sent(name: str, api: Api = Api.CHAT, layers: tuple[Layer, ...] = layers) -> str:
        endpoint = Endpoint("test", "http://127.0.0.1/v1", api=api)
        return find_state(CATALOGUE.parameters[name], layers, endpoint, {}).sent[-1]

    assert sent("temperature") == "sent as temperature: 0.5, from extra"
    assert sent("extra").startswith("sent as fields of the request")
    assert sent("reasoning_effort", Api.RESPONSES) == "sent as reasoning.effort: low"
    whole = Parameters().changed({"reasoning_effort": "low", "extra": {"reasoning": {}}})
    state = sent("reasoning_effort", Api.RESPONSES, (Layer("session", whole),))
    assert state == "sent as reasoning: {}, from extra"
