"""A command line run within this process: much sooner done than a program of its own."""

import io
import os
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from replyscope.cli.main import main
from replyscope.cli.parser import EXIT_FAULT
from tests.cli.run import environment


@dataclass(frozen=True)
class Done:
    """What it printed, and its exit status."""

    stdout: str
    stderr: str
    status: int


def run_here(folder: Path, *arguments: str, **more: str) -> Done:
    """Run a command to its end."""
    out, err = io.StringIO(), io.StringIO()
    given = environment(folder, **more)
    with patch.dict(os.environ, given, clear=True), redirect_stdout(out), redirect_stderr(err):
        status = main(arguments)
    assert status != EXIT_FAULT, err.getvalue()
    return Done(out.getvalue(), err.getvalue(), status)
