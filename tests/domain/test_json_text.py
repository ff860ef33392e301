"""Reading JSON of unknown origin."""

import pytest

from replyscope.domain.json_text import (
    DEEPEST,
    MOST_VALUES,
    count_values,
    has_too_many_values,
    read_json,
)
from replyscope.domain.loose_json import from_json


@pytest.mark.parametrize("levels", [DEEPEST + 1, 2_000, 50_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_deep_nesting_is_refused_on_every_python(levels: int, opening: str, closing: str) -> None:
    text = opening * levels + "0" + closing * levels
    with pytest.raises(ValueError, match="nested too deeply"):
        read_json(text)
    assert from_json(text) is None


def test_what_is_wide_and_not_deep_is_read() -> None:
    assert read_json("[" + ",".join(["[]"] * 5_000) + "]") == [[]] * 5_000
    assert read_json('"' + "[" * 5_000 + '"') == "[" * 5_000


def test_the_deepest_value_that_is_read_can_be_written_again() -> None:
    assert read_json("[" * (DEEPEST // 2) + "]" * (DEEPEST // 2)) != []


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 34, 100])
def test_values_are_counted_by_their_separators(count: int) -> None:
    padding = "x" * (MOST_VALUES + 200)
    text = f"{padding}{',a' * count}"
    assert count_values(text, 0, len(text)) == count
    assert count_values(text, 1, len(text) - count) == count - count // 2
    assert count_values(text + "[{" * count, 0, len(text) + 2 * count) == 3 * count


@pytest.mark.parametrize("extra", [0, 1])
def test_a_text_with_too_many_values_is_refused(extra: int) -> None:
    text = f"[{'0,' * (MOST_VALUES - 1 + extra)}0]"
    assert has_too_many_values(text) is has_too_many_values(text.encode()) is bool(extra)
