"""The exports of Langfuse: observations as JSON, JSONL or CSV, and traces with observations.

Only generations are requests to a model; other observations are skipped.
"""

import csv
import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TextIO

from replyscope.domain.finish import FinishReason
from replyscope.domain.foreign import ForeignConversation, ForeignTurn, Unreadable
from replyscope.domain.import_faults import DATA_FAULTS, BadData, fault_in_words
from replyscope.domain.import_format import EntryFormat, FileFormat, ImportedFile, Item
from replyscope.domain.item_bound import MOST_ITEM, too_large
from replyscope.domain.loose_json import from_json, list_of, mapping_of, name_of, text_of
from replyscope.domain.sound_numbers import count_of
from replyscope.readers.call_log import CallLog, messages_of
from replyscope.readers.langfuse_row import LangfuseRow, between
from replyscope.readers.logged_reply import replies_of

NAME = "langfuse"
Fields = Mapping[str, Any]
_CHUNK = 1 << 20
_JSON = '{["'


def _entries(trace: Fields) -> Sequence[Fields]:
    """The generations of a trace, each with what the trace says of it; else the entry itself."""
    observations = [mapping_of(one) for one in list_of(trace.get("observations"))]
    about = {
        "sessionId": trace.get("sessionId"),
        "traceName": trace.get("name"),
        "traceId": trace.get("id"),
    }
    found: list[Fields] = [{**about, **o} for o in observations if LangfuseRow(o).is_generation]
    return found or [trace]


def _read(entry: Fields) -> ForeignConversation | None:
    """A generation as a piece of a conversation, or a trace that is exported without them."""
    row = LangfuseRow(entry)
    if not row.is_generation and not _is_trace(entry):
        return None
    began = row.time("startTime") or row.time("timestamp")
    log = CallLog(began)
    for message in messages_of(row.get("input")):
        log.add(message)
    title = text_of(row.get("traceName", "name"))
    scope = name_of(row.get("sessionId", "traceId", "id"))
    return log.end(NAME, scope, title, [*_replies(row)])


def _replies(row: LangfuseRow) -> Iterator[ForeignTurn]:
    """The replies of a generation. The figures of the row are those of the first one."""
    output = row.get("output")
    if output is None and not row.is_failed:
        return
    is_json = isinstance(output, str) and output[:1] in _JSON
    decoded = from_json(output) if is_json else None
    first, *others = replies_of(output if decoded is None else decoded)
    began = row.time("startTime") or row.time("timestamp")
    own_id, model = name_of(row.get("id")), row.get("model", "providedModelName", "internalModel")
    why = text_of(row.get("statusMessage")) or "error"
    made = replace(
        first,
        at=began,
        model=name_of(model) or first.model,
        usage=row.usage or first.usage,
        duration_ms=between(began, row.time("endTime")),
        finish=FinishReason.ERROR if row.is_failed else first.finish,
        error=why if row.is_failed else "",
        extras=(*first.extras, *row.extras),
        response_id=own_id or first.response_id,
        first_token_ms=row.first_token_ms,
        cost_usd=row.cost_usd,
        max_tokens=count_of(row.object("modelParameters").get("max_tokens")) or first.max_tokens,
    )
    yield made
    for other in others:
        yield replace(other, at=began, model=made.model, response_id=own_id or None)


def _is_trace(entry: Fields) -> bool:
    return "observations" not in entry and LangfuseRow(entry).get("timestamp") is not None


def _sniff(entry: Mapping[str, Any]) -> bool:
    row = LangfuseRow(entry)
    is_observation = row.get("traceId") is not None and row.get("startTime") is not None
    is_trace = row.get("timestamp") is not None and "input" in entry and "output" in entry
    return is_observation or (is_trace and ("scores" in entry or "observations" in entry))


def _read_csv(file: ImportedFile) -> Iterator[Item]:
    """Each generation of a CSV. Only the rows that can't be read are skipped."""
    with (
        file.open() as opened,
        io.TextIOWrapper(opened, encoding="utf-8-sig", errors="replace", newline="") as text,
    ):
        csv.field_size_limit(MOST_ITEM)
        names: list[str] = []
        for number, row in _csv_rows(text):
            try:
                if row is None:
                    raise BadData(too_large())
                cells = next(csv.reader([row]), [])
                made = _read(_named(names, cells)) if names and cells else None
            except (csv.Error, *DATA_FAULTS) as error:
                yield Unreadable(f"line {number}", fault_in_words(error))
                continue
            names = names or cells
            if made is not None:
                yield made


def _csv_rows(text: TextIO) -> Iterator[tuple[int, str | None]]:
    """The rows, each with the number of its last line; None for one that is too large. A row ends
    with a line up to which its quotes are paired.
    """
    held: list[str] = []
    number, size, quotes = 0, 0, 0
    while line := text.readline(_CHUNK):
        is_end = line[-1] in "\r\n"
        number += is_end
        size += sys.getsizeof(line)
        quotes += line.count('"')
        held.append(line)
        if size > MOST_ITEM:
            held.clear()
        if is_end and quotes % 2 == 0:
            yield number, None if size > MOST_ITEM else "".join(held)
            held.clear()
            size = quotes = 0
    if size:
        yield number, None if size > MOST_ITEM else "".join(held)


def _named(names: list[str], cells: list[str]) -> Fields:
    """The cells by their names. Times, and in older exports all texts, are JSON with quotes."""
    if len(cells) > len(names):
        raise BadData("it has more cells than the first line")
    return {name: _unquoted(value) for name, value in zip(names, cells, strict=False)}


def _unquoted(value: Any) -> Any:
    if not isinstance(value, str) or value[:1] != '"' or value[-1:] != '"':
        return value
    inner = from_json(value)
    return inner if isinstance(inner, str) else value


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
    entries=_entries,
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
