"""Nobody is connected to, and no program is started, but those that a command is about."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.cli.run import run_program
from tests.stories.terminal import ProcessTerminal
from tests.support.server import LoopbackServer
from tests.support.suite import Suite

HOOK = """
import json, os, sys

def _note(event, args):
    if event == "socket.connect":
        said = ["connect", str(args[1])]
    elif event == "socket.getaddrinfo":
        said = ["look up", str(args[0])]
    elif event in ("subprocess.Popen", "os.posix_spawn", "os.exec"):
        said = ["run", str(args[0])]
    else:
        return
    with open(os.environ["NOTES"], "a") as file:
        file.write(json.dumps(said) + "\\n")

sys.addaudithook(_note)
"""
OFFLINE = [
    ["--help"],
    ["sessions", "list"],
    ["sessions", "search", "hello"],
    ["sessions", "export", "--query", "hello", "--format", "html"],
    ["sessions", "tags"],
    ["stats"],
    ["local", "list"],
    ["responses", "list"],
    ["completion", "bash"],
]


@pytest.fixture(autouse=True)
def _watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection and program of what runs here is noted."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(HOOK)
    monkeypatch.setenv("PYTHONPATH", str(hooks))
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))


def noted(tmp_path: Path, what: str) -> set[str]:
    notes = tmp_path / "notes"
    lines: list[list[Any]] = []
    if notes.exists():
        lines = [json.loads(line) for line in notes.read_text().splitlines()]
    return {said for kind, said in lines if kind == what}


def address_of(server: LoopbackServer) -> str:
    parts = urlsplit(server.base_url)
    return str((parts.hostname, parts.port))


def test_asking_connects_to_the_server_alone_and_looking_back_to_nobody(
    server: LoopbackServer, tmp_path: Path, suite: Suite
) -> None:
    here = ["--base-url", server.base_url, "--model", "test-model"]
    assert run_program(tmp_path, "ask", "hello", *here).returncode == 0
    assert noted(tmp_path, "connect") == {address_of(server)}
    assert noted(tmp_path, "run") <= {"uname"}  # Python's own, for the SDK's headers
    (tmp_path / "notes").unlink()
    for command in OFFLINE:
        run_program(tmp_path, *command)
    assert not (tmp_path / "notes").exists(), (tmp_path / "notes").read_text()
    suite.say(f"{len(OFFLINE)} commands that look back connected to nobody and ran nothing.")


def test_the_chat_connects_when_something_is_sent_and_not_before(
    server: LoopbackServer, tmp_path: Path
) -> None:
    here = ["--base-url", server.base_url, "--model", "test-model"]
    with ProcessTerminal(tmp_path, *here) as terminal:
        terminal.wait_for("type a message")
        assert noted(tmp_path, "connect") == set()
        terminal.type("hello\r")
        terminal.wait_for("Hello world")
        assert noted(tmp_path, "connect") == {address_of(server)}


def test_reviewing_connects_to_nobody(server: LoopbackServer, tmp_path: Path) -> None:
    run_program(tmp_path, "ask", "zebrafinch", "--base-url", server.base_url, "--model", "m")
    (tmp_path / "notes").unlink()
    with ProcessTerminal(tmp_path, "review") as terminal:
        terminal.wait_for("zebrafinch")
        terminal.type("hello")
        terminal.wait_for("Hello world")
        assert noted(tmp_path, "connect") == set()
