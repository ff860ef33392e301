"""Short true sentences about what is odd in an exchange. Pure."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from replyscope.domain.exchange import (
    FINAL_TEXT,
    Api,
    Choice,
    Exchange,
    ExchangeState,
    OutputItem,
    Usage,
)
from replyscope.domain.finish import FinishReason
from replyscope.domain.json_text import read_json
from replyscope.domain.plural import plural
from replyscope.domain.sound_numbers import REFUSED_MEASURES
from replyscope.inspection.figures import seconds
from replyscope.inspection.schema_check import check_reply

_STALL_MS = 5_000


def find_oddities(exchange: Exchange) -> tuple[str, ...]:
    """What a person debugging this exchange should know, most telling first."""
    findings = [*exchange.adaptations, *_retries(exchange)]
    if exchange.failure is not None and exchange.failure.kind == "flood":
        findings.append(f"not all was read: {exchange.failure.message}")
    if exchange.state.is_terminal:
        for choice in exchange.choices:
            findings += _about_choice(exchange, choice)
        findings += _about_usage(exchange)
        findings += _about_identity(exchange)
        findings += _about_stream(exchange)
    return tuple(dict.fromkeys(findings))


def _retries(exchange: Exchange) -> Iterator[str]:
    if exchange.retries:
        tries = plural(len(exchange.retries), "try")
        yield f"{tries} failed before this one: {exchange.retries[-1].failure.message}"


def _about_choice(exchange: Exchange, choice: Choice) -> Iterator[str]:
    raw = choice.finish_reason_raw
    if exchange.api is Api.CHAT and raw == "stop" and choice.tool_calls:
        yield f"choice {choice.index} says stop but asks for tools"
    if choice.finish_reason is FinishReason.UNSTATED and _was_seen(exchange):
        yield f"choice {choice.index} gave no finish reason, though {_whole(exchange)}"
    if choice.finish_reason is FinishReason.OTHER:
        yield f"“{raw}” is not a finish reason that the API knows"
    if choice.finish_reason is FinishReason.TOOL_CALLS and not choice.tool_calls:
        yield f"choice {choice.index} says {raw}, but no call came"
    yield from _about_calls(choice)
    if exchange.schema is not None and choice.finish_reason is FinishReason.STOP:
        yield from check_reply(choice.text, exchange.schema)


def _was_seen(exchange: Exchange) -> bool:
    """Whether the stream was read here; of a reply of another program nobody knows."""
    return exchange.base_url != ""


def _about_calls(choice: Choice) -> Iterator[str]:
    ids = Counter(call.id for call in choice.tool_calls)
    for call_id, count in ids.items():
        if count > 1:
            yield f"{count} tool calls share the id {call_id}"
    for call in choice.tool_calls:
        if call.kind != "function":
            continue
        try:
            value = read_json(call.arguments or "{}")
        except ValueError as error:
            yield f"the arguments of {call.name} are not JSON: {error}"
        else:
            if not isinstance(value, dict):
                yield f"the arguments of {call.name} are not a JSON object"
    for item in choice.items:
        yield from _about_item(item, set(ids))


def _about_item(item: OutputItem, asked: set[str]) -> Iterator[str]:
    if item.kind.endswith("_output"):
        paired = _fields(item).get("call_id")
        if paired not in asked:
            yield f"a result ({item.kind}) belongs to no tool call: {paired}"
    if item.kind == "computer_call":
        checks = _fields(item).get("pending_safety_checks")
        for check in checks if isinstance(checks, list) else ():
            told = check if isinstance(check, dict) else {}
            said = told.get("message") or told.get("code") or check
            yield f"the provider wants a safety check confirmed first: {said}"


def _fields(item: OutputItem) -> dict[str, Any]:
    try:
        value = read_json(item.payload)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _whole(exchange: Exchange) -> str:
    kind = next((v for name, v in exchange.headers if name.lower() == "content-type"), "")
    return "the answer came whole" if "json" in kind else "[DONE] came"


def _about_usage(exchange: Exchange) -> Iterator[str]:
    usage = exchange.usage
    is_whole = exchange.state in (ExchangeState.COMPLETED, ExchangeState.INCOMPLETE)
    if usage is None:
        if is_whole:
            yield "the server reported no usage"
        return
    parts = (usage.input_tokens, usage.output_tokens)
    if None not in parts and usage.total_tokens is not None:
        total = sum(part or 0 for part in parts)
        if total != usage.total_tokens:
            yield f"usage says {usage.total_tokens:,} in total, but its parts make {total:,}"
    yield from _about_details(usage)
    if usage.output_tokens is not None:
        yield from _about_output(exchange, usage.output_tokens)


def _about_details(usage: Usage) -> Iterator[str]:
    """A part that is larger than what it is a part of."""
    parts = (
        ("reasoning", usage.reasoning_tokens, "output", usage.output_tokens),
        ("cached", usage.cached_input_tokens, "input", usage.input_tokens),
    )
    for name, part, of_what, whole in parts:
        if part is not None and whole is not None and part > whole:
            yield f"usage says {part:,} {name} tokens, but only {whole:,} of {of_what} in all"


def _about_output(exchange: Exchange, output: int) -> Iterator[str]:
    limit = exchange.max_tokens
    ended_itself = all(c.finish_reason is FinishReason.STOP for c in exchange.choices)
    count = len(exchange.choices)
    if limit is not None and ended_itself and output >= limit * count > 0:
        yield f"called complete, but it stopped at the limit of {limit:,} output tokens"
    if count > 1 and output < _least_output(exchange):
        yield f"usage counts {output:,} output tokens: one of the {count} choices, it seems"


def _least_output(exchange: Exchange) -> int:
    """The output tokens that must have been made, by what came.

    A choice cut at the limit has that many. No tokenizer packs more than about eight
    characters of prose into a token, and a frame that brought words carries one token at least.
    """
    cut = sum(choice.finish_reason is FinishReason.LENGTH for choice in exchange.choices)
    by_limit = cut * (exchange.max_tokens or 0)
    by_text = sum(len(choice.text) for choice in exchange.choices) // 8
    by_frames = round(exchange.delta_count * 0.7)
    return max(by_limit, by_text, by_frames)


def _about_identity(exchange: Exchange) -> Iterator[str]:
    asked, answered = exchange.model, exchange.answered_model
    if answered is not None and not _is_same_model(asked, answered):
        yield f"asked for {asked}, answered by {answered}"
    if exchange.names_previous and not exchange.previous_response_id and exchange.response_id:
        yield "the server ignored previous_response_id: it did not know the earlier messages"


def _is_same_model(asked: str, answered: str) -> bool:
    """Servers answer with a dated version, or leave out the owner or the folder."""
    asked, answered = asked.lower(), answered.lower()
    short = (asked.rpartition("/")[2], answered.rpartition("/")[2])
    return short[1].startswith(short[0]) or short[0].startswith(short[1])


def _about_stream(exchange: Exchange) -> Iterator[str]:
    timing = exchange.timing
    if timing.longest_pause_ms > _STALL_MS:
        at = seconds(timing.longest_pause_at_ms)
        yield f"nothing came for {seconds(timing.longest_pause_ms)}, {at} after the start"
    if exchange.skipped_frames:
        count = exchange.skipped_frames
        frames = f"{plural(count, 'frame')} that {'is' if count == 1 else 'are'}"
        yield f"the server sent {frames} not JSON; the wire has what came"
    if exchange.unknown_events:
        yield f"events of unknown types: {', '.join(exchange.unknown_events)}"
    yield from _about_fields(exchange)


def _about_fields(exchange: Exchange) -> Iterator[str]:
    """What came and is shown nowhere else: its names."""
    extras = dict(exchange.extras)
    if extras.pop(FINAL_TEXT, None) is not None:
        yield "the text at the end is not what its deltas made; the wire has both"
    for name, value in extras.items():
        if _is_miscounted(name, value):
            yield f"{name} is {value[:40]}: no number of tokens, so it is unknown"
        elif name in REFUSED_MEASURES:
            yield f"{name} is {value[:40]}: no time or cost, so it is unknown"
    names = [
        name
        for name, value in extras.items()
        if name not in REFUSED_MEASURES and not _is_miscounted(name, value)
    ]
    names += _fields_of_calls(exchange)
    standard = [name for name in names if name in _STANDARD or name in _USAGE_DETAILS]
    others = [name for name in dict.fromkeys(names) if name not in standard]
    if standard:
        yield f"also sent: {', '.join(standard)}"
    if others:
        yield f"non-standard fields: {', '.join(others)}"


_STANDARD = (
    *("logprobs", "moderation", "prompt_cache_diagnostics", "tool_usage", "audio"),
    "input_transformations",
)
_DETAILS = ("audio_tokens", "image_tokens", "text_tokens", "accepted_prediction_tokens")
_USAGE_DETAILS = {
    f"usage.{place}_tokens_details.{name}"
    for place in ("prompt", "completion", "input", "output")
    for name in (*_DETAILS, "rejected_prediction_tokens", "cache_write_tokens_details")
}
_IS_COUNT = re.compile(r"usage\.(\w+\.)?\w*(tokens|[tT]oken_?[cC]ount|eval_count)", re.ASCII)


def _is_miscounted(name: str, value: str) -> bool:
    """Whether an extra is a count of usage with a value (JSON) that is no number of tokens."""
    if _IS_COUNT.fullmatch(name) is None or value[:1] in "{[":
        return False
    return not (value.isascii() and value.isdigit() and len(value) < 20 and int(value) < 2**63)


def _fields_of_calls(exchange: Exchange) -> Iterator[str]:
    """Fields of tool calls that only their server reads."""
    for call in (call for choice in exchange.choices for call in choice.tool_calls):
        try:
            given = read_json(call.fields) if call.fields else {}
        except ValueError:
            continue
        for name, value in given.items():
            inner = value if name == "function" and isinstance(value, dict) else {}
            yield from (f"tool_calls.function.{n}" for n in inner)
            if not inner:
                yield f"tool_calls.{name}"
