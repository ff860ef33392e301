"""What draws nothing is shown where a person decides about a text, and left alone in prose."""

import json
import unicodedata
from functools import lru_cache

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.printable import (
    BLANK,
    FORMATS,
    IGNORABLE,
    escape_unseen,
    exact_line,
    exact_text,
    is_printable,
    printable_line,
)
from replyscope.inspection.arguments import editable_arguments, one_line, pretty_arguments

_IGNORABLE = regex.compile(r"\p{Default_Ignorable_Code_Point}")
_EMPTY = ("BRAILLE PATTERN BLANK", "KHITAN SMALL SCRIPT FILLER", "MUSICAL SYMBOL NULL NOTEHEAD")


def points(ranges: tuple[tuple[int, int], ...]) -> set[int]:
    return {code for first, last in ranges for code in range(first, last + 1)}


@lru_cache(maxsize=1)
def unseen() -> frozenset[str]:
    """Every character that draws nothing or a blank, as Unicode's own tables have it."""
    return frozenset(filter(_draws_nothing, map(chr, range(0x110000))))


def _draws_nothing(char: str) -> bool:
    is_format = unicodedata.category(char) in ("Cf", "Zs", "Zl", "Zp", "Cc")
    return bool(_IGNORABLE.match(char)) or is_format or unicodedata.name(char, "") in _EMPTY


def test_the_table_is_unicodes() -> None:
    ignorable = {code for code in range(0x110000) if _IGNORABLE.match(chr(code))}
    assert points(IGNORABLE) == ignorable
    spaces = {code for code in range(0x110000) if unicodedata.category(chr(code)) == "Zs"}
    assert points(BLANK) >= spaces - {0x20}
    assert not points(BLANK) & points(FORMATS)


def test_no_character_of_an_exact_text_draws_nothing() -> None:
    for char in unseen():
        if char not in " \t\n":
            shown = exact_line(f"a{char}b")
            assert len(shown) >= 3
            assert char not in shown
            assert char not in exact_text(f"a{char}b") or char == "\r"


@given(st.text())
def test_an_exact_text_is_printable_and_says_all_that_is_seen(text: str) -> None:
    assert is_printable(exact_text(text))
    if set(text).isdisjoint(unseen() - {" "}) and "\t" not in text:
        assert exact_line(text) == printable_line(text)


@given(st.text())
def test_escapes_keep_the_value(text: str) -> None:
    encoded = json.dumps({"path": text}, ensure_ascii=False)
    escaped = escape_unseen(encoded)
    assert json.loads(escaped) == {"path": text}
    assert (unseen() - {" "}).isdisjoint(escaped)


@pytest.mark.parametrize("prose", ["👨‍👩‍👧", "❤️", "می‌خواهم", "soft\u00adhyphen", "10\u00a0km"])
def test_prose_keeps_its_joiners_selectors_and_spaces(prose: str) -> None:
    assert printable_line(prose) == prose
    assert exact_line(prose) != prose


@pytest.mark.parametrize("char", ["\u200b", "\u00a0", "\u3164", "\u3000", "\U000e0041"])
def test_arguments_in_one_line_show_what_was_escaped_in_their_json(char: str) -> None:
    code = f"‹{ord(char):04x}›"
    for arguments in (json.dumps({"path": f"a{char}b"}), f'{{"path": "a{char}b"}}'):
        assert one_line(arguments, 200) == f'path="a{code}b"'
        assert code in exact_text(pretty_arguments(arguments))
        assert json.loads(editable_arguments(arguments)) == {"path": f"a{char}b"}
        assert char not in editable_arguments(arguments)
