"""Imports of any size need a bounded memory, and one item that is too large costs only itself."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.run import PROGRAM, environment
from tests.faults.large_exports import EXPORTS, sizes_of
from tests.support.suite import Suite

_MOST_MB = 250
_WHOLE = 240_000_000


_MEASURED = """
import os, subprocess, sys
running = subprocess.Popen(sys.argv[1:])
_, status, used = os.wait4(running.pid, 0)
print(used.ru_maxrss)
"""
"""A small process measures: the figure includes that of the process that forked."""


def import_of(folder: Path, path: Path) -> tuple[dict[str, object], float]:
    """The report of an import, and the most memory of its process in MB."""
    command = [*PROGRAM, "sessions", "import", "--json", str(path)]
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *command],
        env=environment(folder),
        capture_output=True,
        text=True,
        check=True,
    )
    report, _, used = done.stdout.strip().rpartition("\n")
    return json.loads(report), int(used) / 1024


@pytest.fixture(scope="module")
def idle_mb(tmp_path_factory: pytest.TempPathFactory) -> float:
    """What a process needs that imports nothing."""
    folder = tmp_path_factory.mktemp("idle")
    nothing = folder / "nothing.json"
    nothing.write_text('[{"uuid": "x", "chat_messages": []}]')
    return import_of(folder, nothing)[1]


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of memory differs")
@pytest.mark.parametrize("name", EXPORTS)
def test_an_import_needs_a_bounded_memory(
    name: str, idle_mb: float, suite: Suite, tmp_path: Path
) -> None:
    file, write = EXPORTS[name]
    total = int(_WHOLE * suite.size)
    write(tmp_path / file, total)
    report, most_mb = import_of(tmp_path, tmp_path / file)
    above = most_mb - idle_mb
    sound = len([*sizes_of(total)]) - 1
    if name == "claude-code":  # the lines of one session
        assert report["imported"] == 1
        assert report["failed"] == []
    else:
        assert report["imported"] == sound
        assert [one["why"] for one in report["failed"]] == ["it is larger than 48 MB"]  # type: ignore[attr-defined]
    assert above <= _MOST_MB, f"{above:.0f} MB above idle"
    size = (tmp_path / file).stat().st_size
    suite.say(f"{name}: {size / 1e6:,.0f} MB were imported with {above:.0f} MB above idle")
