"""What terminals differ in: colours, characters, keys, pastes, the outside editor, signals."""

import json
import re
import signal
import sqlite3
import sys
import threading
from pathlib import Path

import pytest

from tests.support.server import Answer, LoopbackServer, delta, reply, sse

if sys.platform == "win32":
    pytest.skip("needs a pty", allow_module_level=True)

from tests.cli.run import run_program
from tests.stories.terminal import Terminal


def start(folder: Path, server: LoopbackServer, **environment: str) -> Terminal:
    return Terminal(folder, "--base-url", server.base_url, size=(120, 40), **environment)


def test_no_color_and_ascii_only(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply("# Head\n\n- item\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "settings.toml").write_text("ascii_only = true\n")
    with start(tmp_path, server, NO_COLOR="1") as terminal:
        terminal.wait_for("type a message", "test-model")
        terminal.type("hi\r")
        screen = terminal.wait_for("Head", "item", "* stop")
        assert screen.isascii(), [c for c in screen if not c.isascii()]
        used = {int(n) for n in re.findall(rb"[34]8;5;(\d+)[;m]", terminal.received)}
        greys = {0, 7, 8, 15, 16, 59, 102, 145, 188, 231, *range(232, 256)}
        assert used <= greys


@pytest.mark.parametrize(("variables", "asks"), [({}, True), ({"STY": "1.pts-0"}, False)])
def test_gnu_screen_is_not_asked_for_the_mouse_because_it_would_hold_esc_back(
    server: LoopbackServer, tmp_path: Path, variables: dict[str, str], asks: bool
) -> None:
    with start(tmp_path, server, **variables) as terminal:
        terminal.wait_for("type a message", "test-model")
        assert (b"\x1b[?1000h" in terminal.received) is asks


def test_a_new_line_by_ctrl_j_and_by_shift_enter(server: LoopbackServer, tmp_path: Path) -> None:
    with start(tmp_path, server) as terminal:
        terminal.wait_for("type a message", "test-model")
        terminal.type("one\ntwo\x1b[13;2uthree")
        terminal.wait_for("│ one", "│ two", "│ three")
        terminal.type("\r")
        terminal.wait_for("Hello world")
    assert server.requests[0]["messages"][0]["content"] == "one\ntwo\nthree"


def test_a_paste_of_a_megabyte_folds_into_an_attachment(
    server: LoopbackServer, tmp_path: Path
) -> None:
    line = "all work and no play makes a dull boy\n"
    text = line * (1_000_000 // len(line))
    with start(tmp_path, server) as terminal:
        terminal.wait_for("type a message", "test-model")
        terminal.paste(text)
        terminal.wait_for("pasted-1.txt 1.0 MB")
        terminal.type("what is this?\r")
        terminal.wait_for("Hello world")
    assert text in server.requests[0]["messages"][0]["content"][0]["text"]


def test_a_paste_of_coloured_output_is_one_paste(server: LoopbackServer, tmp_path: Path) -> None:
    with start(tmp_path, server) as terminal:
        terminal.wait_for("type a message", "test-model")
        terminal.paste("aa \x1b[31mred\x1b[0m\rrm -rf\rlast")
        terminal.wait_for("aa ␛[31mred␛[0m", "rm -rf", "last")
        assert server.requests == []
        terminal.type("\r")
        terminal.wait_for("Hello world")
    (request,) = server.requests
    assert request["messages"][0]["content"].split("\n")[1:] == ["rm -rf", "last"]


def test_a_byte_that_is_no_text_ends_nothing(server: LoopbackServer, tmp_path: Path) -> None:
    with start(tmp_path, server) as terminal:
        terminal.wait_for("type a message", "test-model")
        terminal.type_bytes(b"caf\xe9 \xff")
        terminal.type("and on")
        terminal.wait_for("and on")


def test_a_closed_terminal_saves_what_came_and_ends(server: LoopbackServer, tmp_path: Path) -> None:
    hold = threading.Event()
    server.answer = lambda _request: Answer(chunks=[*sse(delta("half a reply"), done=False), hold])
    with start(tmp_path, server) as terminal:
        terminal.wait_for("type a message", "test-model")
        terminal.type("hi\r")
        terminal.wait_for("half a reply")
        terminal.hang_up()
    hold.set()
    listed = run_program(tmp_path, "sessions", "list", "--json")
    (session,) = json.loads(listed.stdout)
    assert session["state"] == "cancelled"


def test_a_message_is_written_in_the_outside_editor(server: LoopbackServer, tmp_path: Path) -> None:
    editor = tmp_path / "editor.sh"
    editor.write_text('#!/bin/sh\nprintf " and more" >> "$1"\n')
    editor.chmod(0o755)
    with start(tmp_path, server, EDITOR=str(editor)) as terminal:
        terminal.wait_for("type a message", "test-model")
        terminal.type("some\x07")
        terminal.wait_for("some and more")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_mid_reply_saves_and_ends(
    server: LoopbackServer, tmp_path: Path, number: signal.Signals
) -> None:
    gate = threading.Event()
    server.answer = lambda _request: Answer(chunks=[*sse(delta("so far"), done=False), gate])
    with start(tmp_path, server) as terminal:
        terminal.wait_for("type a message", "test-model")
        terminal.type("go\r")
        terminal.wait_for("so far")
        terminal.send_signal(number)
        terminal.wait_for_end(timeout_s=2.0)
    gate.set()
    connection = sqlite3.connect(tmp_path / "data" / "sessions.db")
    assert connection.execute("SELECT state, writer FROM exchange").fetchall() == [
        ("cancelled", None)
    ]
    connection.close()


@pytest.mark.parametrize("cells", [1, 2, None])
@pytest.mark.parametrize("is_late", [False, True])
def test_emoji_have_the_width_that_the_terminal_reports(
    server: LoopbackServer, tmp_path: Path, cells: int | None, is_late: bool
) -> None:
    server.answer = lambda _request: reply(
        "| state | what |\n|---|---|\n", "| ⚠️ | care |\n| ok | ok |\n"
    )

    def answer() -> None:
        if cells is not None:
            terminal.type(f"\x1b[2;{cells + 1}R")

    with start(tmp_path, server) as terminal:
        terminal.wait_until(lambda: b"\x1b[6n" in terminal.received)
        if not is_late:
            answer()
        terminal.wait_for("type a message", "test-model")
        terminal.type("hi\r")
        terminal.wait_for("care", "stop")
        if is_late:
            mark = len(terminal.received)
            answer()
            if cells == 1:
                terminal.wait_until(lambda: "⚠ ".encode() in terminal.received[mark:])
        screen = terminal.settle()
        assert "type a message" in screen  # nothing was typed into the composer
        warned = next(line for line in screen.split("\n") if "care" in line)
        fine = next(line for line in screen.split("\n") if "│ ok" in line)
        # pyte draws one cell. The columns are straight even when the program does not know it.
        second = fine.index("ok", fine.index("ok") + 1)
        assert warned.index("care") == second
