"""Reads the reply in the log of a request: a completion, a response, a message or a text.

Logs name its parts as the API of the request does, or as the library that called it. Whatever the
form, it becomes the same turn.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from replyscope.domain.exchange import Api, Citation, ToolCall, Usage
from replyscope.domain.finish import (
    FinishReason,
    Outcome,
    StreamEnd,
    derive_finish_of_response,
    read_finish_word,
)
from replyscope.domain.foreign import ForeignTurn, time_of
from replyscope.domain.loose_json import list_of, mapping_of, name_of, text_of
from replyscope.domain.message import Role, TextPart
from replyscope.domain.sound_numbers import count_of
from replyscope.readers.anthropic_blocks import Blocks, blocks_of
from replyscope.readers.anthropic_blocks import usage_of as anthropic_usage
from replyscope.readers.call_log import calls_of
from replyscope.readers.content_parts import text_parts
from replyscope.readers.response_items import call_of, reasoning_of

Fields = Mapping[str, Any]
_CONTENTS = ("content", "content_parts", "parts")
_CALLS = ("tool_calls", "function_call", "toolCalls")
_PLAIN = ("completion", "text", "output", "result")
_REASONS = ("finish_reason", "stop_reason", "finishReason")
_ITEMS = ("message", "reasoning")


def replies_of(output: Any) -> list[ForeignTurn]:
    """The replies in an output, one for each choice. They have neither keys nor parents."""
    fields = mapping_of(output)
    if isinstance(fields.get("choices"), list):
        choices = enumerate(map(mapping_of, fields["choices"]))
        return [_choice(fields, choice, number) for number, choice in choices]
    if fields.get("object") == "response" or _is_items(fields.get("output")):
        return [_response(fields)]
    if _is_items(output):
        return [_response({"output": output})]
    last = output[-1] if isinstance(output, list) and output else output
    inner = mapping_of(last).get("message")
    return [_message(inner if isinstance(inner, Mapping) else last)]


def _is_items(value: Any) -> bool:
    """Whether a value is the output of a response: a list of items."""
    kinds = {name_of(mapping_of(one).get("type")) for one in list_of(value)}
    return isinstance(value, list) and any(k in _ITEMS or k.endswith("_call") for k in kinds)


def _choice(reply: Fields, choice: Fields, number: int) -> ForeignTurn:
    """A reply of Chat Completions. The usage is that of all choices, so the first one has it."""
    message = mapping_of(choice.get("message"))
    refusal, calls = text_of(message.get("refusal")), calls_of(message)
    transcript = mapping_of(message.get("audio")).get("transcript")
    text = text_parts(message.get("content")) or text_of(transcript) or refusal
    raw = name_of(choice.get("finish_reason")) or None
    finish = _finish(raw, calls)
    if refusal and finish is FinishReason.STOP:
        finish = FinishReason.REFUSAL
    return ForeignTurn(
        "",
        Role.ASSISTANT,
        (TextPart(text or text_of(choice.get("text"))),) if text or choice.get("text") else (),
        time_of(reply.get("created")),
        model=name_of(reply.get("model")),
        reasoning=_reasoning(message),
        calls=calls,
        usage=usage_of(reply.get("usage")) if number == 0 else None,
        finish=finish,
        finish_raw=raw,
        citations=tuple(_citations(message.get("annotations"))),
        response_id=name_of(reply.get("id")) or None,
        service_tier=name_of(reply.get("service_tier")) or None,
        max_tokens=count_of(reply.get("max_completion_tokens", reply.get("max_tokens"))),
    )


def _response(reply: Fields) -> ForeignTurn:
    """A reply of the Responses API, whole or its items alone."""
    texts, thoughts, refusals = [], [], []
    cited: list[Citation] = []
    calls: list[ToolCall] = []
    for number, item in enumerate(map(mapping_of, list_of(reply.get("output")))):
        if item.get("type") == "reasoning":
            thoughts += reasoning_of(item)
        elif item.get("type") == "message":
            for part in map(mapping_of, list_of(item.get("content"))):
                texts.append(text_of(part.get("text")))
                refusals.append(text_of(part.get("refusal")))
                cited += _citations(part.get("annotations"))
        elif (call := call_of(item, f"call/{number}")) is not None:
            calls.append(call)
    refusal = "".join(refusals)
    finish, raw = _finish_of_response(reply, calls, has_refusal=bool(refusal))
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
        citations=tuple(cited),
        error=text_of(mapping_of(reply.get("error")).get("message")),
        api=Api.RESPONSES,
        response_id=name_of(reply.get("id")) or None,
        service_tier=name_of(reply.get("service_tier")) or None,
        max_tokens=count_of(reply.get("max_output_tokens")),
    )


def _finish_of_response(
    reply: Fields, calls: list[ToolCall], *, has_refusal: bool
) -> tuple[FinishReason, str | None]:
    status = name_of(reply.get("status")) or None
    if status is None:  # the items alone
        return (FinishReason.TOOL_CALLS if calls else FinishReason.UNSTATED), None
    reason = name_of(mapping_of(reply.get("incomplete_details")).get("reason")) or None
    is_open = any(call.kind in ("function", "custom") for call in calls)
    outcome = Outcome(has_open_calls=is_open, has_refusal=has_refusal)
    return derive_finish_of_response(status, reason, outcome, end=StreamEnd.DONE)


def _message(output: Any) -> ForeignTurn:
    """A message, in the form of any API or library, or a text."""
    message = mapping_of(output)
    if not any(name in message for name in (*_CONTENTS, *_CALLS)):
        named = next((message[name] for name in _PLAIN if name in message), output)
        text = text_of(named)
        return ForeignTurn("", Role.ASSISTANT, (TextPart(text),) if text else ())
    content = next((message[name] for name in _CONTENTS if message.get(name)), message.get("text"))
    said = blocks_of(content) if isinstance(content, list) else Blocks((text_of(content),))
    reasoning = "\n\n".join(filter(None, (_reasoning(message), *said.thoughts)))
    calls = (*calls_of(message), *said.calls)
    text = "\n".join(said.texts)
    if not text and isinstance(content, list) and not said.calls and not said.thoughts:
        text = text_parts(content)
    about = mapping_of(message.get("response_metadata"))
    holders = (message, about)
    raw = next((name_of(h.get(n)) for h in holders for n in _REASONS if h.get(n)), "") or None
    return ForeignTurn(
        "",
        Role.ASSISTANT,
        (TextPart(text),) if text else (),
        model=name_of(message.get("model") or about.get("model_name")),
        reasoning=reasoning,
        calls=calls,
        usage=usage_of(message.get("usage") or message.get("usage_metadata")),
        finish=_finish(raw, calls),
        finish_raw=raw,
        response_id=name_of(message.get("id")) or None,
    )


def _finish(raw: str | None, calls: tuple[ToolCall, ...]) -> FinishReason:
    if raw:
        return read_finish_word(raw)
    return FinishReason.TOOL_CALLS if calls else FinishReason.UNSTATED


def _reasoning(message: Fields) -> str:
    return text_of(message.get("reasoning_content") or message.get("reasoning"))


def _citations(annotations: Any) -> Iterator[Citation]:
    for one in map(mapping_of, list_of(annotations)):
        about = mapping_of(one.get("url_citation")) or one
        url, title = name_of(about.get("url")), name_of(about.get("title"))
        if url:
            yield Citation("url_citation", title or None, url)


def usage_of(value: Any) -> Usage | None:
    """The usage, with the names of Chat Completions, Responses, or Anthropic's Messages."""
    usage = mapping_of(value)
    if not usage:
        return None
    if any(name.startswith("cache_") for name in usage):
        return anthropic_usage(usage)
    into = mapping_of(usage.get("prompt_tokens_details") or usage.get("input_tokens_details"))
    out = mapping_of(usage.get("completion_tokens_details") or usage.get("output_tokens_details"))
    return Usage(
        usage.get("prompt_tokens", usage.get("input_tokens")),
        usage.get("completion_tokens", usage.get("output_tokens")),
        usage.get("total_tokens"),
        into.get("cached_tokens", usage.get("cached_tokens")),
        into.get("cache_write_tokens"),
        out.get("reasoning_tokens"),
    )
