"""The catalogue of parameters that a request can have, from the SDK's own request types.

The tables here say only what the SDK cannot: which fields this program fills itself, and which
parameter of one API is a field with another name in the other. Loading takes 0.1 s besides the
SDK, so it happens at the first use.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from openai.types.chat.completion_create_params import CompletionCreateParamsBase
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from replyscope.domain import limits
from replyscope.domain.exchange import Api
from replyscope.domain.parameter import EXTRA, EXTRA_HEADERS, Catalogue, Parameter
from replyscope.domain.typed_number import shortened
from replyscope.domain.value_type import MapOf, Plain, Range, TypeFault, ValueType
from replyscope.provider.given import ELSEWHERE, header_fault
from replyscope.provider.sdk_types import read_fields

LIMIT_NAMES = {
    Api.CHAT: "max_completion_tokens or max_tokens",
    Api.RESPONSES: "max_output_tokens",
}
_RESPONSES_NAMES = {
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
    "logprobs": "include",
    "n": "n requests",
}
"""Parameters of Chat Completions, and where Responses has them."""
_LIMITS = {
    "max_tokens": limits.MAX_TOKENS,
    "temperature": limits.TEMPERATURE,
    "top_p": limits.TOP_P,
    "seed": limits.SEED,
    "n": limits.CHOICES,
}


@cache
def load_catalogue() -> Catalogue:
    """The catalogue. Takes 0.1 s at the first call."""
    chat = read_fields(CompletionCreateParamsBase)
    responses = read_fields(ResponseCreateParamsBase)
    responses["max_tokens"] = responses["max_output_tokens"]
    parameters = {}
    for name in (*chat, *(name for name in responses if name not in chat)):
        if name not in ELSEWHERE:
            parameters[name] = _parameter(name, chat, responses)
    parameters |= {one.name: one for one in _free()}
    return Catalogue(MappingProxyType(parameters), MappingProxyType(ELSEWHERE))


_Fields = Mapping[str, tuple[ValueType, str]]


def _parameter(name: str, chat: _Fields, responses: _Fields) -> Parameter:
    types, sent_as, documentation = {}, {}, ""
    for api, fields in ((Api.RESPONSES, responses), (Api.CHAT, chat)):
        if name in fields:
            types[api], documentation = fields[name]
            sent_as[api] = LIMIT_NAMES[api] if name == "max_tokens" else name
    if name in _RESPONSES_NAMES:
        types[Api.RESPONSES] = types[Api.CHAT]
        sent_as[Api.RESPONSES] = _RESPONSES_NAMES[name]
    if name in _LIMITS:
        types = {api: _limited(name, type_) for api, type_ in types.items()}
    return Parameter(name, types, sent_as, documentation)


def _limited(name: str, type_: ValueType) -> ValueType:
    """A number with the limits that settings and options have, too."""
    number = type_.number if isinstance(type_, Range) else type_
    assert isinstance(number, Plain)
    return Range(number, _LIMITS[name])


def _free() -> Iterator[Parameter]:
    """The two parameters for what the SDK's types do not have."""
    for name, values, place, documentation, rule in (
        (
            EXTRA,
            Plain.ANY,
            "fields of the request",
            "Fields of the request as JSON, for what no parameter covers. A field replaces the "
            "request's field of the same name.",
            _fault_of_json,
        ),
        (
            EXTRA_HEADERS,
            Plain.TEXT,
            "HTTP headers",
            "HTTP headers of the request. Headers with keys belong to the provider's settings.",
            _fault_of_headers,
        ),
    ):
        types: dict[Api, ValueType] = dict.fromkeys(Api, MapOf(values))
        yield Parameter(name, types, dict.fromkeys(Api, place), documentation, rule)


_TRACKED = {
    "n": "set n instead",
    "background": "set background instead",
    "store": "set store instead",
    "max_tokens": "set max_tokens instead",
    "max_completion_tokens": "set max_tokens instead",
    "max_output_tokens": "set max_tokens instead",
    "response_id": "it is not a field of a request",
}
"""Names that `extra` can't have: the program uses them, or limits the cost with their values."""
_KEY_NAME = re.compile(
    r"(?:x[-_])?(?:api|access|auth|secret)[-_]?(?:key|token)"
    r"|passw(?:or)?d|secret|authorization|token|credentials?",
    re.IGNORECASE,
)
"""A name whose value is a key. Sessions are saved and exported with their parameters."""


def _fault_of_json(value: dict[str, Any]) -> TypeFault | None:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return TypeFault("", "has a number that is not finite, which JSON can't express")
    for name in value:
        if name in _TRACKED:
            return TypeFault(shortened(name), f"can't be in extra: {_TRACKED[name]}", 1)
    named = next((name for name in _names_in(value) if _KEY_NAME.fullmatch(name)), None)
    if named is not None:
        return TypeFault(shortened(named), "carries a key: set it as a header of the provider", 1)
    return None


def _names_in(value: Any) -> Iterator[str]:
    """The names of all fields, at any depth."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _names_in(one)


def _fault_of_headers(headers: Mapping[str, str]) -> TypeFault | None:
    faults = ((name, header_fault(name, value)) for name, value in headers.items())
    return next((TypeFault(shortened(name), why, 1) for name, why in faults if why), None)
