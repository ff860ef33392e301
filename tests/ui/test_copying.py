"""Copied text is the selected text, without the breaks, borders and padding of the layout."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style
from textual.geometry import Offset
from textual.selection import SELECT_ALL, Selection

from replyscope.domain.message import Role
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.transcript.content import EntryContent
from replyscope.ui.transcript.entry import Entry
from replyscope.ui.transcript.lines import place_of
from replyscope.ui.transcript.selecting import selected_text

_ROLES = (role for role in Palette.__dataclass_fields__ if role != "ascii_only")
_STYLES: dict[str, Any] = dict.fromkeys(_ROLES, Style(bold=True))
PALETTE = replace(Palette(), **_STYLES)


def copied(text: str, width: int, selection: Selection = SELECT_ALL) -> str:
    """The copied text of a message, without its title."""
    entry = Entry("a", lambda: EntryContent("a", Role.USER, "you", text))
    whole = selected_text([entry], selection, width, PALETTE)
    return whole.removeprefix("you").strip("\n")


PARAGRAPH = "The Moon pulls on the near side of the Earth more than on the far side."
CASES = {
    "a paragraph": (PARAGRAPH, PARAGRAPH),
    "two paragraphs": (f"{PARAGRAPH}\n\n{PARAGRAPH}", f"{PARAGRAPH}\n\n{PARAGRAPH}"),
    "a long word": ("x" * 90, "x" * 90),
    "a list": (f"- {PARAGRAPH}\n- second", f" • {PARAGRAPH}\n • second"),
    "a nested list": (f"- one\n  - {PARAGRAPH}", f" • one\n    ◦ {PARAGRAPH}"),
    "a quote": (f"> {PARAGRAPH}\n>\n> second", f"{PARAGRAPH}\n\nsecond"),
    "code": ("```\ndef f():\n    return 1\n```", "def f():\n    return 1"),
    "a long line of code": ("```\n" + "a + " * 20 + "b\n```", "a + " * 20 + "b"),
    "code in a list": ("- see\n  ```\n  if x:\n      y\n  ```", " • see\n\nif x:\n    y"),
    "a table": (
        f"| a | b |\n|---|--:|\n| 1 | {PARAGRAPH} |\n| | 2 |",
        f"a\tb\n1\t{PARAGRAPH}\n\t2",
    ),
}


@pytest.mark.parametrize(("source", "wanted"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("width", [20, 40, 120])
def test_what_is_copied_has_no_layout(source: str, wanted: str, width: int) -> None:
    assert copied(source, width) == wanted


def test_a_part_is_copied_from_its_first_to_its_last_character() -> None:
    text = "one two three four five six"
    # Cells: the title, then the paragraph, whose first line is a gap that the cell leaves out.
    start, end = Offset(4, place_of(0, 1, 0)), Offset(3, place_of(0, 1, 1))
    assert copied(text, 14, Selection(start, end)) == "two three fou"


@given(st.lists(st.text("abcé漢 ", min_size=1, max_size=30), min_size=1, max_size=20), st.data())
def test_wrapping_never_changes_a_paragraph(words: list[str], data: Any) -> None:
    text = " ".join(" ".join(words).split())
    width = data.draw(st.integers(4, 80))
    assert re.sub(r"\s+", " ", copied(text, width)) == text


def test_a_long_path_is_copied_in_one_piece() -> None:
    path = str(Path("/a") / ("b" * 60) / "c.txt")
    assert copied(f"see {path} now", 24) == f"see {path} now"
