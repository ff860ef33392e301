"""Prompts in the linear chat: numbered questions, values after the name, lists and saving."""

import sys
from pathlib import Path

import pytest

from tests.prompts.writing import REVIEW, prompt_of, write_prompt
from tests.support.server import LoopbackServer

if sys.platform == "win32":
    pytest.skip("needs a pty", allow_module_level=True)

from tests.stories.test_linear import start


def test_questions_ask_for_what_is_missing(server: LoopbackServer, tmp_path: Path) -> None:
    write_prompt(tmp_path / "config", "look", REVIEW)
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("/look\r")
        terminal.wait_for("1 of 3. language: Python, Rust")
        terminal.type("C\r")
        terminal.wait_for("language is 'C'; allowed: Python, Rust.")
        terminal.type("Rust\r")
        terminal.wait_for("2 of 3. focus: text · what to look at")
        terminal.type("\r")
        terminal.wait_for("focus needs a value.")
        terminal.type("names\r")
        terminal.wait_for("3 of 3. text:")
        terminal.type("x = 1\r")
        terminal.wait_for("Send it? yes / no:")
        terminal.type("yes\r")
        terminal.wait_for("tokens:")
        terminal.type("/inspect\r")
        terminal.wait_for(f"prompt: look@{prompt_of(REVIEW).version[:8]}")
        terminal.type("/look focus=types y = 2\r")
        terminal.wait_for("1 of 1. language: Python, Rust")
        terminal.wait_for("language, Enter for Rust:")
        terminal.type("\r")
        terminal.wait_until(lambda: terminal.screen.count("Send it?") == 2)
        terminal.type("no\r")
        terminal.type("/quit\r")
        assert terminal.wait_for_end() == 0
    (request,) = server.requests
    assert request["messages"][-1]["content"] == "Review this Rust code for names.\n\nx = 1"
    assert request["temperature"] == 0.2


def test_a_prompt_with_all_values_is_sent_at_once(server: LoopbackServer, tmp_path: Path) -> None:
    write_prompt(tmp_path / "config", "review", REVIEW)
    write_prompt(tmp_path / "config", "bad", "+++\nx = 1\n+++\n")
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("/prompts\r")
        terminal.wait_for("prompt: review, Review code, asks for language, focus")
        terminal.wait_for("bad.md:2: x is not a setting")
        terminal.type("/prompts review language=Rust focus='all names' x = 1\r")
        terminal.wait_for("tokens:")
        terminal.type("/prompts save mine\r")
        terminal.wait_for("prompt: mine was saved. /prompts mine uses it.")
        terminal.type("/mine\r")
        terminal.wait_until(lambda: terminal.screen.count("tokens:") == 2)
        terminal.type("/prompts save mine\r")
        terminal.type("/nothing\r")
        terminal.wait_for("There is no command /nothing.")
        terminal.type("/quit\r")
        assert terminal.wait_for_end() == 0
    first, second = (request["messages"][-1]["content"] for request in server.requests)
    assert first == second == "Review this Rust code for all names.\n\nx = 1"


def test_a_value_may_be_empty_if_its_default_is(server: LoopbackServer, tmp_path: Path) -> None:
    write_prompt(tmp_path / "config", "say", "+++\n[variables.more]\ndefault = ''\n+++\nHi{{more}}")
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("/say\r")
        terminal.wait_for("1 of 1. more: text · may be empty")
        terminal.type("\r")
        terminal.wait_for("Send it? yes / no:")
        terminal.type("yes\r")
        terminal.wait_for("tokens:")
        terminal.type("/quit\r")
        assert terminal.wait_for_end() == 0
    assert server.requests[0]["messages"][-1]["content"] == "Hi"


def test_a_prompt_that_is_not_sent_leaves_no_file_and_no_setting(
    server: LoopbackServer, tmp_path: Path
) -> None:
    variables = "".join(f"[variables.{name}]\ntype = 'file'\n" for name in ("a", "b"))
    front = f"+++\n[parameters]\ntemperature = 0.5\n{variables}+++\n"
    write_prompt(tmp_path / "config", "two", f"{front}{{{{a}}}} {{{{b}}}}")
    (tmp_path / "here.txt").write_text("the text of a file")
    (tmp_path / "key.txt").write_text("sk-proj-" + "aB3" * 16)
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type(f"/two a={tmp_path}/here.txt b={tmp_path}/absent.txt\r")
        terminal.wait_for("absent.txt")
        terminal.wait_until(lambda: terminal.screen.rstrip().endswith("you:"))
        terminal.type("first\r")
        terminal.wait_for("tokens:")
        terminal.type(f"/two a={tmp_path}/here.txt b={tmp_path}/key.txt\r")
        terminal.wait_for("Send it? yes / no:")
        terminal.type("no\r")
        terminal.wait_for("Nothing was sent.")
        terminal.type("second\r")
        terminal.wait_until(lambda: terminal.screen.count("tokens:") == 2)
        terminal.type("/quit\r")
        assert terminal.wait_for_end() == 0
    first, second = server.requests
    assert "temperature" not in first
    assert [one["messages"][-1]["content"] for one in (first, second)] == ["first", "second"]
