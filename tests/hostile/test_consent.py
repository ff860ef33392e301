"""Cards come while a person types, at the speed of a person and of a machine: nothing runs."""

import json
import random
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.test_tools import asks
from tests.support.server import Answer, LoopbackServer, delta, sse
from tests.support.suite import Suite

if sys.platform == "win32":
    pytest.skip("needs a pty", allow_module_level=True)

from tests.stories.terminal import Terminal

_HUMAN_S, _MACHINE_S, _HELD_S = 0.13, 0.002, 0.033
_LOOK_S = 0.7
_CALLS = 6
_TEXTS = (
    "just wait",
    "yes yes yes",
    "say no, always",
    "easy does it",
    "abysses",
    "yyyyyyyyyyyyyyyy",
)
_TOOL = '''
from pathlib import Path

def leave_mark(number: int) -> str:
    """Leave a mark."""
    with Path({log!r}).open("a") as file:
        file.write("x")
    return "done"
'''
_SETTINGS = '[tools]\nenabled = ["tools:mark.py"]\n'


def start(folder: Path, server: LoopbackServer) -> Terminal:
    """The chat, offering a tool that leaves a mark in the folder's log each time it runs."""
    tools = folder / "config" / "tools"
    tools.mkdir(parents=True)
    (folder / "config" / "settings.toml").write_text(_SETTINGS)
    (tools / "mark.py").write_text(_TOOL.format(log=str(folder / "log")))
    return Terminal(folder, "--base-url", server.base_url, "--model", "test-model", "--api", "chat")


def marks(folder: Path) -> int:
    """How often the tool has run."""
    log = folder / "log"
    return len(log.read_text()) if log.exists() else 0


def after_gate(gate: threading.Event) -> Answer:
    """A reply that asks for many calls, once the gate is open."""
    calls = asks(*[("leave_mark", json.dumps({"number": n})) for n in range(_CALLS)])
    return Answer(chunks=[gate, *calls.chunks])


def flood(over: threading.Event) -> Iterator[bytes | threading.Event]:
    """One line of 20 MB as fast as it is read; it ends when all is over."""
    piece = sse(delta("words and " * 6_400), done=False)[0]
    for _ in range(320):
        if over.is_set():
            return
        yield piece
    yield over


def press(terminal: Terminal, key: str, pause_s: float) -> None:
    """Press a key, and read what comes until the next."""
    terminal.type(key)
    until = time.monotonic() + pause_s
    terminal.wait_until(lambda: time.monotonic() >= until)


def type_while_cards_come(folder: Path, dice: random.Random, text: str, pause_s: float) -> None:
    """Type a text; the cards come at a moment that the dice say."""
    gate = threading.Event()
    with LoopbackServer() as server:
        server.answer = lambda _request: after_gate(gate)
        with start(folder, server) as terminal:
            terminal.wait_for("type a message", "test-model")
            terminal.type("begin\r")
            terminal.wait_until(lambda: bool(server.requests))
            opens = dice.randrange(-1, len(text))
            if opens < 0:
                gate.set()
            for number, key in enumerate(text):
                if number == opens:
                    gate.set()
                press(terminal, key, pause_s)
            terminal.wait_for("1 of 6", text, "[y]yes")
    assert marks(folder) == 0, f"{text!r} ran {marks(folder)} calls"


def type_under_a_flood(folder: Path, text: str, pause_s: float) -> None:
    """Type a text; the cards come meanwhile, and a long line streams in another session."""
    gate, over = threading.Event(), threading.Event()
    with LoopbackServer() as server:
        server.answer = lambda request: (
            Answer(chunks=flood(over)) if "flood" in str(request) else after_gate(gate)
        )
        with start(folder, server) as terminal:
            terminal.wait_for("type a message", "test-model")
            terminal.type("flood\r")
            terminal.wait_for("words and words")
            terminal.type("\x0e")
            terminal.wait_for("Ask anything")  # the new session is there
            terminal.type("begin\r")
            terminal.wait_until(lambda: len(server.requests) == 2)
            for number, key in enumerate(text):
                if number == len(text) // 2:
                    gate.set()
                press(terminal, key, pause_s)
            terminal.wait_for("1 of 6", text, "[y]yes")
            over.set()
    assert marks(folder) == 0, f"{text!r} ran {marks(folder)} calls"


def hold(folder: Path, key: str, delay_s: float) -> int:
    """Look at the first card, then hold a key for three seconds; how many calls ran."""
    gate = threading.Event()
    gate.set()
    with LoopbackServer() as server:
        server.answer = lambda _request: after_gate(gate)
        with start(folder, server) as terminal:
            terminal.wait_for("type a message", "test-model")
            terminal.type("begin\r")
            terminal.wait_for("1 of 6")
            until = time.monotonic() + _LOOK_S * 2
            terminal.wait_until(lambda: time.monotonic() >= until)
            press(terminal, key, delay_s)
            for _ in range(round(3.0 / _HELD_S)):
                press(terminal, key, _HELD_S)
            terminal.wait_for("1 of 5")
            return marks(folder)


def test_nothing_that_is_typed_while_cards_come_runs_a_call(suite: Suite, tmp_path: Path) -> None:
    dice = suite.dice("consent/typed")
    count = suite.count(60, least=2)
    for number in range(count):
        text = dice.choice(_TEXTS)
        pause_s = (_HUMAN_S, _MACHINE_S)[number % 2]
        type_while_cards_come(tmp_path / str(number), dice, text, pause_s)
    suite.say(
        f"{count} texts typed at 2 and at 130 ms a key while {count * _CALLS} cards came: no "
        "call ran, and each text stood in the composer"
    )


def test_nothing_that_is_typed_under_a_flood_runs_a_call(suite: Suite, tmp_path: Path) -> None:
    count = suite.count(8, least=2)
    for number in range(count):
        text = _TEXTS[number % len(_TEXTS)]
        pause_s = (_MACHINE_S, _HUMAN_S)[number % 2]
        type_under_a_flood(tmp_path / str(number), text, pause_s)
    suite.say(
        f"{count} texts typed while a line of 20 MB streamed and {count * _CALLS} cards came: "
        "no call ran"
    )


def test_a_held_key_answers_one_card(suite: Suite, tmp_path: Path) -> None:
    count = suite.count(12, least=2)
    for number in range(count):
        delay_s = (0.25, 0.5, 1.0)[number % 3]
        assert hold(tmp_path / str(number), "y", delay_s) == 1
    suite.say(f"{count} times a key was held for 3 s while 6 cards waited: one call ran each time")
