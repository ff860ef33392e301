"""kill -9 while a reply streams and while a tool runs: what had come is there, and labelled."""

import json
import random
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from replyscope.domain.exchange import SENDABLE, Api, ExchangeState
from replyscope.domain.message import Role, ToolResultPart
from replyscope.domain.tool import ToolCallState
from tests.engine.test_tools import asks, in_turn
from tests.faults.aftermath import kill, look_after, runs_on, start, wait_until
from tests.support.responses import events
from tests.support.server import Answer, LoopbackServer, delta, reply, sse, usage
from tests.support.suite import Suite

if sys.platform == "win32":
    pytest.skip("Windows has no kill -9", allow_module_level=True)

from tests.stories.terminal import Terminal

_WORDS = 120
_PACE_S = 0.004
_MOST_LOST_S = 1.0
"""The interval of the journal, one commit, and what a busy machine takes to let a process run."""


@dataclass
class Paced:
    """Frames sent one by one, and when each was."""

    frames: list[bytes]
    sent_at: list[float] = field(default_factory=list)

    def __iter__(self) -> Iterator[bytes]:
        pause = threading.Event()
        for frame in self.frames:
            self.sent_at.append(time.monotonic())
            yield frame
            pause.wait(_PACE_S)


def frames_of(api: Api) -> list[bytes]:
    """A long reply, word by word."""
    words = [f"word{number} " for number in range(_WORDS)]
    if api is Api.RESPONSES:
        return sse(*events(*words), done=False)
    return sse(*(delta(word) for word in words), delta(finish="stop"), usage())


@dataclass(frozen=True, slots=True)
class Killed:
    """One kill: how much had been sent, and how much of it was lost."""

    was_running: bool
    sent: int
    lost_s: float


def kill_once(folder: Path, dice: random.Random) -> Killed:
    """Ask, kill at a moment that the dice say, and look at what is left."""
    api = dice.choice(SENDABLE)
    paced = Paced(frames_of(api))
    with LoopbackServer() as server:
        routed = Answer(chunks=paced)
        server.answer = lambda _request: routed
        prompt = f"a long one, please {dice.random()}"
        url = ["--base-url", server.base_url, "--api", api.value, "--model", "test-model"]
        process = start(folder, "ask", prompt, *url)
        moment = dice.randrange(-10, len(paced.frames) + 10)
        if moment < 0:
            runs_on(process, dice.random() * 1.5)  # before there is anything to lose
        else:
            wait_until(process, lambda: len(paced.sent_at) > moment)
            runs_on(process, dice.random() * 0.05)
        killed_at = time.monotonic()
        was_running = kill(process)
        sent_at = [at for at in paced.sent_at if at <= killed_at]
        requests = len(server.requests)
    return Killed(was_running, len(sent_at), check(folder, prompt, paced, killed_at, requests))


def check(folder: Path, prompt: str, paced: Paced, killed_at: float, requests: int) -> float:
    """Nothing is missing but the newest; how many seconds of it are lost."""
    left = look_after(folder)
    asked = [s for s in left.sessions if any(m.text == prompt for m in s.messages)]
    if not requests:
        return 0.0
    (session,) = asked
    (exchange,) = session.exchanges.values()
    kept = left.frames[exchange.id]
    assert kept == [frame.decode() for frame in paced.frames[: len(kept)]]
    words = exchange.choice(0).text.split()
    assert words == [f"word{number}" for number in range(len(words))]
    if exchange.state is not ExchangeState.COMPLETED:
        assert exchange.state is ExchangeState.TRUNCATED
        assert exchange.failure is not None
        assert exchange.failure.kind == "interrupted"
    sent_at = [at for at in paced.sent_at if at <= killed_at]
    lost_s = killed_at - sent_at[len(kept)] if len(kept) < len(sent_at) else 0.0
    assert lost_s < _MOST_LOST_S, f"{lost_s:.3f} s lost"
    return lost_s


