"""Expands environment variables in the entries of tool servers."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

_NAMED = re.compile(r"\$\{(?:(env|input):)?([A-Za-z_][A-Za-z0-9_-]*)(?::-([^}]*))?\}")


def expand(text: str, environment: Mapping[str, str] | None = None) -> str:
    """Expand `${NAME}`, `${env:NAME}`, `${NAME:-else}` and `${workspaceFolder}`.

    Raises ValueError for an unset variable, and for an `${input:…}` of VS Code.
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
