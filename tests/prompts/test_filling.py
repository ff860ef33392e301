"""Filling prompts: the variables of texts, the checks of values, several prompts together."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.errors import SettingsError
from replyscope.domain.message import TextPart
from replyscope.domain.preset import Preset
from replyscope.domain.prompt import escaped, filled, names_in, normalised
from replyscope.domain.session import Parameters, SessionSettings
from replyscope.domain.settings import Settings
from replyscope.engine.prompts import (
    fill,
    model_of,
    prompt_of_message,
    read_arguments,
    with_filled,
)
from tests.prompts.writing import REVIEW, library_in, prompt_of

PIECES = st.lists(
    st.sampled_from(
        ["{{", "}}", "{{a}}", "{{ a }}", "\\", "a", " ", "\n", "{", "}", "+++", "---", "é"]
    ),
    max_size=20,
).map("".join)


@given(PIECES)
def test_an_escaped_text_is_filled_to_itself(text: str) -> None:
    assert list(names_in(escaped(text))) == []
    assert filled(escaped(text), {"a": "X", "input": "Y"}) == text


@given(PIECES)
def test_a_prompt_of_a_message_makes_the_same_message(text: str) -> None:
    library = library_in(Path("/nowhere"))
    if not text.strip():
        return
    made = prompt_of_message("p", [TextPart(text)], library)
    assert fill([prompt_of(made)], {}).text.strip() == normalised(text).strip()


@given(PIECES, PIECES)
def test_values_are_not_searched_for_variables(text: str, value: str) -> None:
    pieces = filled(text, {"a": value})
    assert pieces.count(value) >= len(list(names_in(text))) or not value


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ("{{a}} {{ a }} {{a }}", "X X X"),
        ("\\{{a}}", "{{a}}"),
        ("{{a.b}} {{#if a}} {a} {{}} {{ }} {{1}}", "{{a.b}} {{#if a}} {a} {{}} {{ }} {{1}}"),
        ("{{{a}}}", "{X}"),
    ],
)
def test_only_names_in_double_braces_are_variables(body: str, result: str) -> None:
    assert filled(body, {"a": "X"}) == result


def test_the_input_has_its_place_or_follows() -> None:
    assert fill([prompt_of("Do: {{input}}!")], {}, "x").text == "Do: x!"
    assert fill([prompt_of("Do it.")], {}, "x").text == "Do it.\n\nx"
    assert fill([prompt_of("Do it.")], {}).text == "Do it."
    two = [prompt_of("A {{input}}", "a"), prompt_of("B", "b")]
    assert fill(two, {}, "x").text == "A x\n\nB"
    assert [one.name for one in fill(two, {}, "x").parts] == ["a", "b"]


@pytest.mark.parametrize(
    ("given_values", "sentence"),
    [
        ({}, "The prompt review needs a value for focus (what to look at)."),
        ({"focus": ""}, "needs a value for focus"),
        ({"focus": "x", "language": "C"}, "review: language is 'C'; allowed: Python, Rust."),
        ({"focus": "x", "lang": "C"}, "The prompt review has no variable lang. Its variables are: "
         "language, focus."),
    ],
)  # fmt: skip
def test_a_wrong_or_missing_value_is_refused_in_words(
    given_values: dict[str, str], sentence: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        fill([prompt_of(REVIEW)], given_values, "x = 1")
    assert sentence in str(caught.value)


def test_a_variable_that_is_not_described_is_named() -> None:
    with pytest.raises(SettingsError, match=r"colour .which is not described under .variables"):
        fill([prompt_of("A {{colour}} house")], {})
    assert fill([prompt_of("A {{colour}} house")], {"colour": "red"}).text == "A red house"


def test_a_missing_input_and_an_empty_prompt_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"needs a text for \{\{input\}\}"):
        fill([prompt_of("{{input}}")], {}, "  ")
    with pytest.raises(SettingsError, match="has no text of its own"):
        fill([prompt_of("+++\nsystem = 'S'\n+++\n")], {})


def test_types_are_checked_and_inserted() -> None:
    text = (
        "+++\n[variables.n]\ntype = 'number'\n[variables.b]\ntype = 'yes/no'\n"
        "[variables.f]\ntype = 'file'\n+++\n{{n}} {{b}} {{f}}"
    )
    used = fill([prompt_of(text)], {"n": "-0.5e3", "b": "TRUE", "f": "~/notes/a b.txt"})
    assert (used.text, used.files) == ("-0.5e3 yes a b.txt", ("~/notes/a b.txt",))
    for wrong in ({"n": "1_0"}, {"n": "inf"}, {"n": "٣"}, {"b": "maybe"}):
        with pytest.raises(SettingsError, match="allowed: "):
            fill([prompt_of(text)], {"n": "1", "b": "no", "f": "x"} | wrong)


def test_settings_are_those_of_all_prompts_in_order() -> None:
    known = Settings(presets=(Preset("p", model="one/m", parameters=Parameters(seed=1)),))
    first = prompt_of("+++\npreset = 'p'\nsystem = 'A {{x}}'\n[parameters]\ntop_p = 0.5\n+++\na")
    second = prompt_of("+++\nsystem = 'B'\ntools = []\n[parameters]\ntop_p = 0.7\n+++\nb", "two")
    used = fill([first, second], {"x": "1"})
    own = SessionSettings(system="old", parameters=Parameters(seed=9, temperature=1))
    made = with_filled(own, used, known)
    assert (made.system, made.tools, made.preset) == ("A 1\n\nB", (), "p")
    assert made.parameters == Parameters(temperature=1, top_p=0.7)
    assert model_of(used.prompts, known) == "one/m"
    assert with_filled(own, fill([prompt_of("x")], {}), known) == own
    with pytest.raises(SettingsError, match="There is no preset gone"):
        with_filled(own, fill([prompt_of("+++\npreset = 'gone'\n+++\nx")], {}), known)


@pytest.mark.parametrize(
    ("text", "values", "rest"),
    [
        ("", {}, ""),
        ("x = 1", {}, "x = 1"),
        ("language=Rust focus='all of it' fn() a=b", {"language": "Rust", "focus": "all of it"},
         "fn() a=b"),
        ('focus="" it\'s', {"focus": ""}, "it's"),
        ("other=5 language=Rust", {}, "other=5 language=Rust"),
        ("focus='open", {"focus": "'open"}, ""),
    ],
)  # fmt: skip
def test_values_are_read_before_the_input(text: str, values: dict[str, str], rest: str) -> None:
    assert read_arguments(prompt_of(REVIEW), text) == (values, rest)


@given(PIECES)
def test_the_variables_are_those_that_are_filled(text: str) -> None:
    asked: list[str] = []

    class Values(dict[str, str]):
        def get(self, name: str, default: str) -> str:  # type: ignore[override]
            asked.append(name)
            return default

    filled(text, Values())
    assert list(names_in(text)) == asked


def test_a_message_is_not_larger_than_the_memory() -> None:
    prompt = prompt_of("{{input}}" * 40_000)
    with pytest.raises(SettingsError, match="makes a message of more than 20,000,000 characters"):
        fill([prompt], {}, "x" * 1_000_000)


def test_few_missing_variables_are_named() -> None:
    prompt = prompt_of("".join(f"{{{{v{number}}}}}" for number in range(60)))
    with pytest.raises(SettingsError, match="and 55 more") as found:
        fill([prompt], {})
    assert "v5" not in str(found.value)
