"""SIGTERM, SIGHUP and a closed terminal, whatever goes on: saved, and gone in a moment."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from replyscope.domain.exchange import ExchangeState
from replyscope.domain.message import Role, ToolResultPart
from replyscope.domain.tool import ToolCallState
from tests.cli.run import PROGRAM, environment
from tests.engine.test_tools import asks, in_turn
from tests.faults.aftermath import look_after
from tests.faults.test_kill import TOOL
from tests.support.server import Answer, LoopbackServer, delta, sse
from tests.support.suite import Suite

if sys.platform == "win32":
    pytest.skip("Windows has no such signals", allow_module_level=True)

from tests.stories.terminal import ProcessTerminal, Terminal

_MOST_S = 5.0
"""Two seconds, on a machine that does nothing else."""
_HALF = sse(*(delta(f"word{number} ") for number in range(50)), done=False)
_ALL = [f"word{number}" for number in range(50)]


@contextmanager
def half_a_reply() -> Iterator[LoopbackServer]:
    """A server that says fifty words and then nothing."""
    gate = threading.Event()
    with LoopbackServer() as server:
        server.answer = lambda _request: Answer(chunks=[*_HALF, gate])
        yield server
        gate.set()


@contextmanager
def heard(number: signal.Signals) -> Iterator[None]:
    """What starts here hears the signal, also where whoever runs the tests ignores it."""
    before = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def ask_and_signal(folder: Path, number: signal.Signals) -> float:
    """Signal `ask` in mid-reply; the seconds it took to end."""
    with half_a_reply() as server, heard(number):
        process = subprocess.Popen(
            [*PROGRAM, "ask", "go", "--base-url", server.base_url, "--model", "test-model"],
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        came = b""
        while b"word49" not in came:
            came += os.read(process.stdout.fileno(), 65_536)
        began = time.monotonic()
        process.send_signal(number)
        assert process.wait(30) == 130
        process.stdout.close()
        took_s = time.monotonic() - began
    check_reply(folder)
    return took_s


def chat_and(folder: Path, leave: Callable[[Terminal], object]) -> float:
    """Leave the chat in mid-reply; the seconds it took to end."""
    with (
        half_a_reply() as server,
        ProcessTerminal(folder, "--base-url", server.base_url) as terminal,
    ):
        terminal.wait_for("type a message", "test-model")
        terminal.type("go\r")
        terminal.wait_for("word49")
        began = time.monotonic()
        leave(terminal)
        took_s = time.monotonic() - began
    check_reply(folder)
    return took_s


def signalled(number: signal.Signals) -> Callable[[Terminal], object]:
    def leave(terminal: Terminal) -> object:
        terminal.send_signal(number)
        return terminal.wait_for_end()

    return leave


def check_reply(folder: Path) -> None:
    (exchange,) = look_after(folder).exchanges
    assert exchange.state is ExchangeState.CANCELLED
    assert exchange.choice(0).text.split() == _ALL


def tool_and_signal(folder: Path, number: signal.Signals) -> float:
    """Signal `ask` while a tool runs; the seconds it took to end."""
    (folder / "mine.py").write_text(TOOL)
    log = folder / "log"
    with LoopbackServer() as server:
        in_turn(server, asks(("slow", json.dumps({"log": str(log)}))))
        url = ("--base-url", server.base_url, "--model", "test-model", "--api", "chat")
        tools = ("--tools", "tools:mine.py", "--tools-file", str(folder / "mine.py"), "--yes")
        process = subprocess.Popen(
            [*PROGRAM, "ask", "go", *url, *tools],
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        pause = threading.Event()
        while not log.exists():
            assert process.poll() is None
            pause.wait(0.01)
        began = time.monotonic()
        process.send_signal(number)
        process.wait(30)
        took_s = time.monotonic() - began
    (session,) = look_after(folder).sessions
    (told,) = (message for message in session.messages if message.role is Role.TOOL)
    (part,) = told.parts
    assert isinstance(part, ToolResultPart)
    assert part.state is ToolCallState.INTERRUPTED
    return took_s


CASES: dict[str, Callable[[Path], float]] = {
    "SIGTERM to the chat": lambda folder: chat_and(folder, signalled(signal.SIGTERM)),
    "SIGHUP to the chat": lambda folder: chat_and(folder, signalled(signal.SIGHUP)),
    "the terminal of the chat closed": lambda folder: chat_and(folder, Terminal.hang_up),
    "SIGTERM to an ask": lambda folder: ask_and_signal(folder, signal.SIGTERM),
    "SIGHUP to an ask": lambda folder: ask_and_signal(folder, signal.SIGHUP),
    "SIGINT to an ask": lambda folder: ask_and_signal(folder, signal.SIGINT),
    "SIGTERM while a tool runs": lambda folder: tool_and_signal(folder, signal.SIGTERM),
    "SIGHUP while a tool runs": lambda folder: tool_and_signal(folder, signal.SIGHUP),
}


def test_leaving_in_mid_reply_saves_all_that_came(suite: Suite, tmp_path: Path) -> None:
    chosen = suite.dice("signals").sample(list(CASES), suite.count(len(CASES), least=2))
    worst_s = 0.0
    for number, name in enumerate(chosen):
        folder = tmp_path / str(number)
        folder.mkdir()
        took_s = CASES[name](folder)
        assert took_s < _MOST_S, f"{name}: {took_s:.1f} s"
        worst_s = max(worst_s, took_s)
    suite.say(
        f"{', '.join(chosen)}: each saved all that had come and was gone after {worst_s:.1f} s "
        "at most"
    )
