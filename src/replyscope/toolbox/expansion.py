"""Puts the environment's values where a server's entry names them."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

_NAMED = re.compile(r"\$\{(?:(env|input):)?([A-Za-z_][A-Za-z0-9_-]*)(?::-([^}]*))?\}")


def expand(text: str, environment: Mapping[str, str] | None = None) -> str:
    """`${NAME}`, `${env:NAME}`, `${NAME:-else}` and `${workspaceFolder}` replaced.

    Raises ValueError for a name that is not set, and for an input that another program
    would ask for.
    """
    known = os.environ if environment is None else environment

    def value(match: re.Match[str]) -> str:
        kind, name, instead = match.groups()
        if kind == "input":
            raise ValueError(f"asks for the input {name!r}; write ${{NAME}} and set it instead")
        if name in ("workspaceFolder", "workspaceRoot"):
            return str(Path.cwd())
        found = known.get(name, instead)
        if found is None:
            raise ValueError(f"needs the environment variable {name}, which is not set")
        return found

    return _NAMED.sub(value, text)
