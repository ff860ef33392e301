"""Each task of the guide's table, with its keys in a real terminal."""

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.docs.tables import ROOT
from tests.stories.tasks import TASKS, Task
from tests.support.server import Answer, LoopbackServer, reply

if sys.platform == "win32":
    pytest.skip("needs a pty", allow_module_level=True)

from tests.cli.run import run_command
from tests.stories.terminal import Terminal


def _answer(request: dict[str, Any]) -> Answer:
    return reply(f"About {request['messages'][-1]['content']}")


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_task_takes_its_keys(task: Task, server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = _answer
    demo = str(ROOT / "docs" / "guide" / "demo.json")
    assert run_command(tmp_path, "sessions", "import", demo).returncode == 0
    pressed = 0
    with Terminal(tmp_path, "--base-url", server.base_url, size=(140, 40)) as terminal:
        terminal.wait_for("ype a message", "test-model")
        if task.asked:
            terminal.type(f"{task.asked}\r")
            terminal.wait_for(f"About {task.asked}", "● stop")
        for step in task.steps:
            terminal.settle()
            terminal.type(step.sent)
            pressed += not step.is_text
            if step.shown:
                terminal.wait_for(*step.shown)
        if task.ends:
            assert terminal.wait_for_end() == 0
    assert pressed == task.keystrokes


def test_the_table_has_its_tasks_once() -> None:
    names = [task.name for task in TASKS]
    assert len(set(names)) == len(names)
