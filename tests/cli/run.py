"""Runs the installed program as a user would."""

import os
import subprocess
import sys
from pathlib import Path

from replyscope.cli.parser import EXIT_FAULT
from tests.support.fork_server import fork_server

PROGRAM = [sys.executable, "-m", "replyscope"]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """An environment with nothing of the machine's own settings."""
    foreign = ("OPENAI_", "REPLYSCOPE_", "COLUMNS", "LINES")  # some test runners set a size
    keep = {n: v for n, v in os.environ.items() if not n.startswith(foreign)}
    return {
        **keep,
        "REPLYSCOPE_DATA_DIR": str(folder / "data"),
        "REPLYSCOPE_CONFIG_DIR": str(folder / "config"),
        "HOME": str(folder),
        **more,
    }


def run_command(
    folder: Path, *arguments: str, stdin: str | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a command line to its end, like `run_program`, in a fork where there are forks.

    For tests of what a command does, not of how the process starts and ends.
    """
    if not hasattr(os, "fork"):
        return run_program(folder, *arguments, stdin=stdin, **more)
    done = fork_server().run([*arguments], environment(folder, **more), folder, stdin or "")
    assert done.returncode != EXIT_FAULT, done.stderr
    return done


def run_program(
    folder: Path, *arguments: str, stdin: str | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a command line to its end. That it fails of its own is no result."""
    done = subprocess.run(
        [*PROGRAM, *arguments],
        env=environment(folder, **more),
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != EXIT_FAULT, done.stderr
    return done
