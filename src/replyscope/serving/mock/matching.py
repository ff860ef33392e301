"""Finds the recorded exchange that answers a request."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from replyscope.domain.exchange import Api
from replyscope.domain.json_text import read_json
from replyscope.serving.mock.recording import Recording


class MatchLevel(StrEnum):
    """The kinds of match between a recording and a request."""

    SAME = "same"
    """Both have the same messages."""
    QUESTION = "question"
    """Both have the same last prompt, with as many messages after it."""
    ANY = "any"
    """The request of the recording is not known, or is not compared."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The prompt of a request: its messages or input in one form, and its last user message; and
    the requested model.
    """

    messages: str
    question: tuple[str, int] | None
    previous: str | None
    model: str | None = None


def find_recording(
    recordings: Sequence[Recording], api: Api, body: bytes, served: Iterable[str], *, any_: bool
) -> tuple[Recording, MatchLevel] | None:
    """The recording of the same messages, or else of the same last prompt.

    Recordings whose request is not known are served in turn, and with `any_` all of them are. Of
    several matches the requested model is preferred, then the first that is not in `served`, or
    else the last.
    """
    ours = [one for one in recordings if one.exchange.api is api]
    asked = asked_of(body)
    known = [(one, asked_of(one.record.request.body)) for one in ours if one.record.request]
    same = [one for one, was in known if was.messages == asked.messages]
    same_thread = [
        one for one, was in known if one in same and was.previous and was.previous == asked.previous
    ]
    alike = [one for one, was in known if was.question and was.question == asked.question]
    loose = ours if any_ else [one for one in ours if one.record.request is None]
    given = set(served)
    for found, fit in (
        (same_thread or same, MatchLevel.SAME),
        (alike, MatchLevel.QUESTION),
        (loose, MatchLevel.ANY),
    ):
        if found:
            found = [one for one in found if _model_of(one) == asked.model] or found
            return next((one for one in found if one.exchange.id not in given), found[-1]), fit
    return None


def _model_of(recording: Recording) -> str | None:
    """The model that was requested, or else the model of an exchange without a request."""
    sent = recording.record.request
    return asked_of(sent.body).model if sent is not None else recording.exchange.model


def asked_of(body: bytes) -> Asked:
    """The prompt of a request body, without its parameters."""
    try:
        value = read_json(body.decode("utf-8"))
    except ValueError:
        value = None
    if not isinstance(value, Mapping):
        return Asked("", None, None)
    messages = _plain(value.get("messages", value.get("input")))
    previous, model = value.get("previous_response_id"), value.get("model")
    return Asked(
        json.dumps(messages, sort_keys=True, ensure_ascii=False),
        _question(messages),
        previous if isinstance(previous, str) else None,
        model if isinstance(model, str) else None,
    )


def _plain(said: Any) -> Any:
    """Messages in one form: a content of text parts becomes that text."""
    if isinstance(said, str):
        return [{"content": said, "role": "user"}]
    if not isinstance(said, list):
        return said
    return [
        {**_kept(one), "role": one.get("role"), "content": _text(one.get("content"))}
        if isinstance(one, Mapping) and "role" in one
        else one
        for one in said
    ]


def _kept(message: Mapping[str, Any]) -> dict[str, Any]:
    """The fields other than the text in which messages differ: tool calls and their ids."""
    return {name: message[name] for name in ("tool_calls", "tool_call_id") if message.get(name)}


def _text(content: Any) -> Any:
    if not isinstance(content, list):
        return content
    texts = [part.get("text") for part in content if isinstance(part, Mapping)]
    words = [text for text in texts if isinstance(text, str)]
    return "".join(words) if len(words) == len(content) else content


def _question(messages: Any) -> tuple[str, int] | None:
    """The last user message, and the number of messages after it."""
    if not isinstance(messages, list):
        return None
    for after, message in enumerate(reversed(messages)):
        if isinstance(message, Mapping) and message.get("role") == "user":
            content = message.get("content")
            return json.dumps(content, sort_keys=True, ensure_ascii=False).strip(), after
    return None