def test_killed_while_a_reply_streams(suite: Suite, tmp_path: Path) -> None:
    count = suite.count(150, least=4)

    def lane(number: int) -> list[Killed]:
        dice = suite.dice(f"kill/{number}")
        folder = tmp_path / str(number)
        return [kill_once(folder, dice) for _ in range(count // 2)]

    with ThreadPoolExecutor(2) as lanes:
        done = [killed for made in lanes.map(lane, range(2)) for killed in made]
    mid = sum(killed.was_running and killed.sent > 0 for killed in done)
    lost = sorted(round(killed.lost_s * 1000) for killed in done if killed.was_running)
    suite.say(
        f"{len(done)} kills of an ask, {mid} of them "
        "in mid-reply: every database opened and was sound, no reply stayed open, and of none "
        f"was more lost than {lost[-1] if lost else 0} ms (half of them "
        f"{lost[len(lost) // 2] if lost else 0} or less)"
    )


def test_killed_in_the_chat(suite: Suite, tmp_path: Path) -> None:
    dice = suite.dice("kill/chat")
    count = suite.count(30)
    lost_s = [kill_chat_once(tmp_path, f"say number {number}", dice) for number in range(count)]
    worst_ms = round(max(lost_s) * 1000)
    suite.say(f"{count} kills of the chat in mid-reply: all sound, at most {worst_ms} ms lost")


def kill_chat_once(folder: Path, prompt: str, dice: random.Random) -> float:
    """Ask in the chat and kill it; how many seconds of the reply are lost."""
    paced = Paced(frames_of(Api.CHAT))
    with LoopbackServer() as server:
        routed = Answer(chunks=paced)
        server.answer = lambda _request: routed
        with Terminal(folder, "--base-url", server.base_url) as terminal:
            terminal.wait_for("type a message", "test-model")
            terminal.type(f"{prompt}\r")
            moment = dice.randrange(len(paced.frames))
            terminal.wait_until(lambda: len(paced.sent_at) > moment)
            killed_at = time.monotonic()
            terminal.kill()
        return check(folder, prompt, paced, killed_at, len(server.requests))


TOOL = '''
import time
from pathlib import Path

def slow(log: str) -> str:
    """Take as long as nobody says otherwise."""
    with open(log, "a") as file:
        file.write("x")
    while not Path(log + ".end").exists():
        time.sleep(0.02)
    return "done"
'''


def test_killed_while_a_tool_runs(suite: Suite, tmp_path: Path) -> None:
    dice = suite.dice("kill/tool")
    count = suite.count(40)
    (tmp_path / "mine.py").write_text(TOOL)
    interrupted = sum(kill_tool_once(tmp_path, f"go {number}", dice) for number in range(count))
    suite.say(
        f"{count} kills around a running tool: {interrupted} calls are called interrupted, the "
        "others never began, and none ran twice"
    )


def kill_tool_once(folder: Path, prompt: str, dice: random.Random) -> bool:
    """Ask for a tool, kill while it runs or before; whether it is called interrupted."""
    log = folder / f"log of {prompt}"
    with LoopbackServer() as server:
        in_turn(server, asks(("slow", json.dumps({"log": str(log)}))), reply("Done."))
        url = ("--base-url", server.base_url, "--model", "test-model", "--api", "chat")
        tools = ("--tools", "tools:mine.py", "--tools-file", str(folder / "mine.py"), "--yes")
        process = start(folder, "ask", prompt, *url, *tools)
        is_early = dice.random() < 0.3
        wait_until(process, lambda: bool(server.requests) if is_early else log.exists())
        runs_on(process, dice.random() * 0.3)
        kill(process)
    log.with_name(f"{log.name}.end").touch()
    is_interrupted = check_call(folder, prompt, ran=log.exists())
    assert not log.exists() or log.read_text() == "x"
    return is_interrupted


def check_call(folder: Path, prompt: str, *, ran: bool) -> bool:
    """The call that may have run is known for it; whether it is called interrupted."""
    left = look_after(folder)
    (session,) = (s for s in left.sessions if any(m.text == prompt for m in s.messages))
    parts = [
        part
        for message in session.messages
        if message.role is Role.TOOL
        for part in message.parts
        if isinstance(part, ToolResultPart)
    ]
    states = {part.state for part in parts}
    assert ToolCallState.RUNNING not in states
    assert ToolCallState.COMPLETED not in states
    if ran:
        assert states == {ToolCallState.INTERRUPTED}
    return ToolCallState.INTERRUPTED in states
