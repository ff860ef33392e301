"""The peak memory of a program."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.run import PROGRAM, environment

MOST_BYTES = 300_000_000
"""Above idle, under any attack."""
needs_proc = pytest.mark.skipif(not Path("/proc").exists(), reason="memory as Linux counts it")


def peak(folder: Path, *arguments: str, **more: str) -> tuple[int, str, int]:
    """Run a program: its exit status, what it said on stderr, its peak memory in bytes."""
    process = subprocess.Popen(
        [*PROGRAM, *arguments],
        env=environment(folder, **more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    said = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    return process.returncode, said, usage.ru_maxrss * 1024
