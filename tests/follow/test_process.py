"""`replyscope sessions follow` as a process, beside another process that writes a log."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.run import PROGRAM, environment, run_command
from tests.readers.logs import asks, log, says, text_of
from tests.readers.test_claude_code import WITH_TOOLS

_WRITER = """
import sys
path, lines = sys.argv[1], sys.argv[2].splitlines()
with open(path, "a", buffering=1) as file:
    for line in lines:
        file.write(line + "\\n")
        print(line, flush=True)
        sys.stdin.readline()
"""


@contextmanager
def following(folder: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    command = [*PROGRAM, "sessions", "follow", "--json", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment(folder), **pipes) as running:  # type: ignore[call-overload]
        try:
            yield running
        finally:
            running.kill()


def wait_for_start(running: "subprocess.Popen[str]") -> str:
    assert running.stderr is not None
    for line in running.stderr:
        if "following" in line:
            return line
    raise AssertionError("it did not start")


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C is sent as a signal")
def test_each_line_of_another_process_is_seen_while_it_runs(tmp_path: Path) -> None:
    project = tmp_path / ".claude" / "projects" / "one"
    project.mkdir(parents=True)
    path = log(project, WITH_TOOLS[:1])
    lines = text_of([says("a2", "u1", "m1", "One."), asks("u3", "a2", "Two"),
                     says("a4", "u3", "m2", "Long", "max_tokens")])  # fmt: skip
    with following(tmp_path) as running:
        assert "Claude Code" in wait_for_start(running)
        wait_until_imported(tmp_path)
        assert running.stdout is not None
        writing = [sys.executable, "-c", _WRITER, str(path), lines]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen(writing, **pipes) as writer:  # type: ignore[call-overload]
            assert writer.stdin is not None
            assert writer.stdout is not None
            for _ in writer.stdout:
                seen = json.loads(running.stdout.readline())
                assert (seen["source"], seen["result"]) == ("claude-code", "grown")
                writer.stdin.write("\n")
                writer.stdin.flush()
        running.send_signal(signal.SIGINT)
        rest, faults = running.communicate(timeout=20)
    assert running.returncode == 0, faults
    counts = json.loads(rest.splitlines()[-1])
    assert (counts["imported"], counts["replies"], counts["failed"]) == (1, 2, [])
    assert [one.name for one in project.iterdir()] == [path.name]
    found = run_command(tmp_path, "sessions", "search", "finish:length", "--json").stdout
    assert [hit["snippet"] for hit in json.loads(found)] == ["Long"]


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C is sent as a signal")
def test_the_end_is_a_sentence_of_counts(tmp_path: Path) -> None:
    log(tmp_path, WITH_TOOLS)
    command = [*PROGRAM, "sessions", "follow", str(tmp_path)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment(tmp_path), **pipes) as running:  # type: ignore[call-overload]
        wait_for_start(running)
        wait_until_imported(tmp_path)
        running.send_signal(signal.SIGINT)
        said, _ = running.communicate(timeout=20)
    assert running.returncode == 0
    assert said == "Stopped. 1 session with 2 replies imported, 0 known already, 0 failed.\n"
    assert os.listdir(tmp_path / "data")


def wait_until_imported(folder: Path) -> None:
    for _ in range(100):
        if json.loads(run_command(folder, "sessions", "list", "--json").stdout):
            return
    raise AssertionError("nothing was imported")


def test_without_a_known_folder_it_says_what_to_do(tmp_path: Path) -> None:
    done = run_command(tmp_path, "sessions", "follow")
    assert done.returncode == 2
    assert "sessions follow DIR" in done.stderr
    done = run_command(tmp_path, "sessions", "follow", str(tmp_path / "none"))
    assert "does not exist" in done.stderr


def test_an_import_without_a_file_lists_the_known_folders(tmp_path: Path) -> None:
    (tmp_path / ".codex" / "sessions").mkdir(parents=True)
    done = run_command(tmp_path, "sessions", "import", "--json")
    found = [{"program": "Codex", "path": str(tmp_path / ".codex" / "sessions")}]
    assert json.loads(done.stdout) == found
