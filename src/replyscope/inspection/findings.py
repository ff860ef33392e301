"""Findings: short sentences about anomalies of an exchange. Pure."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
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
from replyscope.domain.json_text import object_in, read_json
from replyscope.domain.plural import plural
from replyscope.domain.sound_numbers import REFUSED_MEASURES
from replyscope.inspection.asked_rows import STANDARD_FIELDS, is_asked
from replyscope.inspection.figures import seconds
from replyscope.inspection.schema_check import check_reply

_STALL_MS = 5_000
_MOST_FINDINGS = 100
_MOST_NAMES = 30
_LONGEST_NAME = 100


def find_oddities(exchange: Exchange) -> tuple[str, ...]:
    """The findings of an exchange, the most important first."""
    findings = [*exchange.adaptations, *_retries(exchange)]
    if exchange.failure is not None and exchange.failure.kind == "flood":
        findings.append(f"the response was not read completely: {exchange.failure.message}")
    if exchange.state.is_terminal:
        for choice in exchange.choices:
            findings += _about_choice(exchange, choice)
        findings += _about_usage(exchange)
        findings += _about_identity(exchange)
        findings += _about_stream(exchange)
    distinct = tuple(dict.fromkeys(findings))
    more = len(distinct) - _MOST_FINDINGS
    return distinct if more <= 0 else (*distinct[:_MOST_FINDINGS], f"{more:,} more (see the wire)")


def _listed(names: Sequence[str]) -> str:
    """Names as a phrase. A hostile reply may have a hundred thousand."""
    shown = ", ".join(name[:_LONGEST_NAME] for name in names[:_MOST_NAMES])
    more = len(names) - _MOST_NAMES
    return shown if more <= 0 else f"{shown} and {more:,} more"


def _retries(exchange: Exchange) -> Iterator[str]:
    if exchange.retries:
        tries = plural(len(exchange.retries), "try")
        yield f"{tries} failed before this one: {exchange.retries[-1].failure.message}"


def _about_choice(exchange: Exchange, choice: Choice) -> Iterator[str]:
    raw = choice.finish_reason_raw
    if exchange.api is Api.CHAT and raw == "stop" and choice.tool_calls:
        yield f"choice {choice.index} has the finish reason stop, but also tool calls"
    if choice.finish_reason is FinishReason.UNSTATED and _was_seen(exchange):
        yield f"choice {choice.index} has no finish reason, although {_whole(exchange)}"
    if choice.finish_reason is FinishReason.OTHER:
        yield f"“{raw}” is not a finish reason of the API"
    if choice.finish_reason is FinishReason.TOOL_CALLS and not choice.tool_calls:
        yield f"choice {choice.index} has the finish reason {raw}, but no tool calls"
    yield from _about_calls(choice)
    if exchange.schema is not None and choice.finish_reason is FinishReason.STOP:
        yield from check_reply(choice.text, exchange.schema)


def _was_seen(exchange: Exchange) -> bool:
    """Whether the stream was read by replyscope, not imported from another program."""
    return exchange.base_url != ""


def _about_calls(choice: Choice) -> Iterator[str]:
    if not (choice.tool_calls or choice.items):
        return
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
            fields = check if isinstance(check, dict) else {}
            words = fields.get("message") or fields.get("code") or check
            yield f"the provider requires that a safety check is confirmed first: {words}"


def _fields(item: OutputItem) -> dict[str, Any]:
    try:
        value = read_json(item.payload)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _whole(exchange: Exchange) -> str:
    kind = next((v for name, v in exchange.headers if name.lower() == "content-type"), "")
    return "the response is complete" if "json" in kind else "[DONE] was received"


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
            yield f"usage reports {usage.total_tokens:,} tokens, but its parts add up to {total:,}"
    yield from _about_details(usage)
    if usage.output_tokens is not None:
        yield from _about_output(exchange, usage.output_tokens)


def _about_details(usage: Usage) -> Iterator[str]:
    """Details of usage that exceed the count that includes them."""
    parts = (
        ("reasoning", usage.reasoning_tokens, "output", usage.output_tokens),
        ("cached", usage.cached_input_tokens, "input", usage.input_tokens),
    )
    for name, part, of_what, whole in parts:
        if part is not None and whole is not None and part > whole:
            yield f"usage reports {part:,} {name} tokens, but only {whole:,} {of_what} tokens"


def _about_output(exchange: Exchange, output: int) -> Iterator[str]:
    limit = exchange.max_tokens
    ended_itself = all(c.finish_reason is FinishReason.STOP for c in exchange.choices)
    count = len(exchange.choices)
    if limit is not None and ended_itself and output >= limit * count > 0:
        yield f"reported as complete, but stopped at the limit of {limit:,} output tokens"
    if count > 1 and output < _least_output(exchange):
        yield f"usage reports {output:,} output tokens, probably of only one of the {count} choices"


def _least_output(exchange: Exchange) -> int:
    """A lower bound of the generated tokens, from the received data.

    A choice that was cut off has as many tokens as the limit. Tokenizers encode at most about
    eight characters of prose as one token, and a frame with text has at least one token.
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
        yield "the server ignored previous_response_id, so the model lacked the earlier messages"


