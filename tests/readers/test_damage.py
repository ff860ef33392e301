"""Anything in any place of a log or an export: it comes, or it is counted; nothing raises."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.errors import ImportFault
from replyscope.domain.field_types import check_shared
from replyscope.domain.foreign import ForeignConversation, Unreadable, shared_of
from replyscope.domain.import_faults import DATA_FAULTS
from replyscope.domain.import_format import EntryFormat, ImportedFile, LogFormat
from replyscope.domain.shared import Shared
from replyscope.engine.log_lines import LogLines
from replyscope.readers.formats import FORMATS
from tests.readers.logs import HEADS, log_lines, only, read
from tests.readers.samples import FIXTURES, sample
from tests.support.examples import examples

LOGS = {one.name: one for one in FORMATS if isinstance(one, LogFormat)}
ENTRIES = {one.name: one for one in FORMATS if isinstance(one, EntryFormat)}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=6),
    st.lists(st.one_of(st.none(), st.text(max_size=3), st.integers()), max_size=3),
    st.dictionaries(st.sampled_from(["type", "text", "id", "role", "x"]), st.text(max_size=3)),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of each value inside of a value."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(one for key, below in inner for one in places(below, (*path, key)))]


def changed(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """The value with another one in a place."""
    if not path:
        return odd
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], odd)
    return copy


def sound(items: list[Any]) -> None:
    """Check that each item can be saved."""
    for item in items:
        assert isinstance(item, ForeignConversation | Unreadable | Shared)
        if isinstance(item, ForeignConversation):
            try:
                check_shared(shared_of(item))
            except DATA_FAULTS:
                pass  # the importer reports it


@pytest.mark.parametrize("name", LOGS)
@given(data=st.data())
@examples(60)
def test_any_value_in_any_place_of_a_line_never_stops_a_log(name: str, data: st.DataObject) -> None:
    lines = [*map(json.loads, log_lines(name))]
    for number in data.draw(st.lists(st.integers(0, len(lines) - 1), max_size=4)):
        path = data.draw(st.sampled_from(places(lines[number])))
        lines[number] = changed(lines[number], path, data.draw(ODD))
    texts = [json.dumps(line).encode() for line in lines]
    sound(fed(name, b"\n".join(texts), data.draw(st.integers(1, 400))))


@pytest.mark.parametrize("name", LOGS)
@given(data=st.data())
@examples(60)
def test_any_bytes_never_stop_a_log(name: str, data: st.DataObject) -> None:
    text = bytearray("\n".join(log_lines(name)).encode())
    for place in data.draw(st.lists(st.integers(0, len(text) - 1), max_size=8)):
        text[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    sound(fed(name, bytes(text), data.draw(st.integers(1, 400))))


def fed(name: str, data: bytes, size: int) -> list[Any]:
    """The items of a log that arrives in pieces, and is read after each of them."""
    file = ImportedFile("a.jsonl", len(data), lambda: (_ for _ in ()).throw(OSError()))
    lines = LogLines(LOGS[name].begin(file), most=100_000)
    found = []
    for start in range(0, len(data), size):
        found += [*lines.feed(data[start : start + size]), *lines.newest()]
    return [*found, *lines.end()]


@pytest.mark.parametrize("name", ENTRIES)
@given(data=st.data())
@examples(60)
def test_any_value_in_any_place_of_an_entry_raises_data_faults_alone(
    name: str, data: st.DataObject
) -> None:
    found = json.loads((FIXTURES / f"{name}.json").read_text())
    entry = found[0] if isinstance(found, list) else found
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(entry)))
        entry = changed(entry, path, data.draw(ODD)) if path else entry
    try:
        made = ENTRIES[name].read(entry)
    except DATA_FAULTS:
        return
    sound([made] if made is not None else [])


@pytest.mark.parametrize("name", [*LOGS, "opencode-files", "gemini-html", "langfuse-csv"])
def test_a_sample_that_is_cut_anywhere_is_read_or_refused(name: str, tmp_path: Path) -> None:
    path = sample(name, tmp_path)
    files = [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else [path]
    for file in files:
        whole = file.read_bytes()
        for end in range(0, len(whole), max(1, len(whole) // 40)):
            file.write_bytes(whole[:end])
            try:
                sound(read(path))
            except ImportFault:
                pass
        file.write_bytes(whole)


def test_a_line_beyond_the_bound_is_skipped_and_counted() -> None:
    (head,) = HEADS["claude-code"]
    file = ImportedFile("a.jsonl", 0, lambda: (_ for _ in ()).throw(OSError()))
    lines = LogLines(LOGS["claude-code"].begin(file), most=2_000)
    found = []
    for piece in (head, "\n", '{"type":"user","x":"', "y" * 5_000, '"}\n'):
        found += [*lines.feed(piece.encode())]
    found += lines.end()
    made = found[0]
    assert len(found) == 1
    assert isinstance(made, ForeignConversation)
    assert [(left.what, left.why, left.count) for left in made.left_out] == [
        ("damaged line", "it is larger than 0 MB", 1)
    ]


def test_a_row_of_a_csv_that_is_odd_costs_only_itself(tmp_path: Path) -> None:
    path = sample("langfuse-csv", tmp_path)
    with path.open("a", newline="") as file:
        csv.writer(file).writerow(["too", "many", *("cells" * 20)])
    found = read(path)
    assert isinstance(found[-1], Unreadable)
    assert only(found[:-1]).exchanges
