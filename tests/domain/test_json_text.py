"""Reading JSON of unknown origin."""

import pytest

from replyscope.domain.json_text import DEEPEST, read_json
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
