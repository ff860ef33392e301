"""The exports of Langfuse: observations as JSON, JSONL or CSV, and traces with observations.

Field names are in camel case from the screen and the API, and with underscores in exports to
storage. Only generations are requests to a model; other observations are skipped.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from replyscope.domain.exchange import Usage
from replyscope.domain.finish import FinishReason, read_finish_word
from replyscope.domain.foreign import ForeignConversation, ForeignTurn, Unreadable
from replyscope.domain.import_faults import DATA_FAULTS, BadData, fault_in_words
from replyscope.domain.import_format import EntryFormat, FileFormat, ImportedFile, Item
from replyscope.domain.loose_json import from_json, list_of, mapping_of, name_of, text_of
from replyscope.domain.message import Role, TextPart
from replyscope.domain.sound_numbers import count_of, measure_of
from replyscope.readers.anthropic_blocks import blocks_of
from replyscope.readers.call_log import CallLog, calls_of, messages_of
from replyscope.readers.chat_tables import time_of_text
from replyscope.readers.content_parts import text_parts

NAME = "langfuse"
Fields = Mapping[str, Any]
_MOST_CELL = 20_000_000
_CACHED = ("input_cached_tokens", "cache_read_input_tokens", "input_cache_read", "cached_tokens",
           "prompt_tokens_cached")  # fmt: skip
_WRITTEN = ("cache_creation_input_tokens", "input_cache_creation", "cache_write_tokens")
_REASONING = ("output_reasoning_tokens", "reasoning_tokens", "output_reasoning", "reasoning")


class _Row:
    """An observation, with its fields under either spelling."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def get(self, *names: str) -> Any:
        """The first of the named fields that is set. Names are in camel case."""
        for name in names:
            for spelling in (name, _snake(name)):
                if self._fields.get(spelling) not in (None, ""):
                    return self._fields[spelling]
        return None

    def object(self, name: str) -> Fields:
        """A field with an object, or with the JSON of one."""
        value = self.get(name)
        return mapping_of(from_json(value) if isinstance(value, str) else value)

    def time(self, name: str) -> datetime | None:
        """A field with a time in ISO 8601."""
        return time_of_text(self.get(name))


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def _read(entry: Fields) -> ForeignConversation | None:
    """A generation as a piece of a conversation; for a trace, its last generation."""
    observations = [mapping_of(one) for one in list_of(entry.get("observations"))]
    generations = [one for one in observations if _is_generation(one)]
    if generations:
        times = [(text_of(_Row(one).get("startTime")), n) for n, one in enumerate(generations)]
        return _generation({**_context(entry), **generations[max(times)[1]]})
    if _is_generation(entry) or _is_trace(entry):
        return _generation(entry)
    return None


def _context(trace: Fields) -> Fields:
    return {"sessionId": trace.get("sessionId"), "traceName": trace.get("name"),
            "traceId": trace.get("id")}  # fmt: skip


def _generation(entry: Fields) -> ForeignConversation | None:
    row = _Row(entry)
    began = row.time("startTime") or row.time("timestamp")
    log = CallLog(began)
    for message in messages_of(row.get("input")):
        log.add(message)
    output = row.get("output")
    replies = [_reply(row, output, began)] if output is not None or _is_failed(row) else []
    title = text_of(row.get("traceName", "name"))
    scope = name_of(row.get("sessionId", "traceId", "id"))
    return log.end(NAME, scope, title, replies)


def _is_failed(row: _Row) -> bool:
    return bool(row.get("level") == "ERROR")


def _reply(row: _Row, output: Any, began: datetime | None) -> ForeignTurn:
    decoded = from_json(output) if isinstance(output, str) and output[:1] in '{["' else output
    said = decoded if decoded is not None else output
    message = _message_of(said)
    text, reasoning, calls, raw = _content_of(message, said)
    ended, first = row.time("endTime"), row.time("completionStartTime")
    parameters = row.object("modelParameters")
    why = text_of(row.get("statusMessage")) or "error"
    finish = read_finish_word(raw) if raw else FinishReason.UNSTATED
    if calls and not raw:
        finish = FinishReason.TOOL_CALLS
    return ForeignTurn(
        "",
        Role.ASSISTANT,
        (TextPart(text),) if text else (),
        began,
        model=name_of(row.get("model", "providedModelName", "internalModel")),
        reasoning=reasoning,
        calls=calls,
        usage=_usage(row),
        duration_ms=_between(began, ended),
        finish=FinishReason.ERROR if _is_failed(row) else finish,
        finish_raw=raw,
        error=why if _is_failed(row) else "",
        response_id=name_of(row.get("id")) or None,
        first_token_ms=_between(began, first),
        cost_usd=_cost(row),
        max_tokens=count_of(parameters.get("max_tokens")),
    )


def _message_of(output: Any) -> Fields:
    """The message in an output: programs log a text, a message, a list, or a whole response."""
    fields = mapping_of(output[-1] if isinstance(output, list) and output else output)
    choices = list_of(fields.get("choices"))
    if choices:
        choice = mapping_of(choices[0])
        message = mapping_of(choice.get("message"))
        return {**message, "finish_reason": choice.get("finish_reason")}
    inner = fields.get("message")
    return inner if isinstance(inner, Mapping) else fields


