"""The SQL functions of our connections, which the triggers of the hub's change log call, and SQL
for lists of values.
"""

import json
import sqlite3
import time
from collections.abc import Callable

from replyscope.domain.hub_merge import changed_settings

LISTED = "(SELECT value FROM json_each(?))"
"""The values of a parameter that is a JSON array."""

NowMs = Callable[[], int]
"""Returns the wall clock in milliseconds since 1970."""


def wall_ms() -> int:
    """The wall clock of the system."""
    return time.time_ns() // 1_000_000


def register_functions(connection: sqlite3.Connection, now_ms: NowMs) -> None:
    """Define the functions on a connection."""
    connection.create_function("hub_now", 0, now_ms)
    connection.create_function("hub_changed_settings", 2, _changed, deterministic=True)


def _changed(old: str, new: str) -> str:
    """The names of the changed fields of two settings, as a JSON list."""
    try:
        before, now = json.loads(old), json.loads(new)
    except (ValueError, TypeError, RecursionError):
        return "[]"  # damaged settings are read as the defaults
    return json.dumps(changed_settings(before, now))
