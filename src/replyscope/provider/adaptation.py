"""What to change when a server rejects a parameter.

A rejection names the parameter somewhere: in `param`, in the message, or in a
validation report. Each change is made once, said aloud and remembered per model.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openai import APIStatusError

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
    """Use `instead` ("drop", or another name) for `name`; `note` tells a person.

    `is_lasting` is false for what only this request needs.
    """

    name: str
    instead: str
    note: str
    is_lasting: bool = True


def propose_adaptation(
    error: APIStatusError, body: Mapping[str, Any], known: Mapping[str, str]
) -> Adaptation | None:
    """The change that may make the server take the request; None when nothing fits."""
    if error.status_code not in (400, 404, 415, 422):
        return None
    said = _words_of(error)
    for name in (*_RENAMES, *_DROPPABLE):
        if name in body and re.search(rf"\b{name}\b", said):
            return _for_parameter(name, said, body, known)
    return _for_system_role(said, body, known)


def _words_of(error: APIStatusError) -> str:
    """Everything the rejection says, as one text. Words of the conversation are not in it."""
    body = error.body
    detail = body if isinstance(body, str) else json.dumps(body, default=str)
    return f"{error.param or ''} {error.message} {detail}"


def _for_parameter(
    name: str, said: str, body: Mapping[str, Any], known: Mapping[str, str]
) -> Adaptation | None:
    """A limit is renamed but never dropped, and a wish for privacy is kept: the person
    would pay for either. A value that is out of range is the person's to change.
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
    # An error that names the response means that this one is gone, not that none are kept.
    is_lasting = name != "previous_response_id" or str(body[name]) not in said
    return Adaptation(name, "drop", f"{name} was rejected; sent without it", is_lasting)


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
