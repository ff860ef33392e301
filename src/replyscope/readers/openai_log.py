"""The logs of OpenAI's API: stored chat completions and responses, results of batches, and lists
of messages. Each line or entry is one request, with or without its messages.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from replyscope.domain.exchange import Api, ToolCall, Usage
from replyscope.domain.finish import (
    FinishReason,
    Outcome,
    StreamEnd,
    derive_finish_of_response,
    read_finish_word,
)
from replyscope.domain.foreign import ForeignConversation, ForeignTurn, time_of
from replyscope.domain.import_faults import BadData
from replyscope.domain.import_format import EntryFormat
from replyscope.domain.loose_json import list_of, mapping_of, name_of, text_of
from replyscope.domain.message import Role, TextPart
from replyscope.domain.sound_numbers import count_of
from replyscope.readers.call_log import CallLog, calls_of, messages_of
from replyscope.readers.content_parts import text_parts
from replyscope.readers.response_items import call_of, reasoning_of

Fields = Mapping[str, Any]
_OBJECTS = ("chat.completion", "response")
_RESPONSES = ("response", "output", "completion")
_REQUESTS = ("request", "input", "body")
_ABOUT = ("metadata", "tags")


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


def _read(entry: Fields) -> ForeignConversation:
    reply = _reply_of(entry)
    at = time_of(reply.get("created", reply.get("created_at")))
    log = CallLog(at)
    messages = _request_of(entry, reply)
    for message in messages:
        log.add(message)
    if reply.get("object") == "response":
        replies = [_response(reply, entry)]
    else:
        replies = [*_choices(reply, entry)]
    made = log.end("openai", "log", "", replies)
    if made is None:
        error = mapping_of(entry.get("error"))
        raise BadData(text_of(error.get("message")) or "it has neither messages nor a reply")
    return made


def _choices(reply: Fields, entry: Fields) -> Iterator[ForeignTurn]:
    """A reply for each choice; the usage is of all of them, so the first one has it."""
    request_id = name_of(
        reply.get("request_id") or mapping_of(entry.get("response")).get("request_id")
    )
    for number, choice in enumerate(map(mapping_of, list_of(reply.get("choices")))):
        message = mapping_of(choice.get("message"))
        refusal, calls = text_of(message.get("refusal")), calls_of(message)
        text = text_parts(message.get("content")) or refusal
        raw = name_of(choice.get("finish_reason")) or None
        finish = read_finish_word(raw) if raw else FinishReason.UNSTATED
        if refusal and finish is FinishReason.STOP:
            finish = FinishReason.REFUSAL
        yield ForeignTurn(
            "",
            Role.ASSISTANT,
            (TextPart(text),) if text else (),
            time_of(reply.get("created")),
            model=name_of(reply.get("model")),
            reasoning=text_of(message.get("reasoning_content") or message.get("reasoning")),
            calls=calls,
            usage=usage_of(reply.get("usage")) if number == 0 else None,
            finish=finish,
            finish_raw=raw,
            response_id=name_of(reply.get("id")) or None,
            request_id=request_id or None,
            service_tier=name_of(reply.get("service_tier")) or None,
            max_tokens=count_of(reply.get("max_completion_tokens", reply.get("max_tokens"))),
        )


def _response(reply: Fields, entry: Fields) -> ForeignTurn:
    texts, thoughts, refusals = [], [], []
    calls: list[ToolCall] = []
    for number, item in enumerate(map(mapping_of, list_of(reply.get("output")))):
        if item.get("type") == "reasoning":
            thoughts += reasoning_of(item)
        elif item.get("type") == "message":
            for part in map(mapping_of, list_of(item.get("content"))):
                texts.append(text_of(part.get("text")))
                refusals.append(text_of(part.get("refusal")))
        elif (call := call_of(item, f"call/{number}")) is not None:
            calls.append(call)
    refusal, status = "".join(refusals), name_of(reply.get("status")) or None
    reason = name_of(mapping_of(reply.get("incomplete_details")).get("reason")) or None
    is_open = any(call.kind in ("function", "custom") for call in calls)
    outcome = Outcome(has_open_calls=is_open, has_refusal=bool(refusal))
    finish, raw = derive_finish_of_response(status, reason, outcome, end=StreamEnd.DONE)
    text = "".join(texts) or refusal
    began, ended = time_of(reply.get("created_at")), time_of(reply.get("completed_at"))
    took = (ended - began).total_seconds() * 1000 if began and ended else None
    return ForeignTurn(
        "",
        Role.ASSISTANT,
        (TextPart(text),) if text else (),
        began,
        model=name_of(reply.get("model")),
        reasoning="\n\n".join(thoughts),
        calls=tuple(calls),
        usage=usage_of(reply.get("usage")),
        duration_ms=took or None,
        finish=finish,
        finish_raw=raw,
        error=text_of(mapping_of(reply.get("error")).get("message")),
        api=Api.RESPONSES,
        response_id=name_of(reply.get("id")) or None,
        service_tier=name_of(reply.get("service_tier")) or None,
        max_tokens=count_of(reply.get("max_output_tokens")),
    )


def usage_of(value: Any) -> Usage | None:
    """The usage of Chat Completions or of the Responses API."""
    usage = mapping_of(value)
    if not usage:
        return None
    into = mapping_of(usage.get("prompt_tokens_details") or usage.get("input_tokens_details"))
    out = mapping_of(usage.get("completion_tokens_details") or usage.get("output_tokens_details"))
    return Usage(
        usage.get("prompt_tokens", usage.get("input_tokens")),
        usage.get("completion_tokens", usage.get("output_tokens")),
        usage.get("total_tokens"),
        into.get("cached_tokens"),
        into.get("cache_write_tokens"),
        out.get("reasoning_tokens"),
    )


def _sniff(entry: Mapping[str, Any]) -> bool:
    if _reply_of(entry) or ("custom_id" in entry and "response" in entry):
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
    path="stored completions, responses, results of a batch, or lists of messages (JSON, JSONL)",
    content="each request with its messages, if the file has them, and its reply",
    sniff=_sniff,
    read=_read,
)
