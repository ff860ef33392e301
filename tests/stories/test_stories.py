"""Whole stories in a real terminal, driven by keys, with a server on loopback."""

import json
import sys
import threading
from pathlib import Path

import pytest

from tests.engine.test_tools import asks, in_turn
from tests.support.server import Answer, LoopbackServer, delta, reply, sse

if sys.platform == "win32":
    pytest.skip("needs a pty", allow_module_level=True)

from tests.stories.terminal import ProcessTerminal, Terminal


def start(folder: Path, server: LoopbackServer, *more: str) -> Terminal:
    return ProcessTerminal(folder, "--base-url", server.base_url, *more)


def test_chat_quit_come_back(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply("# Greetings\n\n", "Nice to *meet* you.")
    with start(tmp_path, server) as terminal:
        terminal.wait_for("type a message", "test-model")
        terminal.type("hello there\r")
        terminal.wait_for("Greetings", "Nice to meet you.", "● stop", "reported by the server")
        terminal.type("\x11")
        assert terminal.wait_for_end() == 0
    with start(tmp_path, server, "--continue") as terminal:
        terminal.wait_for("hello there", "Nice to meet you.", "● stop")
        terminal.type("and again\r")
        terminal.wait_until(lambda: len(server.requests) == 2)
        terminal.type("\x11")
        assert terminal.wait_for_end() == 0


def test_killed_in_mid_reply_it_is_all_there_and_can_be_continued(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    half = sse(*(delta(f"word{n} ") for n in range(20)), done=False)
    server.answer = lambda _request: Answer(chunks=[*half, gate])
    with start(tmp_path, server) as terminal:
        terminal.wait_for("type a message", "test-model")
        terminal.type("tell me\r")
        terminal.wait_for("word19")
        # Longer than the journal's interval, so that everything shown is on disk.
        with pytest.raises(AssertionError):
            terminal.wait_for("never", timeout_s=0.6)
        terminal.kill()
    gate.set()
    server.answer = lambda _request: reply("the rest")
    with start(tmp_path, server, "--continue") as terminal:
        terminal.wait_for("1 interrupted reply was recovered")
        terminal.wait_for("word0 word1", "word19", "truncated", "/continue")
        terminal.type("\x1b")
        terminal.wait_for("▌ test-model")
        terminal.type("cc")
        terminal.wait_for("word19 the rest", "● stop")


def test_what_was_not_sent_yet_is_still_there_after_quitting(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    server.answer = lambda _request: Answer(chunks=[*sse(delta("begun "), done=False), gate])
    with start(tmp_path, server) as terminal:
        terminal.wait_for("type a message", "test-model")
        terminal.type("first\r")
        terminal.wait_for("begun")
        terminal.type("second\r")
        terminal.wait_for("1 queued")
        terminal.type("third\x11")
        assert terminal.wait_for_end() == 0
    gate.set()
    assert len(server.requests) == 1
    with start(tmp_path, server, "--continue") as terminal:
        terminal.wait_for("first", "begun", "cancelled", "second", "third")
        server.answer = lambda _request: reply("both came")
        terminal.type("\r")
        terminal.wait_for("both came", "● stop")
    assert server.requests[-1]["messages"][-1]["content"] == "second\n\nthird"


def test_quitting_right_after_sending_loses_nothing(server: LoopbackServer, tmp_path: Path) -> None:
    with start(tmp_path, server) as terminal:
        terminal.wait_for("type a message", "test-model")
        terminal.type("quick as a flash\r\x11")
        assert terminal.wait_for_end() == 0
    with start(tmp_path, server, "--continue") as terminal:
        terminal.wait_for("quick as a flash")


def test_two_windows_see_each_other(server: LoopbackServer, tmp_path: Path) -> None:
    with start(tmp_path, server) as one, start(tmp_path, server) as two:
        one.wait_for("type a message", "test-model")
        two.wait_for("type a message", "test-model")
        one.type("from window one\r")
        one.wait_for("Hello world", "● stop")
        two.wait_for("from window one")
        two.type("from window two\r")
        two.wait_for("Hello world", "● stop")
        one.wait_for("from window two")


def test_hostile_output_never_reaches_the_terminal(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply("a\x1b]0;owned\x07b \x9b2J \x1b]52;c;aGk=\x07 done")
    with start(tmp_path, server) as terminal:
        terminal.wait_for("type a message", "test-model")
        terminal.type("hi\r")
        terminal.wait_for("owned", "● stop")
        assert b"\x1b]0;owned" not in terminal.received
        assert b"\x1b]52" not in terminal.received


def test_a_terminal_of_twenty_by_five_works(server: LoopbackServer, tmp_path: Path) -> None:
    with ProcessTerminal(tmp_path, "--base-url", server.base_url, size=(20, 5)) as terminal:
        terminal.wait_for("type a")
        terminal.type("hi\r")
        terminal.wait_for("Hello world", timeout_s=15)
        terminal.type("\x11")
        assert terminal.wait_for_end() == 0


TOOL = '''
import os, time
from pathlib import Path

def slow(log: str) -> str:
    """Take long."""
    with open(log, "a") as file:
        file.write(f"{os.getpid()}\\n")
    while not Path(log + ".end").exists():
        time.sleep(0.1)
    return "done"
'''


def test_killed_while_a_tool_runs_it_is_not_run_again_unasked(
    server: LoopbackServer, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    tools = tmp_path / "config" / "tools"
    tools.mkdir(parents=True)
    (tools / "mine.py").write_text(TOOL)
    (tmp_path / "config" / "settings.toml").write_text(
        '[tools]\nenabled = ["tools:mine.py"]\n'
        '[[tools.allow]]\ntool = "tools:mine.py/slow"\narguments = { log = "**" }\n'
    )
    in_turn(server, asks(("slow", json.dumps({"log": str(log)}))), reply("So it may have run."))
    with start(tmp_path, server) as terminal:
        terminal.wait_for("type a message", "test-model")
        terminal.type("go\r")
        terminal.wait_until(log.exists)
        terminal.kill()
    with start(tmp_path, server, "--continue") as terminal:
        terminal.wait_for("slow", "1 interrupted", "[t] send them")
        assert log.read_text().count("\n") == 1
        terminal.type("\x1b")
        terminal.wait_for("▌ test-model")
        terminal.type("tt")
        terminal.wait_for("So it may have run.", "1 tool call interrupted")
    (log.parent / "log.end").touch()
    assert log.read_text().count("\n") == 1
    assert "may have had effects" in server.requests[1]["messages"][-1]["content"]
