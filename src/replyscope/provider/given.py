"""Adds the parameters of the catalogue to the body of a request, the same for both APIs.

The builders of the bodies send the parameters that the APIs name differently. Everything else
is sent under its own name, if the API has it; a note says what is left out.
"""

import json
from collections.abc import Mapping
from typing import Any

from openai.types.chat.completion_create_params import CompletionCreateParamsBase
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from replyscope.domain.exchange import Api
from replyscope.domain.request import ModelRequest

LOGPROBS = "message.output_text.logprobs"
FIELDS = {
    Api.CHAT: frozenset((*CompletionCreateParamsBase.__annotations__, "stream")),
    Api.RESPONSES: frozenset((*ResponseCreateParamsBase.__annotations__, "stream")),
}
"""The fields of a request, by API."""
_RENAMED = frozenset(("max_tokens", "reasoning_effort", "verbosity", "n", "logprobs", "extra",
                      "extra_headers"))  # fmt: skip
"""The parameters that both APIs have in some form."""
_OF_TOOLS = ("tool_choice", "parallel_tool_calls")
"""Parameters that servers reject in a request without tools."""
_API_NAMES = {Api.CHAT: "Chat Completions", Api.RESPONSES: "Responses"}


def add_given(body: dict[str, Any], request: ModelRequest, api: Api) -> None:
    """Add the parameters that are sent under their own name.

    Objects and lists are merged with what the builder has put there.
    """
    others = {name: json.loads(text) for name, text in request.parameters.others or ()}
    if others.pop("logprobs", None) is True:
        if api is Api.CHAT:
            body["logprobs"] = True
        else:
            body["include"] = _merged(body.get("include"), [LOGPROBS])
    for name, value in others.items():
        if name in FIELDS[api] and not (name in _OF_TOOLS and not _has_tools(request)):
            body[name] = _merged(body.get(name), value)


def with_extra(body: dict[str, Any], request: ModelRequest) -> dict[str, Any]:
    """The body with the fields of `extra`, which replace its own."""
    extra: dict[str, Any] = json.loads(request.parameters.extra or "{}")
    return body | extra


def extra_headers(request: ModelRequest) -> dict[str, str]:
    """The HTTP headers that the parameters add to the request."""
    return dict(request.parameters.extra_headers or ())


def unsent(request: ModelRequest, api: Api) -> list[str]:
    """A note for each parameter that is set, and that this request does not have."""
    notes = []
    for name in request.parameters.given():
        if name not in FIELDS[api] and name not in _RENAMED:
            notes.append(f"{name} was left out: {_API_NAMES[api]} does not have it")
        elif name in _OF_TOOLS and not _has_tools(request):
            notes.append(f"{name} was left out: the request has no tools")
    return notes


def _has_tools(request: ModelRequest) -> bool:
    extra: Mapping[str, Any] = json.loads(request.parameters.extra or "{}")
    return bool(request.tools or request.hosted or "tools" in extra)


def _merged(own: Any, given: Any) -> Any:
    if isinstance(own, dict) and isinstance(given, dict):
        return {**own, **given}
    if isinstance(own, list) and isinstance(given, list):
        return [*own, *(one for one in given if one not in own)]
    return given
