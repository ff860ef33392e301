"""Parses TOML, and finds the line of a key for error messages."""

import re
import tomllib
from typing import Any


def read_toml(text: str) -> dict[str, Any]:
    """Parse TOML. Raises ValueError, also for values that are nested too deeply: for those,
    tomllib raises RecursionError, which callers do not expect.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def line_of(text: str, path: tuple[str, ...]) -> int | None:
    """The line (from 1) that sets the key of a dotted path; else the line of its table."""
    table: tuple[str, ...] = ()
    best: tuple[int, int] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[\[?\s*(.+?)\s*\]\]?\s*(#.*)?$", line)
        if header:
            table = _keys(header[1])
            here = table
        else:
            setting = re.match(r"\s*([\w.\"'-]+)\s*=", line)
            if not setting:
                continue
            here = (*table, *_keys(setting[1]))
        if here == path[: len(here)] and (best is None or len(here) > best[0]):
            best = (len(here), number)
    return best[1] if best else None


def _keys(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
