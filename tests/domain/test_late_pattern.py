"""Patterns that are compiled at their first use."""

import re

from replyscope.domain.late_pattern import LatePattern


def test_a_late_pattern_is_compiled_once_and_with_its_flags() -> None:
    late = LatePattern("^b", re.MULTILINE)
    assert "compiled" not in vars(late)
    assert late.compiled.findall("a\nb\nb") == ["b", "b"]
    assert late.compiled is late.compiled
    assert late.pattern == "^b"
