"""Nothing that a model, a tool, a server, a file or an import says is obeyed by a terminal."""

import json
import re
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from replyscope.cli.parser import EXIT_FAULT
from tests.cli.run import run_program
from tests.engine.test_tools import asks, in_turn
from tests.hostile.here import run_here
from tests.hostile.payload import escaped, parsed_as_markup
from tests.hostile.place import (
    ALL,
    FOR_ARGUMENTS,
    MARK,
    hostile_export,
    hostile_reply,
    toml_text,
    write_place,
)
from tests.support.server import LoopbackServer, error, reply
from tests.support.suite import Suite

if sys.platform == "win32":
    pytest.skip("needs a pty", allow_module_level=True)

from replyscope.ui.chat.command_table import SLASH_COMMANDS
from tests.hostile.tty import run_on_tty
from tests.stories.terminal import ProcessTerminal, Terminal

_LEAVING = ("quit",)
_KEYS = {
    "the wire": ("\x1b[18~", "j", "\r", "\x1b[C", "\x1b"),
    "the tabs": ("\x1b", "\x1bOR", "\x1bOR"),
    "the review": ("\x1bOR", "Zq", "\r", "j", " ", "t", "\x1b", "R", "\x1b", "v", "e", "\x1b"),
    "the folders": ("\x1b[15~", "\x1b[17~", "j", "j", "\r"),
    "messages": ("\x1b", "k", " ", "g", "P", ".", ".", "0", "\x1b"),
    "files": ("@", "b", "\x7f", "\x7f"),
    "the palette": ("\x10", "the", "\x1b"),
    "numbers": ("\x1b[20~", "\x1b[B", "\x1b"),
    "tools": ("\x1b[21~", "\x1b[B", "\x1b[B", "l", "\x1b", "\x1b"),
    "themes": ("\x14", "\x1b[B", "\x1b"),
}
"""Ways through screens that no command leads to, key by key."""

_CRASH = rb"1049l(?:(?!1049h).)*(Traceback|replyscope itself failed)"
"""An error on the screen of the shell. Our own screen may show that of a tool."""


def look(terminal: Terminal, where: str) -> int:
    """What was written since the last look, and what stands there, has to be harmless."""
    terminal.settle()
    written = bytes(terminal.received)
    crash = re.search(_CRASH, written, re.DOTALL)
    assert crash is None, f"{where}\n{terminal.screen}"
    assert escaped(written) == [], where
    assert parsed_as_markup(terminal.screen, MARK) == [], where
    done = max(0, written.rfind(b"\x1b"))
    del terminal.received[:done]
    return done


def press(terminal: Terminal, where: str, *keys: str) -> int:
    """Press keys and look after each; how many bytes were looked at."""
    looked = 0
    for key in keys:
        terminal.type(key)
        looked += look(terminal, f"{where}: {key!r}")
    return looked


@pytest.mark.timeout(600)
def test_no_screen_of_the_app_lets_a_terminal_obey(
    suite: Suite, server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write_place(tmp_path))
    imported = hostile_export(tmp_path, server)
    assert "1 session " in run_here(tmp_path, "sessions", "import", str(imported)).stdout
    server.models = [ALL, "test-model"]
    server.answer = hostile_reply
    chance = suite.dice("screens")
    names = [c.name for c in SLASH_COMMANDS if c.name not in _LEAVING]
    names = chance.sample(names, suite.count(len(names), least=3))
    ways = chance.sample(sorted(_KEYS), suite.count(len(_KEYS)))
    url = ("--base-url", server.base_url, "--model", "test-model")
    # What an editor writes is its own.
    with Terminal(tmp_path, *url, EDITOR="true") as terminal:
        terminal.wait_for("type a message")
        terminal.type("hi\r")
        terminal.wait_for("it is over")
        sent = look(terminal, "the reply")
        calls = (("fine", json.dumps({"text": ALL})), (ALL, ALL), ("current_time", ALL))
        in_turn(server, asks(*calls), hostile_reply())
        sent += press(terminal, "tools", "tools\r", "y")
        server.answer = lambda _request: error(400, ALL, code=ALL, type=ALL)
        sent += press(terminal, "an error", "wrong\r")
        server.answer = hostile_reply
        for name in names:
            sent += press(terminal, name, f"/{name}\r", "\x1b[B", "\x1b", "\x1b")
        for name in ways:
            sent += press(terminal, name, *_KEYS[name], "\x1b", "\x1b")
        sent += press(terminal, "the imported session", "\x0f", "j", "\r")
    suite.say(
        f"{len(names)} commands, {len(ways)} walks by keys and {sent:,} bytes at a terminal: "
        "nothing planted was obeyed"
    )


