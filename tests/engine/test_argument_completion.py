"""The completion of the arguments of commands, and of paths."""

import asyncio
import os
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.engine import path_completion
from replyscope.engine.argument_forms import Row, complete_argument
from replyscope.engine.argument_lists import LISTS, PATHS
from replyscope.engine.path_completion import PathCompletion
from replyscope.linear.command_table import COMMANDS as LINEAR
from replyscope.ui.chat.command_table import SLASH_COMMANDS

LISTED = {
    "PRESET": ("fast", "my slow one"),
    "MODEL": ("gpt-6", "openai/gpt-6-mini"),
    "TOOL": ("clock", "read_file"),
    "NAME=VALUE": ("seed=", "stop="),
}


def values(placeholder: str, _prefix: str) -> Iterable[Row]:
    return [(value, "") for value in LISTED.get(placeholder, ())]


@pytest.mark.parametrize(
    ("form", "typed", "found"),
    [
        ("PRESET|save PRESET|off", "", ["fast", "my slow one", "save ", "off"]),
        ("PRESET|save PRESET|off", "s", ["save "]),
        ("PRESET|save PRESET|off", "FA", ["fast"]),
        ("PRESET|save PRESET|off", "fast", []),
        ("PRESET|save PRESET|off", "my s", ["my slow one"]),
        ("[PRESET|save PRESET|off]", "save f", ["save fast"]),
        ("MODEL", "gpt-6", ["gpt-6", "openai/gpt-6-mini"]),
        ("MODEL", "mini", ["openai/gpt-6-mini"]),
        ("MODEL ...", "gpt-6 ", ["gpt-6 gpt-6", "gpt-6 openai/gpt-6-mini"]),
        ("[TOOL] [on|off]", "", ["clock ", "read_file ", "on", "off"]),
        ("[TOOL] [on|off]", "clock o", ["clock on", "clock off"]),
        ("[NAME=VALUE ...|WORD]", "seed=1 st", ["seed=1 stop="]),
        ("chat|responses", "r", ["responses"]),
        ("chat|responses", "responses", []),
        ("QUESTION", "what", []),
        ("", "what", []),
    ],
)
def test_the_form_of_an_argument_says_what_completes_it(
    form: str, typed: str, found: list[str]
) -> None:
    assert [value for value, _ in complete_argument(form, typed, values)] == found


FORMS = sorted({one.argument for one in SLASH_COMMANDS} | {one.argument for one in LINEAR})


@given(st.sampled_from(FORMS), st.text("ab /=|[]. ", max_size=12))
def test_a_completion_is_never_what_is_typed_alone(form: str, typed: str) -> None:
    found = [value for value, _ in complete_argument(form, typed, values)]
    assert found != [typed]
    assert len(found) == len(set(found))


def test_an_argument_that_names_one_of_a_list_has_its_placeholder() -> None:
    forms = " ".join(FORMS)
    assert all(name in forms for name in (*LISTS, *PATHS))
    # A name that is typed freely is never the only form of an argument.
    assert {"NAME", "[NAME]", "NAME|off"} & set(FORMS) == set()


async def test_paths_are_completed_and_a_folder_that_does_not_answer_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notes.txt").touch()
    paths = PathCompletion(lambda: tmp_path)
    assert await paths.complete("no") == [("notes.txt", False)]
    if sys.platform == "win32":
        return
    monkeypatch.setattr(path_completion, "LONGEST_S", 0.05)
    reads, writes = os.pipe()
    reading: list[str] = []
    has_read = threading.Event()

    class Slow(type(tmp_path)):  # type: ignore[misc] # a folder that answers when it is told to
        def iterdir(self) -> Iterable[Path]:
            reading.append("begun")
            os.read(reads, 1)
            has_read.set()
            return iter(())

        def __truediv__(self, _name: object) -> Path:
            return self

    slow = PathCompletion(lambda: Slow(tmp_path))
    assert await slow.complete("no") == []
    assert await slow.complete("not") == []
    assert reading == ["begun"]
    os.write(writes, b"x")
    await asyncio.to_thread(has_read.wait)
    os.close(reads)
    os.close(writes)