def _is_same_model(asked: str, answered: str) -> bool:
    """Whether two names mean one model. Servers add a date, or omit the owner or folder."""
    asked, answered = asked.lower(), answered.lower()
    short = (asked.rpartition("/")[2], answered.rpartition("/")[2])
    return short[1].startswith(short[0]) or short[0].startswith(short[1])


def _about_stream(exchange: Exchange) -> Iterator[str]:
    timing = exchange.timing
    if timing.longest_pause_ms > _STALL_MS:
        at = seconds(timing.longest_pause_at_ms)
        yield f"no data for {seconds(timing.longest_pause_ms)}, {at} after the start"
    if exchange.skipped_frames:
        count = exchange.skipped_frames
        frames = f"{plural(count, 'frame')} that {'is' if count == 1 else 'are'}"
        yield f"the server sent {frames} not JSON (see the wire)"
    if exchange.unknown_events:
        yield f"events of unknown types: {_listed(exchange.unknown_events)}"
    yield from _about_fields(exchange)


def _about_fields(exchange: Exchange) -> Iterator[str]:
    """The names of received fields that are not shown elsewhere."""
    if not (exchange.extras or any(choice.tool_calls for choice in exchange.choices)):
        return
    extras = dict(exchange.extras)
    if extras.pop(FINAL_TEXT, None) is not None:
        yield "the final text differs from the text of the deltas (see the wire)"
    for name, value in extras.items():
        if _is_miscounted(name, value):
            yield f"{name} is {value[:40]}, which is not a token count; shown as unknown"
        elif name in REFUSED_MEASURES:
            yield f"{name} is {value[:40]}, which is not a time or a cost; shown as unknown"
    names = [
        name
        for name, value in extras.items()
        if name not in REFUSED_MEASURES and not _is_miscounted(name, value)
    ]
    names += _fields_of_calls(exchange)
    standard = [name for name in names if name in STANDARD_FIELDS or name in _USAGE_DETAILS]
    others = [name for name in dict.fromkeys(names) if name not in standard]
    unshown = [name for name in standard if not is_asked(name)]
    if unshown:
        yield f"also sent: {_listed(unshown)}"
    if others:
        yield f"non-standard fields: {_listed(others)}"


_DETAILS = ("audio_tokens", "image_tokens", "text_tokens", "accepted_prediction_tokens")
_USAGE_DETAILS = {
    f"usage.{place}_tokens_details.{name}"
    for place in ("prompt", "completion", "input", "output")
    for name in (*_DETAILS, "rejected_prediction_tokens", "cache_write_tokens_details")
}
_IS_COUNT = re.compile(r"usage\.(\w+\.)?\w*(tokens|[tT]oken_?[cC]ount|eval_count)", re.ASCII)


def _is_miscounted(name: str, value: str) -> bool:
    """Whether an extra is a usage count whose value (JSON) is not a valid token count."""
    if _IS_COUNT.fullmatch(name) is None or value[:1] in "{[":
        return False
    return not (value.isascii() and value.isdigit() and len(value) < 20 and int(value) < 2**63)


def _fields_of_calls(exchange: Exchange) -> Iterator[str]:
    """The names of non-standard fields in tool calls."""
    for call in (call for choice in exchange.choices for call in choice.tool_calls):
        for name, value in object_in(call.fields).items():
            inner = value if name == "function" and isinstance(value, dict) else {}
            yield from (f"tool_calls.function.{n}" for n in inner)
            if not inner:
                yield f"tool_calls.{name}"