def test_what_is_wrong_with_files_is_told_without_obeying_it(
    server: LoopbackServer, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    (config / "themes").mkdir(parents=True)
    (config / "themes" / "b\x1b]0;Zq\x07.toml").write_text(f"x = {toml_text(ALL)}")
    (config / "mcp.json").write_text(json.dumps({"mcpServers": {ALL: {"command": "x"}}}))
    (config / "settings.toml").write_text(f"theme = {toml_text('none' + ALL)}")
    with Terminal(tmp_path, "--base-url", server.base_url, size=(140, 60)) as terminal:
        terminal.wait_for("type a message", "There is no theme none")
        look(terminal, "the toasts")
    (config / "settings.toml").write_text(f"{toml_text(ALL)} = 1")
    with Terminal(tmp_path, "--base-url", server.base_url) as terminal:
        terminal.wait_for("type a message", "settings.toml: ")
        look(terminal, "the toasts")
        terminal.type("/messages\r")
        terminal.wait_for("is not a setting")
        look(terminal, "the messages")


def _commands(folder: Path, server: LoopbackServer) -> list[tuple[str, ...]]:
    url = ("--base-url", server.base_url)
    listed = json.loads(run_here(folder, "sessions", "list", "--json").stdout)
    session = next(one["id"] for one in listed if one["id"] != "imported")
    whole = run_here(folder, "sessions", "show", session, "--json").stdout
    exchange = json.loads(whole)["exchanges"][0]["id"]
    bad = folder / "c\x1b]0;Zq\x07.json"
    bad.write_text(json.dumps({"format": "replyscope/1", "sessions": [{"title": ALL}]}))
    damaged = folder / "d\x1b]0;Zq\x07.json"
    damaged.write_text('{"\x1b]0;7777\x07')
    arguments = FOR_ARGUMENTS
    return [
        ("sessions", "list", f"--{arguments}"),
        ("sessions", "list"),
        *(("sessions", "export", session, "--format", f) for f in ("md", "jsonl", "html", "json")),
        *(("sessions", "export", exchange, "--format", f) for f in ("curl", "python", "sse")),
        ("ask", arguments, *url),
        ("ask", "--n", "2", "hi", *url),
        ("ask", "x", "--api", arguments),
        ("ask", "x", "--n", arguments),
        ("ask", "x", "--provider", arguments),
        ("ask", "x", "--base-url", arguments),
        ("ask", "x", "--model", arguments, *url),
        ("doctor", *url),
        ("sessions", "show", "imported"),
        ("sessions", "show", arguments),
        ("sessions", "search", MARK),
        ("sessions", "search", f"finish:{arguments}"),
        ("sessions", "tags"),
        ("sessions", "rename", "imported", arguments),
        ("sessions", "import", str(bad)),
        ("sessions", "import", str(damaged)),
        ("sessions", "import", f"/none/{arguments}"),
        ("sessions", "export", session, "-o", f"/none/{arguments}"),
        ("stats",),
        ("responses", "list"),
        ("mock", arguments),
        ("local", "remove", arguments),
        (arguments,),
    ]


@pytest.fixture
def saved(server: LoopbackServer, tmp_path: Path) -> Callable[[], list[tuple[str, ...]]]:
    """A folder with hostile sessions; the commands to try on it."""
    server.answer = hostile_reply
    server.models = [ALL]
    path = hostile_export(tmp_path, server)
    run_here(tmp_path, "sessions", "import", str(path))
    return lambda: _commands(tmp_path, server)


@pytest.mark.timeout(300)
def test_no_command_lets_a_terminal_obey(
    suite: Suite, saved: Callable[[], list[tuple[str, ...]]], tmp_path: Path
) -> None:
    commands = saved()
    chance = suite.dice("commands")
    tried = [*commands[:3], *chance.sample(commands[3:], suite.count(len(commands) - 3, least=4))]
    for command in tried:
        written = run_on_tty(tmp_path, *command)
        assert written, command
        assert escaped(written) == [], command
        assert b"Traceback" not in written, written.decode()
    suite.say(f"{len(tried)} command lines on a terminal: nothing planted was obeyed")


def test_a_request_to_the_mock_is_told_without_obeying_it(
    server: LoopbackServer, tmp_path: Path
) -> None:
    run_here(tmp_path, "ask", "hi", "--base-url", server.base_url)
    listed = json.loads(run_here(tmp_path, "sessions", "list", "--json").stdout)
    with Terminal(tmp_path, "mock", listed[0]["id"]) as terminal:
        terminal.wait_for("serves 1 exchange")
        port = int(terminal.screen.split("127.0.0.1:")[1].split("/")[0])
        _send_raw(port, b"GET /v1/\x1b]0;Zq\x07\x9b7007m HTTP/1.1\r\nhost: x\r\n\r\n")
        terminal.wait_for("invalid HTTP request")
        assert escaped(bytes(terminal.received)) == []


def _send_raw(port: int, request: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request)
        connection.recv(100)


def test_a_pipe_gets_the_answer_as_it_came(server: LoopbackServer, tmp_path: Path) -> None:
    said = "a\x1b]0;t\x07\u202eb\x9bc"
    server.answer = lambda _request: reply(said)
    done = run_program(tmp_path, "ask", "hi", "--base-url", server.base_url)
    assert done.stdout == f"{said}\n"


_CRASHING = """
import sys
from replyscope.cli.main import main
from replyscope.ui.dialogs import help

class Bad(help.HelpScreen):
    def on_mount(self):
        key = "sk-planted-in-a-local"
        raise RuntimeError("\\x1b]0;7777\\x07" + key[:0])

help.HelpScreen = Bad
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.breaks
def test_a_crash_report_has_no_keys_and_obeys_nothing(
    server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "crash.py").write_text(_CRASHING)
    program = (sys.executable, str(tmp_path / "crash.py"))
    monkeypatch.setattr(ProcessTerminal, "program", program)
    with ProcessTerminal(tmp_path, "--base-url", server.base_url) as terminal:
        terminal.wait_for("type a message", "test-model")
        terminal.type("\x1bOP")
        assert terminal.wait_for_end() == EXIT_FAULT
        terminal.settle()
        assert b"RuntimeError" in terminal.received
        assert b"sk-planted" not in terminal.received
        assert escaped(bytes(terminal.received)) == []
