"""How Python children of the embedded model are started: isolated from the working folder.

Neither the folder nor `PYTHON*` variables are on the child's path, so a `json.py` that lies
there is never run; and the child works in a folder of ours.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from replyscope.domain.environment import BASIC, kept_environment

_PACKAGE = Path(__file__).parents[2]


def python_command(module: str, *arguments: str) -> tuple[str, ...]:
    """A command that runs a module. `-P` keeps the working folder off the path; `-I` would
    also hide packages that were installed for one user.
    """
    return (sys.executable, "-P", "-m", module, *arguments)


def python_environment(*allowed: Sequence[str]) -> dict[str, str]:
    """The environment of such a child: this very replyscope, and an allow-list."""
    kept = kept_environment(os.environ, BASIC, *allowed, separator=os.pathsep)
    return {**kept, "PYTHONPATH": str(_PACKAGE), "PYTHONSAFEPATH": "1"}
