"""JSON in lines: the text stays the same JSON, and folds know their ends."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from replyscope.inspection.json_lines import JsonLine, Token, json_lines

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=20,
)


def text_of(lines: list[JsonLine]) -> str:
    return "\n".join(line.text for line in lines)


@given(values)
def test_the_lines_are_the_same_value(value: Any) -> None:
    assert text_of(json_lines(value)) == json.dumps(value, indent=2, ensure_ascii=False)


@given(values)
def test_a_folded_line_is_the_same_value_in_one_line(value: Any) -> None:
    lines = json_lines(value)
    for number, line in enumerate(lines):
        if line.end is not None:
            assert number < line.end < len(lines)
            assert lines[line.end].depth == line.depth
            assert line.folded.rstrip(",")[-1] == lines[line.end].text.strip().rstrip(",")


def test_each_piece_has_its_kind() -> None:
    line = json_lines({"a": 1})[1]
    assert line.pieces == (('"a"', Token.KEY), (": ", Token.MARK), ("1", Token.NUMBER))
    assert json_lines([None])[1].pieces == (("null", Token.WORD),)
    assert json_lines({"a": [1, 2]})[1].folded == " 2 items ]"


def test_deep_and_long_values_are_laid_out() -> None:
    deep: Any = 1
    for _ in range(790):
        deep = [deep]
    assert len(json_lines(deep)) == 790 * 2 + 1
    assert json_lines("x" * 5_000)[0].text.endswith('x"… 5,000 characters')
