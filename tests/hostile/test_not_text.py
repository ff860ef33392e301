"""Text that is not text: halves of surrogate pairs, NUL and bytes that are no UTF-8.

Wherever a text leaves the program it arrives, and no way out ends in a traceback.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from replyscope.config.settings import change_settings, read_settings
from replyscope.domain.readings import normal_arguments
from replyscope.domain.unicode_text import sound_values
from replyscope.engine.consent import folder_at
from tests.cli.run import PROGRAM, environment
from tests.hostile.test_rows import archive, other_reply, sound_reply
from tests.support.server import LoopbackServer, reply
from tests.support.suite import sample
from tests.ui.app import chat_of, frame, make_app, open_chat, until

HALF = "a\ud800b\udfff"
COMMANDS = (
    ("sessions", "list"),
    ("sessions", "search", ""),
    ("sessions", "show", "session0"),
    ("sessions", "export", "--query", ""),
    ("stats",),
)


def run_bytes(folder: Path, *arguments: bytes | str, **more: str) -> tuple[int, bytes]:
    """Exit status and stderr of a command whose arguments may be any bytes."""
    command = [os.fsencode(word) for word in (*PROGRAM, *arguments)]
    given = environment(folder, **more)
    done = subprocess.run(command, env=given, capture_output=True, check=False, timeout=60)
    assert b"Traceback" not in done.stderr
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("sessions", "search", b"\xff"),
        ("sessions", "search", "fine", b"\xed\xa0\x80"),
        ("stats", b"tool:\xff"),
        ("sessions", "delete", b"\xc3"),
        ("sessions", "tag", "x", "--add", b"\xff"),
        ("ask", b"\xff"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no such argument can be given")
def test_arguments_that_are_no_text_are_refused(
    tmp_path: Path, words: tuple[bytes | str, ...]
) -> None:
    status, said = run_bytes(tmp_path, *words)
    assert status == 2
    assert b"not text" in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
@pytest.mark.parametrize("command", COMMANDS)
def test_output_that_finds_no_room_says_so(command: tuple[str, ...]) -> None:
    with (
        archive([sound_reply(), other_reply()] * 100) as folder,
        Path("/dev/full").open("w") as full,
    ):
        done = subprocess.run(
            [*PROGRAM, *command], env=environment(folder), stdout=full, stderr=subprocess.PIPE,
            check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert b"Standard output can't be written" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are text")
def test_folders_whose_names_are_no_text_work(tmp_path: Path) -> None:
    data = os.fsdecode(os.fsencode(tmp_path) + b"/d\xff\x01")
    for command in (("sessions", "list"), ("doctor",), ("doctor", "--repair")):
        status, _ = run_bytes(tmp_path, *command, REPLYSCOPE_DATA_DIR=data)
        assert status == 0


@pytest.mark.parametrize("encoding", sample(["ascii", "latin-1", "utf-8:strict", "utf-16"], 2))
def test_output_of_any_encoding_takes_any_text(encoding: str) -> None:
    with archive([sound_reply(), other_reply()]) as folder:
        for command in COMMANDS:
            status, said = run_bytes(folder, *command, PYTHONIOENCODING=encoding)
            assert status == 0, said


def test_tools_and_rules_get_the_same_sound_arguments(tmp_path: Path) -> None:
    given = {"text": HALF, HALF: [HALF, {"in": "\ud83d\ude00\0"}], "number": 1}
    normal = normal_arguments("mcp:x/y", given, folder_at(tmp_path))
    assert normal == sound_values(given)
    json.dumps(normal, ensure_ascii=False).encode("utf-8")
    assert normal["a\ufffdb\ufffd"][1] == {"in": "\U0001f600\0"}


def test_settings_take_a_name_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    change_settings(path, {("local_model",): HALF})
    assert read_settings(path).local_model == "a\ufffdb\ufffd"


async def test_what_no_terminal_takes_is_copied_all_the_same(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply(HALF)
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        chat_of(pilot).panes.composer.insert("go")
        await pilot.press("enter")
        await until(pilot, lambda: "● stop" in frame(pilot), "the reply")
        await until(pilot, lambda: not chat_of(pilot).desk.turns.any_running)
        await pilot.press("escape", "y")
        await until(pilot, lambda: pilot.app.clipboard == "a\ufffdb\ufffd", "the copy")
