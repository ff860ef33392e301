"""Diagrams whose layout would take minutes: the source is shown instead."""

from contextlib import suppress

import pytest

from replyscope.inspection.markup.diagram import PageDiagrams, TooMuchWorkError
from tests.hostile.bounds import bounded


@pytest.mark.parametrize("nodes", [30, 60, 300])
def test_loops_without_calls_are_limited_too(nodes: int) -> None:
    sides = (" & ".join(f"{side}{n}" for n in range(nodes)) for side in "AB")
    source = f"graph TD\n{' --> '.join(sides)}"
    with bounded(longest_s=20), suppress(TooMuchWorkError):
        PageDiagrams().rows(source)
