"""Importing prompts of Open WebUI, llm and Fabric, and files that are none."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from replyscope.config.prompts import parse_prompt, prompt_text
from replyscope.domain.errors import SettingsError
from replyscope.domain.prompt import Prompt, Variable, VariableType
from replyscope.engine.prompts import fill
from replyscope.readers.prompts import (
    ForeignPrompt,
    name_from,
    read_llm_template,
    read_open_webui,
    read_pattern,
)
from tests.cli.run import run_command
from tests.prompts.writing import write_prompt


def parsed(found: ForeignPrompt | str) -> Prompt:
    assert isinstance(found, ForeignPrompt), found
    return parse_prompt(found.name, prompt_text(found.front, found.body), Path("x.md"))


def open_webui(**fields: Any) -> Prompt:
    entry = {"command": "/my prompt", "title": "T", "content": "", "access_control": None} | fields
    (found,) = read_open_webui(json.dumps([entry]).encode())
    return parsed(found)


def test_a_prompt_of_open_webui() -> None:
    content = (
        'Write in {{lang | select:options=["English","German"]:default="German"}} to {{ name }}:'
        "{{name}} {{n | number:min=1:default=3}} {{Big one|checkbox:default=true}} {{CLIPBOARD}} "
        '{{about | textarea:placeholder="your text":required}} {{more|text}} {{#if x}} {{ }}'
    )
    prompt = open_webui(content=content)
    assert (prompt.name, prompt.title) == ("my-prompt", "T")
    assert prompt.variables == (
        Variable("lang", VariableType.CHOICE, "German", ("English", "German")),
        Variable("name"),
        Variable("n", VariableType.NUMBER, "3"),
        Variable("Big_one", VariableType.YES_NO, "yes"),
        Variable("CLIPBOARD", description="Open WebUI fills this in itself"),
        Variable("about", description="your text"),
        Variable("more", default=""),
    )
    used = fill([prompt], {"name": "Ada", "CLIPBOARD": "c", "about": "a"})
    assert used.text == "Write in German to Ada:Ada 3 yes c a  {{#if x}} {{ }}"


def test_an_export_of_one_prompt_and_wrong_entries() -> None:
    (found,) = read_open_webui(b'{"command": "a", "content": "x", "name": "N"}')
    assert parsed(found).body == "x"
    found, fault, other = read_open_webui(
        json.dumps(
            [
                {"command": "a", "content": "x"},
                {"command": "b", "content": 5},
                {"command": "///", "content": "x"},
            ]
        ).encode()
    )
    assert parsed(found).name == "a"
    assert fault == "prompt 2: its command, title and content must be texts"
    assert "has no letter or digit for a name" in str(other)


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[1]", b"5", b"[" * 100_000, b'[{"command": "x"}]', b"\xff"]
)
def test_other_files_are_no_export(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        list(read_open_webui(data))


def test_a_template_of_llm() -> None:
    text = """
model: gpt-6-mini
system: |
  You speak $lang.
  Be brief.
prompt: 'Cost: $$5 {{raw}} ${name} $input'
defaults:
  lang: German
  name: 5
options:
  temperature: 0.2
