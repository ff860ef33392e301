"""Adaptations: changes to a request after a server rejected one of its parameters.

A rejection names the parameter in `param`, in the message, or in a validation report. Each
adaptation is made once, reported as an event and remembered per model.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openai import APIStatusError

from replyscope.provider.history import REASONING, own_fields
from replyscope.provider.schema_words import schema_words

_RENAMES = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_DROPPABLE = (
    "stream_options",
    "temperature",
    "top_p",
    "seed",
    "reasoning_effort",
    "verbosity",
    "store",
    "metadata",
    "include",
    "reasoning",
    "previous_response_id",
)
_NOT_DROPPED = frozenset(
    ("model", "messages", "input", "instructions", "stream", "tools", "response_format", "text",
     "n", "background", "background_options", "conversation", "max_output_tokens",
     "max_tool_calls", "moderation", "safety_identifier", "service_tier", "tool_choice")
)  # fmt: skip
"""Fields that make the request what it is, limit the cost or protect someone: the user decides."""
_IS_UNKNOWN = re.compile(
    r"(not|n't) (be )?(supported|permitted|allowed|recogni[sz]ed|accept|exist|found|support)"
    r"|unsupported|unrecogni[sz]ed|unknown|unexpected|extra (fields|inputs)|forbidden"
    r"|invalid (parameter|argument)|no such|instead",
    re.IGNORECASE,
)
_IS_OUT_OF_RANGE = re.compile(
    r"too (large|small|high|low)|at (most|least)|between|range|(greater|less) than"
    r"|maximum|minimum",
    re.IGNORECASE,
)
_SYSTEM_ROLES = ("system", "developer", "user")


@dataclass(frozen=True, slots=True)
class Adaptation:
    """A change to a request: `instead` ("drop" or a new name) replaces `name`.

    `note` is shown to the user. With `is_lasting` false it is not remembered for the model.
    """

    name: str
    instead: str
    note: str
    is_lasting: bool = True


def propose_adaptation(
    error: APIStatusError, body: Mapping[str, Any], known: Mapping[str, str]
) -> Adaptation | None:
    """The change that may make the server accept the request; None when no rule applies."""
    if error.status_code not in (400, 404, 415, 422):
        return None
    said = _words_of(error)
    name = _rejected_parameter(error.param, said, body)
    if name is not None:
        return _for_parameter(name, said, body, known)
    rules = (_for_files, _for_system_role, _for_own_field, _for_history, _for_schema)
    found = (rule(said, body, known) for rule in rules)
    return next((adaptation for adaptation in found if adaptation is not None), None)


def _rejected_parameter(param: str | None, said: str, body: Mapping[str, Any]) -> str | None:
    """The parameter that a rejection is about, or a field in one, as in `reasoning.mode`.

    What the server states in `param` counts more than its words, which may name others too.
    None when it is none of the body, or one that only the user may remove.
    """
    stated, _, inner = (param or "").partition(".")
    stated = stated.partition("[")[0]
    if stated in body:
        if stated in _NOT_DROPPED:
            return None
        value = body[stated]
        is_inner = bool(inner) and isinstance(value, dict) and len(value) > 1 and inner in value
        return f"{stated}.{inner}" if is_inner else stated
    for name in (*_RENAMES, *_DROPPABLE):
        if name in body and re.search(rf"\b{name}\b", said):
            return name
    names = (name for name in body if name not in _NOT_DROPPED and _is_named(name, said))
    return next(names, None)


def _is_named(name: str, said: str) -> bool:
    """Whether a rejection names a parameter. A name that may be a word has to be quoted."""
    if "_" in name:
        return re.search(rf"\b{name}\b", said) is not None
    return re.search(rf"[\"'`]{name}\\?[\"'`]|\bbody[. >-]+{name}\b", said) is not None


def _words_of(error: APIStatusError) -> str:
    """The text of a rejection: its `param`, message and body, without the conversation."""
    body = error.body
    detail = body if isinstance(body, str) else json.dumps(body, default=str)
    return f"{error.param or ''} {error.message} {detail}"


def _for_parameter(
    name: str, said: str, body: Mapping[str, Any], known: Mapping[str, str]
) -> Adaptation | None:
    """The adaptation of one parameter; None when the user has to decide.

    A limit is renamed but never dropped, because the user pays for the tokens, and
    `store = false` is never dropped, because it protects privacy. A value that is out of range
    is not changed.
    """
    if not _IS_UNKNOWN.search(said) or _IS_OUT_OF_RANGE.search(said):
        return None
    other = _RENAMES.get(name)
    if other is not None:
        if known.get(other) is not None:
            return None
        return Adaptation(name, other, f"{name} was rejected; sent as {other} instead")
    if name == "store" and body["store"] is False:
        return None
    # An error that names the response means that this one expired, not that none are stored.
    is_lasting = name != "previous_response_id" or str(body[name]) not in said
    return Adaptation(name, "drop", f"{name} was rejected; sent without it", is_lasting)


def adapt_fields(body: dict[str, Any], adaptations: Mapping[str, str]) -> None:
    """Rename or drop the fields of a body, or fields within one, as in `reasoning.mode`."""
    for name, instead in adaptations.items():
        place, _, inner = name.partition(".")
        if name in body:
            value = body.pop(name)
            if instead != "drop":
                body[instead] = value
        elif inner and instead == "drop" and isinstance(body.get(place), dict):
            body[place] = {key: one for key, one in body[place].items() if key != inner}


def _for_files(said: str, body: Mapping[str, Any], known: Mapping[str, str]) -> Adaptation | None:
    """Send the text and the page images of PDF files, if the server rejects the files.

    It is remembered for the model, so the words have to be about files of any content. The types
    of parts count only if no other part can be meant.
    """
    entries = [*body.get("messages", []), *body.get("input", [])]
    contents = [entry.get("content") for entry in entries if isinstance(entry, dict)]
    kinds = {
        item.get("type") for content in contents if isinstance(content, list) for item in content
    }
    if not kinds & {"file", "input_file"} or known.get("files") == "text":
        return None
    has_others = bool(kinds & {"image_url", "input_image", "input_audio"})
    is_about = _REFUSES_FILES.search(said) or (not has_others and _REFUSES_TYPES.search(said))
    if not is_about or _IS_ABOUT_ONE_FILE.search(said):
        return None
    note = "PDF files were rejected; sent as text and page images"
    return Adaptation("files", "text", note)


def _refusal_of(words: str) -> re.Pattern[str]:
    """A word of refusal near one of the words."""
    refusal = (
        r"\bnot\b|n't\b|\bunsupported|\bunknown|\bunexpected|\bunrecogni|\binvalid|\bonly\b"
        r"|must be|one of|\bexpected|\breject|\bcannot\b|\bno\b"
    )
    near = rf"({refusal}).{{0,60}}({words})|({words}).{{0,60}}({refusal})"
    return re.compile(near, re.IGNORECASE | re.DOTALL)


_REFUSES_FILES = _refusal_of(r"\b(input_)?files?\b|file_data|\bpdfs?\b|\bdocuments?\b")
_REFUSES_TYPES = _refusal_of(
    r"(content|part|item|input).{0,12}type|type.{0,20}(content|part|item)|'type'|image_url"
    r"|input_text|input_image"
)
_IS_ABOUT_ONE_FILE = re.compile(
    r"too (large|long|many|big)|at most|maximum|exceed|\blimit|larger than|\bsize\b|\bpages\b"
    r"|encrypt|password|corrupt|damaged|\bempty\b|valid (pdf|document)\b|not found|no such"
    r"|(pars|decod|process|read)(e|ed|ing)?\b.{0,20}(file|pdf|document)",
    re.IGNORECASE,
)


def _for_system_role(
    said: str, body: Mapping[str, Any], known: Mapping[str, str]
) -> Adaptation | None:
    roles = [message.get("role") for message in body.get("messages", [])]
    current = known.get("system", "system")
    if current not in roles[:1] or current == "user":
        return None
    if not (re.search(rf"\b{current}\b", said) and re.search(r"role|message|instruction", said)):
        return None
    instead = _SYSTEM_ROLES[_SYSTEM_ROLES.index(current) + 1]
    note = f"the {current} role was rejected; the system prompt was sent as {instead}"
    return Adaptation("system", instead, note)


def _for_own_field(
    said: str, body: Mapping[str, Any], known: Mapping[str, str]
) -> Adaptation | None:
    """Drop a field of an earlier reply that the server rejects in a request."""
    if _IS_MISSED.search(said):
        return None
    for name, value in own_fields(body.get("messages", [])):
        words = {name.partition(".")[2], *_names_in(value)}
        if any(re.search(rf"\b{re.escape(word)}\b", said) for word in words):
            field = name.partition(".")[2]
            whose = "replies" if name.startswith("messages.") else "tool calls"
            note = f"{field} of earlier {whose} was rejected; sent without it"
            return Adaptation(name, "drop", note)
    return None


def _names_in(value: object, depth: int = 0) -> set[str]:
    """The names of nested fields. Short names are left out: an error may use them as words."""
    inner: list[object] = list(value.values()) if isinstance(value, dict) else []
    inner = list(value) if isinstance(value, list) else inner
    names = {name for name in value if len(name) > 8} if isinstance(value, dict) else set()
    return names.union(*(_names_in(one, depth + 1) for one in inner)) if depth < 4 else names


_HISTORY = (
    (
        "tool_call_id",
        "short",
        re.compile(
            r"(tool.?call.?id|call_id|tool_use.?id|tool_calls\S*\.id)"
            r".*(length|a-z|alphanumeric|pattern|too long|characters|letters|format)",
            re.IGNORECASE | re.DOTALL,
        ),
        "the ids of tool calls were rejected; sent as nine letters and digits",
    ),
    (
        "tool_name",
        "send",
        re.compile(
            r"function_response\.name|tool\S* \S*name\S* .*(required|missing|empty)",
            re.IGNORECASE,
        ),
        "tool results without a name were rejected; sent with the tool's name",
    ),
    (
        "reasoning_content",
        "fill",
        re.compile(
            r"reasoning_content.*(missing|must be|required)|missing.*reasoning_content",
            re.IGNORECASE | re.DOTALL,
        ),
        "replies without reasoning_content were rejected; sent with an empty one",
    ),
    (
        "turns",
        "strict",
        re.compile(r"alternat|unexpected role|after role|consecutive|roles? must", re.IGNORECASE),
        "the order of the messages was rejected; sent with alternating roles",
    ),
    (
        "content",
        "text",
        re.compile(
            r"content\b.*(null|none\b|valid string|required|missing|must be a string|not nullable)",
            re.IGNORECASE | re.DOTALL,
        ),
        "a reply without text was rejected; sent with an empty text",
    ),
)
"""Adaptations of the messages: name, value, pattern of the error text, note."""


def _for_history(said: str, body: Mapping[str, Any], known: Mapping[str, str]) -> Adaptation | None:
    messages = body.get("messages", [])
    has_results = any(m.get("role") == "tool" for m in messages) or "input" in body
    lacks_content = any(m.get("content", "") is None for m in messages)
    lacks_reasoning = any(m["role"] == "assistant" and REASONING not in m for m in messages)
    applies = {
        "tool_call_id": has_results,
        "tool_name": has_results,
        "content": lacks_content,
        REASONING: lacks_reasoning,
    }
    for name, instead, says, note in _HISTORY:
        if name not in known and applies.get(name, len(messages) > 1) and says.search(said):
            return Adaptation(name, instead, note)
    return None


def _for_schema(said: str, body: Mapping[str, Any], known: Mapping[str, str]) -> Adaptation | None:
    """Drop a JSON schema keyword that the server does not support from the tools' parameters."""
    if not body.get("tools") or not _IS_UNKNOWN.search(said):
        return None
    for word in dict.fromkeys(schema_words([t.get("function", t) for t in body["tools"]])):
        is_named = re.search(rf"[\"'`./\[]{re.escape(word)}\b", said)
        if is_named and f"schema.{word}" not in known and word not in _OF_FUNCTIONS:
            note = f"{word} in tool schemas was rejected; sent without it"
            return Adaptation(f"schema.{word}", "drop", note)
    return None


_IS_MISSED = re.compile(
    r"missing|must be (passed|included|provided|sent|present|returned)|is required|requires",
    re.IGNORECASE,
)
_OF_FUNCTIONS = ("name", "parameters", "strict", "type")
