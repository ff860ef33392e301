"""Prompt files: what they may contain, and the sentence about each that can't be used."""

import os
from pathlib import Path

import pytest

from replyscope.config.prompts import PromptFolder
from replyscope.domain.errors import ParameterFault, SettingsError
from replyscope.domain.prompt import Variable, VariableType, is_prompt_name
from replyscope.domain.session import Parameters
from tests.prompts.writing import REVIEW, library_in, prompt_of, write_prompt


def test_a_file_has_settings_variables_and_a_body() -> None:
    prompt = prompt_of(
        '+++\nmodel = "fast"\npreset = "p"\nsystem = "S {{tone}}"\ntools = []\n'
        'schema = "a.json"\n[parameters]\nseed = 7\nstop = ["x"]\n[variables.tone]\n'
        'default = "dry"\n[variables.big]\ntype = "yes/no"\ndefault = true\n'
        '[variables.count]\ntype = "number"\ndefault = 3\n+++\n\nBody {{new}}\n\n'
    )
    assert (prompt.model, prompt.preset, prompt.system) == ("fast", "p", "S {{tone}}")
    assert (prompt.tools, prompt.body, prompt.takes_input) == ((), "Body {{new}}", False)
    assert prompt.schema == str(Path("a.json").absolute())
    assert prompt.parameters == Parameters(seed=7).changed({"stop": ["x"]})
    assert prompt.variables == (
        Variable("tone", default="dry"),
        Variable("big", VariableType.YES_NO, "yes"),
        Variable("count", VariableType.NUMBER, "3"),
        Variable("new", is_described=False),
    )


def test_a_file_without_front_matter_is_a_body() -> None:
    prompt = prompt_of("Translate:\n+++\n{{input}}")
    assert (prompt.body, prompt.takes_input, prompt.variables) == (prompt.text, True, ())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("+++\ntitle = 1\n+++\n", "review.md:2: title must be a string."),
        ("+++\ntitle = 'a'\n", "review.md:1: the front matter has no end; allowed: a second +++"),
        ("+++\n\ntitle = \n+++\nx", "review.md:3: the front matter is not valid TOML: "),
        ("+++\n\ntitle = [\n1\n+++\nx", "review.md:4: the front matter is not valid TOML: "),
        ("---\ntitle: a\n---\nx", "review.md:1: front matter between --- lines is not read"),
        ("+++\ntitel = 'a'\n+++\nx", "review.md:2: titel is not a setting; allowed: title, model"),
        ("+++\n[variables.a]\ntype = 'enum'\n+++\n{{a}}", "review.md:3: variables.a.type is 'enum'"
         "; allowed: text, choice, file, number, yes/no."),
        ("+++\n[variables.a]\ntype = 'choice'\n+++\n", "variables.a.type needs choices, as in"),
        ("+++\n[variables.a]\nchoices = ['x']\n+++\n", "choices is only for type = \"choice\""),
        ("+++\n[variables.a]\ntype = 'choice'\nchoices = ['x']\ndefault = 'y'\n+++\n",
         "review.md:5: variables.a.default is 'y'; allowed: x."),
        ("+++\n[variables.a]\ntype = 'number'\ndefault = 'y'\n+++\n", "allowed: a number such as"),
        ("+++\n[variables.a]\ntype = 'number'\ndefault = '1_0'\n+++\n", "allowed: a number such"),
        ("+++\n[variables.a]\ntype = 'yes/no'\ndefault = 'maybe'\n+++\n", "allowed: yes, no."),
        ("+++\n[variables.a]\ndefault = 5\n+++\n", "variables.a.default must be a string."),
        ("+++\n[variables.a]\nsize = 5\n+++\n", "size is not a setting; allowed: type, choices"),
        ("+++\n[variables.input]\n+++\n", "variables.input is the text of the message"),
        ("+++\n[variables.'a b']\n+++\n", "can't be a variable; allowed: letters, digits"),
        ("+++\nvariables = 5\n+++\n", "review.md:2: variables must be a table."),
        ("+++\n[variables]\na = 5\n+++\n", "review.md:3: variables.a must be a table."),
        ("+++\n[parameters]\nseed = 'x'\n+++\n", "parameters.seed must be a whole number."),
        ("+++\n[parameters]\ntemperature = 9\n+++\n", "review.md:3: parameters.temperature is 9"),
        ("+++\na = " + "[" * 5_000 + "\n+++\n", "it is nested too deeply"),
        ("+++\n" + "".join(f"[variables.a{n}]\n" for n in range(101)) + "+++\n", "more than 100"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_parse_is_named_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        prompt_of(text)
    assert sentence in caught.value.message


def test_the_other_files_still_work(tmp_path: Path) -> None:
    write_prompt(tmp_path, "good", "hello")
    write_prompt(tmp_path, "bad", "+++\nx = 1\n+++\n")
    write_prompt(tmp_path, "a b", "hello")
    write_prompt(tmp_path, ".hidden", "hello")
    (tmp_path / "prompts" / "latin.md").write_bytes(b"\xe9t\xe9")
    (tmp_path / "prompts" / "large.md").write_bytes(b"x" * 400_001)
    (tmp_path / "prompts" / "folder.md").mkdir()
    (tmp_path / "prompts" / "gone.md").symlink_to(tmp_path / "nothing")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "prompts" / "pipe.md")
    else:
        (tmp_path / "prompts" / "pipe.md").mkdir()
    known = library_in(tmp_path).read()
    assert [*known.by_name] == ["good"]
    assert [*known.faults] == ["a b", "bad", "folder", "large", "latin", "pipe"]
    assert "'a b' can't be the name of a prompt; allowed: letters" in known.faults["a b"]
    assert known.faults["latin"].endswith("latin.md: it is not text in UTF-8.")
    assert "larger than 400,000 bytes" in known.faults["large"]
    assert ", not a file" in known.faults["pipe"]


