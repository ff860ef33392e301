"""The last guard: whatever nobody expected ends in a sentence, a log and status 70.

A library that the program needs is broken on purpose, as an upgrade can break it.
"""

import asyncio
import gc
import os
import stat
import subprocess
from pathlib import Path

import pytest

from replyscope.cli.guard import LOG, Guard
from replyscope.cli.parser import EXIT_FAULT
from replyscope.domain.unlogged import unlogged
from tests.cli.run import PROGRAM, environment
from tests.stories.terminal import Terminal

pytestmark = pytest.mark.breaks
KEY = "sk-proj-0123456789abcdefXYZ"
GROUP = f"ExceptionGroup('several', [ValueError('{KEY}'), ExceptionGroup('in', [KeyError(1)])])"
WAYS = {
    "an exception": "raise RuntimeError('Bearer %s' % KEY)",
    "a group": f"raise {GROUP}",
    "an exception with halves of pairs": "raise ValueError('\\udcff \\ud800 \\0' + KEY)",
    "no memory": "raise MemoryError",
    "endless recursion": "f = lambda: f()\nf()",
    "a thread": "import threading\nt = threading.Thread(target=lambda: int('x ' + KEY))\n"
    "t.start()\nt.join()",
    "a finalizer": "class Bad:\n    def __del__(self):\n        raise ValueError(KEY)\nBad()",
}


def broken(folder: Path, library: str, code: str) -> dict[str, str]:
    """The environment of a program whose library does something else when it is loaded."""
    place = folder / "broken" / library
    place.mkdir(parents=True)
    (place / "__init__.py").write_text(f"KEY = {KEY!r}\n{code}\n")
    return {"PYTHONPATH": str(place.parent)}


def complete(folder: Path, *options: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, *options, "completion", "bash"]
    given = environment(folder, **more)
    return subprocess.run(command, env=given, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("way", WAYS)
def test_what_nobody_expected_is_one_sentence_a_log_and_status_70(tmp_path: Path, way: str) -> None:
    log = tmp_path / "data" / "logs" / LOG
    done = complete(tmp_path, **broken(tmp_path, "argcomplete", WAYS[way]))
    assert done.returncode == EXIT_FAULT
    assert done.stderr.count("\n") == 1
    assert "replyscope itself failed" in done.stderr
    assert str(log) in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "Traceback" in log.read_text()
    assert KEY not in log.read_text() + done.stderr
    if os.name == "posix":
        assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_run_that_saves_nothing_writes_no_log(tmp_path: Path) -> None:
    done = complete(tmp_path, "--no-save", **broken(tmp_path, "argcomplete", "1 / 0"))
    assert done.returncode == EXIT_FAULT
    assert "replyscope itself failed: ZeroDivisionError" in done.stderr
    assert not (tmp_path / "data").exists()


def test_where_no_log_can_be_written_the_sentence_says_so(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    done = complete(tmp_path, **broken(tmp_path, "argcomplete", "1 / 0"))
    assert done.returncode == EXIT_FAULT
    assert "There is no log" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_app_leaves_with_the_same_sentence(tmp_path: Path) -> None:
    path = broken(tmp_path, "secrets", f"raise RuntimeError({KEY!r})")["PYTHONPATH"]
    with Terminal(tmp_path, PYTHONPATH=path) as terminal:
        assert terminal.wait_for_end(30.0) == EXIT_FAULT
        assert "replyscope itself failed" in terminal.screen
        assert "Traceback" not in terminal.screen
    log = (tmp_path / "data" / "logs" / LOG).read_text()
    assert "RuntimeError" in log
    assert KEY not in log


def test_of_what_may_not_be_logged_only_the_kind_is(tmp_path: Path) -> None:
    token = unlogged.set(True)
    try:
        with Guard() as guard:
            guard.logs = tmp_path
            try:
                int("the secret words")
            except ValueError as error:
                guard.hear(ExceptionGroup("more secret words", [error]))
    finally:
        unlogged.reset(token)
    told = (tmp_path / LOG).read_text()
    assert "ValueError" in told
    assert "secret words'" not in told.replace('int("the secret words")', "")
    assert "more secret" not in told


def test_a_log_does_not_grow_without_end(tmp_path: Path) -> None:
    (tmp_path / LOG).write_text("x" * 1_000_001)
    guard = Guard()
    guard.logs = tmp_path
    guard.hear(ValueError("y" * 1_000_000))
    assert (tmp_path / LOG).stat().st_size < 100_000


async def test_a_task_that_nobody_waits_for_is_heard(tmp_path: Path) -> None:
    guard = Guard()
    guard.logs = tmp_path
    asyncio.get_running_loop().set_exception_handler(guard.hear_loop)
    task = asyncio.ensure_future(asyncio.to_thread(int, "no number"))
    await asyncio.wait([task])
    del task
    gc.collect()
    assert guard.faults == ["ValueError"]
    assert "no number" in (tmp_path / LOG).read_text()
