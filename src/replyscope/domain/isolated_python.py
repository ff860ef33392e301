"""Commands and environments for Python child processes, isolated from the working folder.

Neither the working folder nor `PYTHON*` variables are on the child's import path, so a
`json.py` there is never imported.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from replyscope.domain.environment import BASIC, kept_environment

_PACKAGE = Path(__file__).parents[2]


def python_command(module: str, *arguments: str) -> tuple[str, ...]:
    """A command that runs a module.

    `-P` keeps the working folder off the import path; `-I` would also hide packages in the
    user's site-packages.
    """
    return (sys.executable, "-P", "-m", module, *arguments)


def python_environment(*allowed: Sequence[str]) -> dict[str, str]:
    """The environment of a child: the allowed variables, and the path to this replyscope."""
    kept = kept_environment(os.environ, BASIC, *allowed, separator=os.pathsep)
    return {**kept, "PYTHONPATH": str(_PACKAGE), "PYTHONSAFEPATH": "1"}
