"""Reads JSON of unknown origin."""

import json
from typing import Any


def read_json(text: str) -> Any:
    """The value of a JSON text. Raises ValueError, also for what is nested too deeply.

    Python's own reader raises RecursionError there, which nobody expects of a text.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def indented(value: Any) -> str:
    """JSON laid out over lines. Raises ValueError for what is nested too deeply."""
    try:
        return json.dumps(value, indent=2, ensure_ascii=False)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def dump_json(value: Any) -> str:
    """JSON on one line, never failing: what is nested too deeply says so."""
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        return '"nested too deeply to keep; the wire has it"'
