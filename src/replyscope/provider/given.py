"""Adds the parameters of the catalogue to the body of a request, the same for both APIs.

The builders of the bodies send the parameters that the APIs name differently. Everything else
is sent under its own name, if the API has it; a note says what is left out.
"""

import json
import re
from typing import Any

from openai.types.chat.completion_create_params import CompletionCreateParamsBase
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from replyscope.domain.exchange import Api
from replyscope.domain.mask import is_secret_header
from replyscope.domain.message import Role
from replyscope.domain.request import ModelRequest

ELSEWHERE = {
    "messages": "the conversation is sent",
    "input": "the conversation is sent",
    "instructions": "it is the system prompt",
    "previous_response_id": "it is the last reply, if the server stores replies",
    "model": "choose the model with /model or --model",
    "stream": "replies are always streamed",
    "tools": "choose tools with /tools or --tools, and tools of the provider with /hosted",
    "functions": "choose tools with /tools or --tools",
    "function_call": "set tool_choice",
    "response_format": "set the schema of the reply with /schema or --schema",
    "text": "set verbosity, and the schema of the reply with /schema or --schema",
    "prompt": "prompts that the server stores end on 30 November 2026",
    "max_completion_tokens": "set max_tokens, which is sent under the server's name for it",
    "max_output_tokens": "set max_tokens, which is sent under the server's name for it",
}
"""The fields of requests that are not parameters here, with the reason."""

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
_OWN_HEADERS = frozenset(
    ("accept", "connection", "content-length", "content-type", "host", "transfer-encoding")
)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]*")
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
        if name in FIELDS[api] and name not in ELSEWHERE and not _is_untimely(name, value, request):
            body[name] = _merged(body.get(name), value)
    if api is Api.CHAT and "stream_options" in others:
        body["stream_options"]["include_usage"] = True  # budgets count by it


def with_extra(body: dict[str, Any], request: ModelRequest) -> dict[str, Any]:
    """The body with the fields of `extra`, which replace its own."""
    extra = extra_fields(request)
    extra.pop("response_id", None)  # that would be another request
    return body | extra


def extra_fields(request: ModelRequest) -> dict[str, Any]:
    """The fields of `extra`, a new dict."""
    extra: dict[str, Any] = json.loads(request.parameters.extra or "{}")
    return extra


def extra_headers(request: ModelRequest) -> dict[str, str]:
    """The HTTP headers that the parameters add to the request, without the invalid headers that
    an imported session may have.
    """
    given = request.parameters.extra_headers or ()
    return {name: value for name, value in given if not header_fault(name, value)}


def header_fault(name: str, value: str) -> str:
    """The reason that a header can't be added to a request, as a predicate; "" if it can."""
    if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
        return "is not a valid HTTP header"
    if name.lower() in _OWN_HEADERS:
        return "is set by the program"
    if is_secret_header(name):
        return "carries a key: set it as a header of the provider"
    return ""


def unsent(request: ModelRequest, api: Api) -> list[str]:
    """A note for each parameter that is set, and that this request does not have."""
    notes = []
    for name in request.parameters.given():
        if name not in FIELDS[api] and name not in _RENAMED:
            notes.append(f"{name} was left out: {_API_NAMES[api]} does not have it")
        elif name in _OF_TOOLS and not _has_tools(request):
            notes.append(f"{name} was left out: the request has no tools")
    return notes


def _is_untimely(name: str, value: Any, request: ModelRequest) -> bool:
    """Whether a parameter does not fit this request: it is about tools but none are offered, or
    it would force a call again after the results, so that a turn never ends in a reply.
    """
    if name in _OF_TOOLS and not _has_tools(request):
        return True
    forces = name == "tool_choice" and (value == "required" or isinstance(value, dict))
    return forces and bool(request.messages) and request.messages[-1].role is Role.TOOL


def _has_tools(request: ModelRequest) -> bool:
    return bool(request.tools or request.hosted or "tools" in extra_fields(request))


def _merged(own: Any, given: Any) -> Any:
    if isinstance(own, dict) and isinstance(given, dict):
        return {**own, **given}
    if isinstance(own, list) and isinstance(given, list):
        return [*own, *(one for one in given if one not in own)]
    return given