def test_a_library_is_bounded(tmp_path: Path) -> None:
    for number in range(130):
        file = write_prompt(tmp_path, f"p{number}", "")
        os.truncate(file, 390_000)
    with pytest.raises(SettingsError, match="more than 2,000 prompts, or more than 50 MB"):
        library_in(tmp_path).read()


def test_no_folder_is_an_empty_library(tmp_path: Path) -> None:
    assert library_in(tmp_path).read().by_name == {}
    assert library_in(tmp_path).read_source("x") is None
    assert library_in(tmp_path).read_source("../x") is None


def test_a_changed_file_is_read_again_and_others_are_not(tmp_path: Path) -> None:
    file = write_prompt(tmp_path, "a", "one")
    write_prompt(tmp_path, "b", "two")
    library = library_in(tmp_path)
    first = library.read().by_name
    file.write_text("changed", encoding="utf-8")
    second = library.read().by_name
    assert (second["a"].body, second["b"]) == ("changed", first["b"])
    assert second["b"] is first["b"]
    file.unlink()
    assert [*library.read().by_name] == ["b"]


def test_a_version_does_not_depend_on_the_editor() -> None:
    versions = {
        prompt_of(text).version
        for text in ("a\nb", "\ufeffa\nb\n", "a\r\nb\r\n\r\n", "a\nb  \n \n")
    }
    assert len(versions) == 1
    assert prompt_of("a\nc").version not in versions
    assert prompt_of(REVIEW).version != prompt_of(REVIEW.replace("0.2", "0.3")).version


def test_a_saved_prompt_is_read_as_it_was_written(tmp_path: Path) -> None:
    library = library_in(tmp_path)
    path = library.write("review", REVIEW)
    assert path.read_text(encoding="utf-8") == REVIEW
    assert path.stat().st_mode & 0o077 == 0
    assert library.read().by_name["review"] == prompt_of(REVIEW).__class__(
        **{name: getattr(prompt_of(REVIEW), name) for name in prompt_of(REVIEW).__slots__}
    )
    with pytest.raises(SettingsError, match="can't be the name of a prompt"):
        library.write("../x", "text")


def test_parameters_are_checked_with_the_catalogue_on_use(tmp_path: Path) -> None:
    def check(name: str, value: object) -> None:
        raise ParameterFault(name, f"can't be {value}")

    text = "+++\n[parameters]\nstop = 5\n+++\nx"
    with pytest.raises(SettingsError, match=r"review.md:3: parameters.stop can't be 5"):
        library_in(tmp_path).parse("review", text, check)
    assert library_in(tmp_path).parse("review", text).parameters.given() == {"stop": 5}


@pytest.mark.parametrize("name", ["a", "code-review", "v1.2", "Größe", "a+b", "日本"])
def test_such_names_are_allowed(name: str) -> None:
    assert is_prompt_name(name)


@pytest.mark.parametrize(
    "name", ["", " ", "a b", ".a", "-a", "a/b", "a:b", "a@b", "a\n", "a*", "a.", "a" * 81, "\x1b"]
)
def test_such_names_are_not_allowed(name: str) -> None:
    assert not is_prompt_name(name)


class Racing(PromptFolder):
    """A library of which another program deletes a file while it is read."""

    def _find(self) -> dict[str, tuple[int, int]]:
        found = super()._find()
        self._path("gone").unlink()
        return found


def test_a_file_that_is_deleted_meanwhile_is_left_out(tmp_path: Path) -> None:
    for name in ("gone", "kept"):
        write_prompt(tmp_path, name, "x")
    known = Racing(tmp_path / "prompts").read()
    assert ([*known.by_name], known.faults) == (["kept"], {})
