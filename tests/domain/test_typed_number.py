"""Typed whole numbers: any length is a number or a refusal, never an error of Python."""

import re
from pathlib import Path

import pytest

import replyscope
from replyscope.config.toml_place import read_toml
from replyscope.domain.errors import ParameterFault
from replyscope.domain.session import Parameters
from replyscope.domain.typed_number import shortened, whole_number
from replyscope.engine.parameter_texts import with_typed
from replyscope.provider.catalogue import load_catalogue

HUGE = "9" * 5_000
_UNBOUNDED = re.compile(r"\.is(?:decimal|digit)\(\)")


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("12", 12), ("9" * 18, 10**18 - 1), (HUGE, None), ("", None), ("-1", None),
     ("1.5", None), ("²", None), ("x", None)],
)  # fmt: skip
def test_a_number_is_read_or_refused(text: str, number: int | None) -> None:
    assert whole_number(text) == number
    assert len(shortened(text)) <= 41


@pytest.mark.parametrize("name", ["n", "seed", "max_tokens", "temperature", "top_p"])
def test_a_parameter_with_thousands_of_digits_is_refused_in_a_short_sentence(name: str) -> None:
    with pytest.raises(ParameterFault, match=f"^{name} must be .{{1,160}}$"):
        with_typed(Parameters(), load_catalogue(), name, HUGE)


def test_a_setting_with_thousands_of_digits_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"^a number has too many digits$"):
        read_toml(f"n = {HUGE}")


def test_digits_are_converted_in_one_place_or_their_number_is_bounded() -> None:
    package = Path(replyscope.__file__).parent
    lines = [
        f"{path.relative_to(package)}: {line.strip()}"
        for path in sorted(package.rglob("*.py"))
        for line in path.read_text("utf-8").splitlines()
        if _UNBOUNDED.search(line) and "len(" not in line and "int(" in line
    ]
    assert lines == []
