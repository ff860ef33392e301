"""Prompts on the command line: `ask -t`, and `replyscope prompts`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.run import PROGRAM, environment, run_command
from tests.cli.test_commands import ask
from tests.models.test_command_line import providers, write_settings
from tests.prompts.writing import REVIEW, prompt_of, write_prompt
from tests.support.responses import response
from tests.support.server import LoopbackServer

EDITOR = f"{sys.executable} {Path(__file__).parent / 'an_editor.py'}"


def test_ask_sends_the_filled_prompt_with_its_parameters(
    server: LoopbackServer, tmp_path: Path
) -> None:
    write_prompt(tmp_path / "config", "review", REVIEW)
    done = ask(
        tmp_path, server, "x = 1", "-t", "review", "-v", "focus=names", "-v", "language=Rust"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "Hello world\n", "")
    (request,) = server.requests
    assert request["messages"] == [
        {"role": "user", "content": "Review this Rust code for names.\n\nx = 1"}
    ]
    assert request["temperature"] == 0.2
    done = ask(
        *(tmp_path, server, "x", "-t", "review", "-v", "focus=a=b", "--temperature", "1"),
    )
    assert done.returncode == 0
    assert server.requests[1]["temperature"] == 1
    assert "Python code for a=b" in server.requests[1]["messages"][0]["content"]


def test_several_prompts_add_up_in_order(server: LoopbackServer, tmp_path: Path) -> None:
    write_prompt(tmp_path / "config", "a", "+++\nsystem = 'One.'\n+++\nFirst {{x}}")
    write_prompt(tmp_path / "config", "b", "+++\nsystem = 'Two {{x}}.'\n+++\nSecond")
    done = ask(tmp_path, server, "the end", "-t", "a", "-t", "b", "-v", "x=1")
    assert done.returncode == 0, done.stderr
    assert [one["content"] for one in server.requests[0]["messages"]] == [
        "One.\n\nTwo 1.",
        "First 1\n\nSecond\n\nthe end",
    ]


def test_a_prompt_needs_no_other_text_and_takes_what_is_piped(
    server: LoopbackServer, tmp_path: Path
) -> None:
    write_prompt(tmp_path / "config", "joke", "Tell a joke.")
    write_prompt(tmp_path / "config", "sum", "Sum up:\n{{input}}")
    assert ask(tmp_path, server, "-t", "joke").returncode == 0
    assert server.requests[0]["messages"][-1]["content"] == "Tell a joke."
    command = [*PROGRAM, "ask", "-t", "sum", "--base-url", server.base_url]
    done = subprocess.run(
        command, env=environment(tmp_path), input=b"long text\n", capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert server.requests[1]["messages"][-1]["content"] == "Sum up:\nlong text\n"


def test_a_prompt_is_sent_through_responses_too(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: response("Hello")
    write_prompt(tmp_path / "config", "look", "+++\nsystem = 'S'\n+++\nLook: {{input}}")
    done = ask(tmp_path, server, "x", "-t", "look", "--api", "responses")
    assert (done.returncode, done.stdout) == (0, "Hello\n"), done.stderr
    (request,) = server.requests
    assert request["instructions"] == "S"
    assert [one["content"] for one in request["input"]] == ["Look: x"]


def test_doctor_reports_files_that_are_not_used(tmp_path: Path) -> None:
    write_prompt(tmp_path / "config", "joke", "Tell a joke.")
    write_prompt(tmp_path / "config", "bad", "+++\nx = 1\n+++\n")
    done = run_command(tmp_path, "doctor")
    assert "config/prompts: 1 prompt\n" in done.stdout
    assert "FAILED" in done.stdout
    assert "bad.md:2: x is not a setting" in done.stdout


def test_a_file_variable_is_attached(server: LoopbackServer, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("the tide turns")
    text = "+++\n[variables.notes]\ntype = 'file'\n+++\nWhat does {{notes}} say?"
    write_prompt(tmp_path / "config", "read", text)
    done = ask(tmp_path, server, "-t", "read", "-v", f"notes={tmp_path / 'notes.txt'}")
    assert done.returncode == 0, done.stderr
    file, question = server.requests[0]["messages"][0]["content"]
    assert "the tide turns" in file["text"]
    assert question["text"] == "What does notes.txt say?"
    done = ask(tmp_path, server, "-t", "read", "-v", "notes=absent")
    assert (done.returncode, len(server.requests)) == (2, 1)
    assert "does not exist" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("x", "-t", "review"), "The prompt review needs a value for focus (what to look at)."),
        (("x", "-t", "review", "-v", "focus"), "must be NAME=VALUE"),
        (("x", "-t", "review", "-v", "fokus=a"), "has no variable fokus. Its variables are: "),
        (("-t", "review", "-v", "focus=a"), "The prompt review needs a text for {{input}}."),
        (("x", "-t", "reveiw"), "There is no prompt reveiw. Did you mean review?"),
        (("x", "-t", "../review"), "There is no prompt ../review."),
        (("x", "-t", "bad"), "bad.md:2: x is not a setting; allowed: title, model, preset"),
        (("x", "-t", "stops"), "stops.md:3: parameters.stop (stop[0]) must be a text"),
        (("x", "-t", "lost"), "There is no preset gone."),
        (("x", "-v", "a=b"), "-v sets variables of a prompt. Name the prompt with -t."),
    ],
)
def test_a_wrong_use_is_refused_before_anything_is_sent(
    server: LoopbackServer, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    write_prompt(tmp_path / "config", "review", REVIEW)
    write_prompt(tmp_path / "config", "bad", "+++\nx = 1\n+++\n")
    write_prompt(tmp_path / "config", "stops", "+++\n[parameters]\nstop = [1]\n+++\nx")
    write_prompt(tmp_path / "config", "lost", "+++\npreset = 'gone'\n+++\nx")
    done = ask(tmp_path, server, *arguments)
    assert (done.returncode, server.requests) == (2, [])
    assert sentence in done.stderr


def test_a_prompt_chooses_its_model_unless_an_option_does(
    server: LoopbackServer, tmp_path: Path
) -> None:
    with LoopbackServer() as other:
        lines = '[presets.p]\nmodel = "two/large"\nsystem = "Be brief."\n'
        write_settings(tmp_path, f'provider = "one"\n{providers(server, other)}{lines}')
        write_prompt(tmp_path / "config", "own", "+++\nmodel = 'two/mini'\n+++\nx")
        write_prompt(tmp_path / "config", "preset", "+++\npreset = 'p'\n+++\nx")
        for arguments in (("own",), ("preset",), ("own", "-m", "m9")):
            done = run_command(tmp_path, "ask", "-t", *arguments)
            assert (done.returncode, done.stderr) == (0, "")
        assert [one["model"] for one in other.requests] == ["mini", "large"]
        assert other.requests[1]["messages"][0]["content"] == "Be brief."
    assert [one["model"] for one in server.requests] == ["m9"]


def test_prompts_are_listed_and_shown(tmp_path: Path) -> None:
    done = run_command(tmp_path, "prompts", "list")
    assert (done.returncode, done.stdout) == (0, "")
    assert "No prompts yet. `replyscope prompts new NAME` writes one." in done.stderr
    write_prompt(tmp_path / "config", "review", REVIEW)
    write_prompt(tmp_path / "config", "bad", "+++\nx = 1\n+++\n")
    write_prompt(tmp_path / "config", "evil", "\x1b]0;title\x07 hello")
    done = run_command(tmp_path, "prompts", "list")
    assert "review  Review code · asks for language, focus" in done.stdout
    assert "\x1b" not in done.stdout
    assert "Not used: " in done.stderr
    assert "bad.md:2: x is not a setting" in done.stderr
    done = run_command(tmp_path, "prompts", "show", "review")
    assert done.stdout.startswith(f"review@{prompt_of(REVIEW).version[:8]}: Review code\n")
    assert "temperature: 0.2\n" in done.stdout
    assert "language: Python, Rust · default Python · the language of the code" in done.stdout
    assert done.stdout.endswith(REVIEW)
    done = run_command(tmp_path, "prompts", "show", "review", "--json")
    assert json.loads(done.stdout)["version"] == prompt_of(REVIEW).version
    done = run_command(tmp_path, "prompts", "show", "bad")
    assert done.returncode == 2
    assert "The prompt bad is not used: " in done.stderr


def test_a_prompt_is_written_from_piped_input_and_never_over_another(tmp_path: Path) -> None:
    done = run_command(tmp_path, "prompts", "new", "joke", stdin="Tell a joke.")
    assert (done.returncode, done.stderr) == (0, "")
    file = tmp_path / "config" / "prompts" / "joke.md"
    assert done.stdout == f"Saved {file}\n"
    assert file.read_text() == "Tell a joke.\n"
    done = run_command(tmp_path, "prompts", "new", "joke", stdin="Another.")
    assert done.returncode == 2
    assert "The prompt joke exists." in done.stderr
    assert file.read_text() == "Tell a joke.\n"
    done = run_command(tmp_path, "prompts", "new", "../joke", stdin="Another.")
    assert done.returncode == 2
    assert "'../joke' can't be the name of a prompt." in done.stderr


def edit(folder: Path, adds: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `prompts` with an editor that appends a text."""
    return run_command(folder, "prompts", *arguments, EDITOR=EDITOR, VISUAL="", NANO_ADDS=adds)


