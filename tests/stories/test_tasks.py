"""Each task of the guide's table, with its keys in a real terminal."""

import asyncio
import json
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from replyscope.inspection.facts import facts_of
from replyscope.store.search import SqliteSearchIndex
from replyscope.store.sqlite_store import SqliteStore
from tests.docs.tables import ROOT
from tests.engine.test_tools import asks
from tests.stories.tasks import TASKS, Part, Step, Task
from tests.support.server import Answer, LoopbackServer, delta, reply, sse, usage
from tests.support.suite import Suite

if sys.platform == "win32":
    pytest.skip("needs a pty", allow_module_level=True)

from benchmarks.archive import fill

from tests.cli.run import run_command
from tests.stories.terminal import Terminal

_MOST_LEVELS = 5
_ROWS = "\n\n".join(f"row {number}" for number in range(60))
_LONG = " ".join(f"word {number}" for number in range(600))
_SMALL_WINDOW = {"data": [{"id": "test-model", "object": "model", "context_length": 1_210}]}
_ALLOW = """[tools]
enabled = ["shipped/calculate"]
[[tools.allow]]
tool = "shipped/calculate"
arguments = { expression = "6*7" }
"""


class Model:
    """A model whose reply depends on the first word of the message. `gate` holds it back."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.is_held = False
        self.count = 0
        """The number of requests of a task."""

    def answer(self, request: dict[str, Any]) -> Answer:
        """The reply to a request."""
        self.count += 1
        said = request["messages"][-1]
        word, _, rest = str(said["content"]).partition(" ")
        held = [self.gate] if self.is_held else []
        if said["role"] == "tool":
            return reply(f"The result is {said['content']}")
        if word == "call":
            asked = asks(("calculate", json.dumps({"expression": rest})))
            return Answer(chunks=[*held, *asked.chunks])
        if word == "stream":
            return Answer(chunks=[*sse(delta(_ROWS), done=False), self.gate])
        if word == "cut":
            return reply("This is a reply", finish="length")
        if word == "Continue":
            return reply(", and more")
        if word == "long":
            return Answer(chunks=sse(delta(_LONG), delta(finish="stop"), usage(10, 1_190)))
        if word == "code":
            return reply("```python\nprint(42)\n```\n")
        return reply(f"About {said['content']}", "" if self.count == 1 else ", once more")


class Person:
    """A person at a terminal, who does one task after the other."""

    def __init__(self, terminal: Terminal, model: Model) -> None:
        self._terminal = terminal
        self._model = model

    def do(self, task: Task) -> int:
        """Do a task. Returns the number of keys that were pressed for it."""
        terminal, model = self._terminal, self._model
        model.gate, model.is_held, model.count = threading.Event(), bool(task.meanwhile), 0
        if task.asked:
            terminal.type(f"{task.asked}\r")
            for step in task.meanwhile:
                self._follow(step)
            if model.is_held:
                model.gate.set()
            terminal.wait_for(*task.answered)
        for step in task.before:
            self._follow(step)
        pressed = sum(map(self._follow, task.steps))
        model.gate.set()
        if task.ends:
            assert terminal.wait_for_end() == 0
        return pressed

    def _follow(self, step: Step) -> bool:
        """Press a key, or type, and wait for the result. Returns whether it was a key."""
        terminal = self._terminal
        terminal.settle(0.1)
        if step.shown:  # or a text that was there before would be taken for the result
            terminal.wait_until(lambda: any(text not in terminal.screen for text in step.shown))
        terminal.type(step.sent)
        terminal.wait_for(*step.shown)
        if step.gone:
            terminal.wait_until(lambda: step.gone not in terminal.screen)
        return not step.is_text

    def begin_again(self) -> None:
        """Return to the composer, and start a new session."""
        terminal = self._terminal
        for _ in range(_MOST_LEVELS):
            if "WRITE  " in terminal.settle(0.1):
                break
            terminal.type("\x1b")
        terminal.type("\x0e")
        terminal.wait_for("─ New session ─", "WRITE  ", "type a message")


def _prepare(part: Part, folder: Path, suite: Suite) -> None:
    """What a part needs before the program starts."""
    (folder / "config").mkdir()
    (folder / "data").mkdir()
    match part:
        case Part.WRITING:
            (folder / "notes.txt").write_text("a note", encoding="utf-8")
        case Part.TOOLS:
            (folder / "config" / "settings.toml").write_text(_ALLOW, encoding="utf-8")
        case Part.REVIEW:
            demo = str(ROOT / "docs" / "guide" / "demo.json")
            assert run_command(folder, "sessions", "import", demo).returncode == 0
        case Part.LARGE:
            asyncio.run(_fill(folder / "data" / "sessions.db", suite.count(5_000)))


async def _fill(file: Path, sessions: int) -> None:
    """Save sessions of ten replies, and index them."""
    store = SqliteStore(file, "fill")
    await store.open()
    await fill(store, sessions)
    await SqliteSearchIndex(lambda: store.database, facts_of).update()
    await store.close()


@pytest.mark.timeout(900)  # a whole archive has 50,000 replies
@pytest.mark.parametrize("part", Part, ids=lambda part: part.value)
def test_each_task_takes_its_keys(
    part: Part,
    server: LoopbackServer,
    tmp_path: Path,
    suite: Suite,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)  # files are attached from there
    _prepare(part, tmp_path, suite)
    model = Model()
    server.answer, server.models = model.answer, ["test-model", "beta"]
    arguments: tuple[str, ...] = ("--base-url", server.base_url, "--model", "test-model")
    more: dict[str, str] = {}
    if part is Part.FULL:
        server.models_body = json.dumps(_SMALL_WINDOW)
    if part is Part.FIRST_RUN:
        arguments = ()
        more = {"OPENAI_API_KEY": "unused-key-9f3", "OPENAI_BASE_URL": server.base_url}
    with Terminal(tmp_path, *arguments, size=(140, 40), **more) as terminal:
        person = Person(terminal, model)
        for number, task in enumerate(one for one in TASKS if one.part is part):
            if number:
                person.begin_again()
            terminal.wait_for("ype a message", "WRITE  ")
            assert person.do(task) == task.keystrokes, task.name


def test_the_table_has_its_tasks_once() -> None:
    names = [task.name for task in TASKS]
    assert len(set(names)) == len(names)