def _content_of(message: Fields, output: Any) -> tuple[str, str, tuple[Any, ...], str | None]:
    """The text, reasoning, calls and finish reason of an output."""
    if not any(name in message for name in ("content", "tool_calls", "function_call")):
        named = next((message[n] for n in ("completion", "text", "output") if n in message), output)
        return text_of(named), "", (), None
    raw = name_of(message.get("finish_reason") or message.get("stop_reason")) or None
    content = message.get("content")
    said = blocks_of(content) if isinstance(content, list) else None
    reasoning = text_of(message.get("reasoning_content") or message.get("reasoning"))
    if said is None:
        return text_of(content), reasoning, calls_of(message), raw
    thoughts = "\n\n".join(filter(None, (reasoning, *said.thoughts)))
    text = "\n".join(said.texts) or (text_parts(content) if not said.calls and not thoughts else "")
    return text, thoughts, (*calls_of(message), *said.calls), raw


def _between(began: datetime | None, ended: datetime | None) -> float | None:
    if began is None or ended is None:
        return None
    return measure_of((ended - began).total_seconds() * 1000)


def _cost(row: _Row) -> float | None:
    """The cost in US dollars; None for 0, which is also written if the price is unknown."""
    given = row.get("totalCost", "calculatedTotalCost")
    value = given if given is not None else row.object("costDetails").get("total")
    return measure_of(_number(value)) or None


def _number(value: Any) -> Any:
    """A number, or the number in a text of a CSV."""
    if not isinstance(value, str):
        return value
    try:
        return float(value) if "." in value or "e" in value.lower() else int(value)
    except ValueError:
        return None


def _usage(row: _Row) -> Usage | None:
    """The usage. The logging program names the fields; a usage of only zeros is unknown."""
    details = {name: _number(value) for name, value in row.object("usageDetails").items()}
    plain = row.object("usage")
    into = _number(row.get("inputUsage", "promptTokens") or plain.get("input"))
    out = _number(row.get("outputUsage", "completionTokens") or plain.get("output"))
    total = _number(row.get("totalUsage", "totalTokens") or plain.get("total"))
    if details:
        into = details.get("input", into)
        out = details.get("output", out)
        total = details.get("total", total)
    cached, written, thought = (
        next((details[name] for name in names if name in details), None)
        for names in (_CACHED, _WRITTEN, _REASONING)
    )
    counts = [count_of(one) for one in (into, out, total, cached, written, thought)]
    if not any(counts):
        return None
    return Usage(*_with_parts(counts))


def _with_parts(counts: list[int | None]) -> list[int | None]:
    """The counts, with cached input and reasoning included: Langfuse stores the parts apart if
    only their sum is the total.
    """
    into, out, total, cached, written, thought = counts
    apart = sum(one or 0 for one in (into, out, cached, written, thought))
    if total is not None and total == apart and into is not None:
        into = into + (cached or 0) + (written or 0)
        out = out + (thought or 0) if out is not None else None
    return [into, out, total, cached, written, thought]


def _is_generation(entry: Fields) -> bool:
    row = _Row(entry)
    is_request = row.get("type") == "GENERATION" or bool(row.get("model", "providedModelName"))
    return is_request and row.get("startTime") is not None


def _is_trace(entry: Fields) -> bool:
    return "observations" not in entry and _Row(entry).get("timestamp") is not None


def _sniff(entry: Mapping[str, Any]) -> bool:
    row = _Row(entry)
    is_observation = row.get("traceId") is not None and row.get("startTime") is not None
    is_trace = row.get("timestamp") is not None and "input" in entry and "output" in entry
    return is_observation or (is_trace and ("scores" in entry or "observations" in entry))


def _read_csv(file: ImportedFile) -> Iterator[Item]:
    """Each generation of a CSV. Only the rows that can't be read are skipped."""
    with (
        file.open() as opened,
        io.TextIOWrapper(opened, encoding="utf-8-sig", errors="replace", newline="") as text,
    ):
        csv.field_size_limit(_MOST_CELL)
        rows = csv.DictReader(text)
        while True:
            try:
                row = next(rows, None)
                made = _read(_named(row)) if row is not None else None
            except csv.Error as error:
                yield Unreadable(file.name, f"line {rows.line_num}: {error}")
                return
            except DATA_FAULTS as error:
                yield Unreadable(f"line {rows.line_num}", fault_in_words(error))
                continue
            if row is None:
                return
            if made is not None:
                yield made


def _named(row: Mapping[Any, Any]) -> Fields:
    if None in row:
        raise BadData("it has more cells than the first line")
    return {str(name): value for name, value in row.items()}


def _sniff_csv(file: ImportedFile, head: bytes) -> bool:
    first = head.partition(b"\n")[0].replace(b'"', b"").split(b",")
    names = {name.strip() for name in first}
    return file.name.endswith(".csv") and bool(
        {b"traceId", b"startTime"} <= names or {b"trace_id", b"start_time"} <= names
    )


LANGFUSE = EntryFormat(
    name=NAME,
    title="Langfuse",
    path="observations or traces as JSON or JSONL",
    content="generations, with messages, usage, cost and times; requests that extend each other "
    "are one session",
    sniff=_sniff,
    read=_read,
)

LANGFUSE_CSV = FileFormat(
    name="langfuse-csv",
    title="Langfuse (CSV)",
    program="Langfuse",
    path="observations as CSV",
    content="the same",
    sniff=_sniff_csv,
    read=_read_csv,
)