def test_a_prompt_is_edited_in_the_editor(tmp_path: Path) -> None:
    file = write_prompt(tmp_path / "config", "joke", "Tell a joke.")
    assert edit(tmp_path, " Now.", "edit", "joke").returncode == 0
    assert file.read_text() == "Tell a joke. Now.\n"
    done = edit(tmp_path, "", "edit", "joke")
    assert "Nothing was saved: the text is not changed." in done.stderr
    done = edit(tmp_path, "", "edit", "jok")
    assert "There is no prompt jok. Did you mean joke?" in done.stderr


def test_a_text_that_does_not_parse_is_saved_and_reported(tmp_path: Path) -> None:
    file = write_prompt(tmp_path / "config", "joke", "+++\n+++\nTell a joke.")
    file.write_text("+++\nx = ")
    done = edit(tmp_path, "1", "edit", "joke")
    assert done.returncode == 2
    assert "joke.md:1: the front matter has no end" in done.stderr
    assert file.read_text() == "+++\nx = 1\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system")
def test_a_pipe_in_the_library_stops_nothing(server: LoopbackServer, tmp_path: Path) -> None:
    write_prompt(tmp_path / "config", "joke", "Tell a joke.")
    os.mkfifo(tmp_path / "config" / "prompts" / "pipe.md")
    assert ask(tmp_path, server, "-t", "joke").returncode == 0
    done = ask(tmp_path, server, "-t", "pipe")
    assert "it is a pipe, not a file" in done.stderr
