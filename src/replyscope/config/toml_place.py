"""Reads a TOML text, and finds the line of a key in it, for messages that name the place."""

import re
import tomllib
from typing import Any


def read_toml(text: str) -> dict[str, Any]:
    """The values of a text. Raises ValueError, also for what is nested too deeply.

    Python's own reader raises RecursionError there, which nobody expects of a text.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def line_of(text: str, path: tuple[str, ...]) -> int | None:
    """The line (from 1) where the key of that dotted path is set; its table's as fallback."""
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
