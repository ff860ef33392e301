"""Patterns that are compiled at their first use: what they find is what `re` finds."""

import re

from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.late_pattern import LatePattern


@given(pattern=st.sampled_from(["a+", "(b)|^a", "$", "[^a]"]), text=st.text("ab\n", max_size=12))
def test_a_late_pattern_finds_what_re_finds(pattern: str, text: str) -> None:
    late, known = LatePattern(pattern, re.MULTILINE), re.compile(pattern, re.MULTILINE)
    assert "compiled" not in vars(late)
    assert str(late.search(text)) == str(known.search(text))
    assert str(late.match(text)) == str(known.match(text))
    assert [*map(str, late.finditer(text))] == [*map(str, known.finditer(text))]
    assert late.sub("<>", text) == known.sub("<>", text)
    assert late.pattern == pattern
