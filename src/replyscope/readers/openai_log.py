"""The logs of OpenAI's API: stored chat completions and responses, results of batches and of
evals, and lists of messages. Each line or entry is one request, with or without its messages.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from replyscope.domain.foreign import ForeignConversation, ForeignTurn, time_of
from replyscope.domain.import_faults import BadData
from replyscope.domain.import_format import EntryFormat
from replyscope.domain.leftovers import Extras, as_extras
from replyscope.domain.loose_json import list_of, mapping_of, name_of, text_of
from replyscope.readers.call_log import CallLog, messages_of
from replyscope.readers.chat_tables import time_of_text
from replyscope.readers.content_parts import text_parts
from replyscope.readers.logged_reply import replies_of

Fields = Mapping[str, Any]
_OBJECTS = ("chat.completion", "response")
_RESPONSES = ("response", "output", "completion")
_REQUESTS = ("request", "input", "body")
_EVALUATED = "eval.run.output_item"
_PAIR = ("preferred_output", "non_preferred_output")
_KEPT = ("metadata", "tags", "results")


def _reply_of(entry: Fields) -> Fields:
    """The object of the reply: the entry itself, or an object inside the entry."""
    if entry.get("object") in _OBJECTS:
        return entry
    for name in _RESPONSES:
        inner = mapping_of(entry.get(name))
        inner = mapping_of(inner.get("body")) or inner
        if inner.get("object") in _OBJECTS:
            return inner
    return {}


def _request_of(entry: Fields, reply: Fields) -> list[Any]:
    """The messages of the request; the API stores them apart, so that they may be missing."""
    for name in _REQUESTS:
        inner = mapping_of(entry.get(name))
        inner = mapping_of(inner.get("body")) or inner
        if any(key in inner for key in ("messages", "input")):
            return messages_of(inner)
    given = {key: entry.get(key) or reply.get(key) for key in ("messages", "input")}
    system = [{"role": "system", "content": text_parts(reply.get("instructions"))}]
    before = system if reply.get("instructions") else []
    return [*before, *messages_of(given["messages"] or given["input"])]


def _read(entry: Fields) -> ForeignConversation | None:
    """The request of an entry with its replies; None for another line of the log of an eval."""
    if _is_event(entry):
        entry = _sampled(entry)
        if not entry:
            return None
    elif entry.get("object") == _EVALUATED:
        entry = _evaluated(entry)
    reply = _reply_of(entry)
    log = CallLog(time_of(reply.get("created", reply.get("created_at"))))
    for message in _request_of(entry, reply):
        log.add(message)
    made = log.end("openai", "log", "", [*_replies(reply, entry)])
    if made is None:
        body = mapping_of(mapping_of(entry.get("response")).get("body"))
        error = mapping_of(entry.get("error") or body.get("error"))
        raise BadData(text_of(error.get("message")) or "it has neither messages nor a reply")
    return made


def _replies(reply: Fields, entry: Fields) -> Iterator[ForeignTurn]:
    holder = mapping_of(entry.get("response"))
    request_id = name_of(reply.get("request_id") or holder.get("request_id")) or None
    kept: Extras = as_extras({k: v for k in _KEPT if (v := reply.get(k) or entry.get(k))})
    for number, one in enumerate(replies_of(reply) if reply else ()):
        yield replace(one, request_id=request_id, extras=kept if number == 0 else ())
    for name in (name for name in _PAIR if entry.get(name)):
        for one in replies_of(entry[name]):
            yield replace(one, extras=as_extras({"preference": name.removesuffix("_output")}))


def _evaluated(entry: Fields) -> Fields:
    """The item of an eval as a completion with its request and the results of its graders."""
    sample = mapping_of(entry.get("sample"))
    reason = sample.get("finish_reason")
    choices = [{"message": one, "finish_reason": reason} for one in list_of(sample.get("output"))]
    about = ("model", "usage", "max_completion_tokens")
    reply = {
        "object": "chat.completion",
        "created": entry.get("created_at"),
        "choices": choices,
        **{name: sample.get(name) for name in about},
    }
    return {
        "response": reply if choices else None,
        "error": sample.get("error"),
        "messages": sample.get("input"),
        "results": entry.get("results"),
    }


def _is_event(entry: Fields) -> bool:
    """Whether an entry is a line of the log of openai/evals."""
    return {"run_id", "event_id", "type"} <= entry.keys() or (
        len(entry) == 1 and isinstance(entry.get("spec", entry.get("final_report")), Mapping)
    )


def _sampled(entry: Fields) -> Fields:
    """An answer that a program sampled, as a completion; empty for another event."""
    data = mapping_of(entry.get("data"))
    if entry.get("type") != "sampling" or "sampled" not in data:
        return {}
    at = time_of_text(entry.get("created_at"))
    texts = list_of(data["sampled"])
    return {
        "messages": messages_of(data.get("prompt")),
        "response": {
            "object": "chat.completion",
            "created": at.timestamp() if at else None,
            "model": data.get("model"),
            "choices": [{"message": {"content": text_of(one)}} for one in texts],
            "usage": data.get("usage"),
        },
    }


def _sniff(entry: Mapping[str, Any]) -> bool:
    if _reply_of(entry) or ("custom_id" in entry and "response" in entry):
        return True
    if entry.get("object") == _EVALUATED or _is_event(entry) or any(k in entry for k in _PAIR):
        return True
    messages = entry.get("messages")
    return (
        isinstance(messages, list)
        and bool(messages)
        and all(
            isinstance(one, Mapping) and "role" in one and not {"id", "parts"} <= one.keys()
            for one in messages[:10]
        )
    )


OPENAI_LOG = EntryFormat(
    name="openai",
    title="OpenAI",
    path="stored completions, responses, results of a batch or of an eval, or lists of messages "
    "(JSON, JSONL)",
    content="each request with its messages, if the file has them, and its reply",
    sniff=_sniff,
    read=_read,
)
