"""The decision records: one heading style, a date each, and an index that lists them all."""

import re
from datetime import date
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "docs" / "decisions"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))
_HEAD = re.compile(r"# (\d{4}): (\S.*\S)\n\nDate: (\d{4}-\d\d-\d\d)\n\n")
_ROW = re.compile(r"\| \[(\d{4})\]\((\S+)\) \| (.+?) \| (\S+) \| (\S.*\S) \|")


def _head(record: Path) -> tuple[str, str, str]:
    found = _HEAD.match(record.read_text(encoding="utf-8"))
    assert found is not None, "expected `# 0001: Title`, a blank line, `Date: 2026-01-31`"
    number, title, day = found.groups()
    return number, title, day


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_a_record_begins_with_its_number_title_and_date(record: Path) -> None:
    number, _, day = _head(record)
    assert record.name.startswith(f"{number}-")
    assert date.fromisoformat(day).isoformat() == day
    assert record.read_text(encoding="utf-8").count("\nDate: ") == 1


def test_the_index_lists_every_record_as_it_begins() -> None:
    rows = _ROW.findall((FOLDER / "README.md").read_text(encoding="utf-8"))
    assert [row[:4] for row in rows] == [
        (number, record.name, title, day)
        for record in RECORDS
        for number, title, day in [_head(record)]
    ]


def test_numbers_follow_each_other() -> None:
    numbers = [int(record.name[:4]) for record in RECORDS]
    assert numbers == list(range(1, len(numbers) + 1))