schema_object: {type: object}
extract: true
"""
    found = read_llm_template("My template", text.encode())
    prompt = parsed(found)
    assert (prompt.name, prompt.model) == ("My-template", "gpt-6-mini")
    assert (prompt.system, prompt.schema) == (
        "You speak {{lang}}.\nBe brief.\n",
        '{"type": "object"}',
    )
    assert prompt.parameters.temperature == 0.2
    assert found.notes == ("left out: extract",)
    used = fill([prompt], {}, "hello")
    assert used.text == "Cost: $5 {{raw}} 5 hello"
    assert used.system == "You speak German.\nBe brief.\n"


def test_short_templates_of_llm() -> None:
    assert parsed(read_llm_template("a", b"Tell a joke about $topic")).body == (
        "Tell a joke about {{topic}}"
    )
    assert parsed(read_llm_template("a", b"system: Be brief")).body == "{{input}}"


BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: [", "line "),
        ("x: 1", "it is not a template of llm"),
        ("prompt: [1]", "prompt must be a text"),
        ("prompt: x\ndefaults: 5", "defaults must be a mapping"),
        ("prompt: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        (BOMB, "aliases in YAML are not read"),
        ("[" * 20_000, "nested too deeply"),
        ("prompt: x\nschema_object: {a: 2020-01-01}", "schema_object can't be JSON"),
    ],
)
def test_wrong_templates_are_refused_in_words(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence.replace("(", r"\(")):
        read_llm_template("a", text.encode())


def test_a_pattern_of_fabric() -> None:
    system = '# IDENTITY\n\nYou say """x""" \\ to {{lang}}.\n\n# INPUT:\n\nINPUT:\n'
    prompt = parsed(read_pattern("extract_wisdom", system.encode()))
    assert (prompt.name, prompt.system, prompt.body) == (
        "extract_wisdom", system.strip(), "{{input}}"
    )  # fmt: skip
    prompt = parsed(read_pattern("a", b"S", b"Do {{input}}"))
    assert (prompt.system, prompt.body) == ("S", "Do {{input}}")
    prompt = parsed(read_pattern("a", b"Read {{input}} now"))
    assert (prompt.system, prompt.body) == (None, "Read {{input}} now")


@pytest.mark.parametrize(
    ("text", "name"),
    [("/review", "review"), ("a b/c", "a-b-c"), ("..", ""), ("é", "é"), ("x" * 99, "x" * 60)],
)
def test_names_are_made_of_other_names(text: str, name: str) -> None:
    if name:
        assert name_from(text) == name
    else:
        with pytest.raises(ValueError, match="no letter or digit"):
            name_from(text)


def test_a_folder_is_imported_once(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    (folder / "patterns" / "wise").mkdir(parents=True)
    (folder / "patterns" / "wise" / "system.md").write_text("Be wise.")
    (folder / "patterns" / "wise" / "user.md").write_text("")
    (folder / "t.yaml").write_text("prompt: Tell $x")
    (folder / "export.json").write_text('[{"command": "/joke", "title": "J", "content": "Joke"}]')
    (folder / "bad.json").write_text("{")
    (folder / "notes.txt").write_text("nothing")
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.yaml")
    else:
        (folder / "pipe.yaml").write_text("a: [")
    done = run_command(tmp_path, "prompts", "import", str(folder))
    assert done.stdout == "3 prompts imported, 0 known already, 2 failed.\n"
    assert done.returncode == 1
    assert "pipe.yaml: " in done.stderr
    done = run_command(tmp_path, "prompts", "list")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["joke", "t", "wise"]
    done = run_command(tmp_path, "prompts", "import", str(folder / "patterns"))
    assert (done.returncode, done.stdout) == (0, "0 prompts imported, 1 known already, 0 failed.\n")


def test_a_prompt_of_one_s_own_is_not_replaced(tmp_path: Path) -> None:
    file = write_prompt(tmp_path / "config", "joke", "Mine.")
    export = tmp_path / "export.json"
    export.write_text('[{"command": "/joke", "content": "Theirs."}]')
    done = run_command(tmp_path, "prompts", "import", str(export))
    assert (done.returncode, file.read_text()) == (1, "Mine.")
    assert "joke exists already; --replace replaces it" in done.stderr
    done = run_command(tmp_path, "prompts", "import", str(export), "--replace")
    assert (done.returncode, file.read_text()) == (0, "Theirs.\n")


@pytest.mark.parametrize("what", ["absent", "empty"])
def test_nothing_to_import_is_an_error(tmp_path: Path, what: str) -> None:
    (tmp_path / "empty").mkdir()
    done = run_command(tmp_path, "prompts", "import", str(tmp_path / what))
    assert done.returncode == 2
    assert "does not exist" in done.stderr or "has no prompts. It may be" in done.stderr


@pytest.mark.parametrize(
    "options",
    [b"{x: !!binary aGk=}", b"{x: [[null]]}", b"{x: {1: {2: 3}}}", b"{x: !!set {b}}"],
)
def test_an_option_that_toml_lacks_is_refused_in_words(options: bytes) -> None:
    found = read_llm_template("a", b"prompt: x\noptions: " + options)
    with pytest.raises(SettingsError, match="parameters can't be written in TOML"):
        parsed(found)


def test_options_and_defaults_of_null_are_left_out() -> None:
    prompt = parsed(
        read_llm_template("a", b"prompt: $x\noptions: {seed: null, top_p: 1}\ndefaults: {x: null}")
    )
    assert prompt.parameters.given() == {"top_p": 1}
    assert prompt.variables == (Variable("x"),)


def test_a_damaged_prompt_does_not_stop_the_import(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "a.yaml").write_text("prompt: x\noptions: {x: [null]}")
    (folder / "b.json").write_text('[{"command": "b", "content": "\\ud800"}]')
    done = run_command(tmp_path, "prompts", "import", str(folder))
    assert done.stdout == "1 prompt imported, 0 known already, 1 failed.\n"
    assert "not imported: a: parameters can't be written in TOML" in done.stderr
    done = run_command(tmp_path, "prompts", "import", str(folder / "b.json"))
    assert done.stdout == "0 prompts imported, 1 known already, 0 failed.\n"
