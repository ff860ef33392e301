"""The ids of the rows in `fact`: they are in order of time, so that a search which reads ids
downwards finds the newest replies first and can stop.

Invariant: an id is at least the base of its reply's time. Replies of the same minute get the
ids after their base; if these are used up, the next free ones. So no id below the base of a time
has a reply of this time or later.
"""

import sqlite3

FIRST_ID = 1 << 24
"""Smaller ids are of older versions, and in any order."""
_TIME_BITS = 16
_ID_BITS = 4
_MOST = (1 << 46) - 1


def base_of(started_ms: int) -> int:
    """The smallest id that a reply of this time can have."""
    return FIRST_ID + (min(max(started_ms, 0), _MOST) >> _TIME_BITS << _ID_BITS)


def end_of(fact_id: int) -> int:
    """A time, in ms since 1970, before which all replies with smaller ids are."""
    return ((fact_id - FIRST_ID >> _ID_BITS) + 1) << _TIME_BITS


def free_id(connection: sqlite3.Connection, started_ms: int) -> int:
    """An id that is free, as near above the base as possible.

    The slots after the base are tried in steps that double, then those between the last two: many
    imported replies may have the same time.
    """
    first = base_of(started_ms) >> _ID_BITS
    step = 0
    while (found := _free_in(connection, first + step)) is None:
        step = 2 * step or 1
    full = step // 2
    while step - full > 1:
        middle = (full + step) // 2
        earlier = _free_in(connection, first + middle)
        if earlier is None:
            full = middle
        else:
            step, found = middle, earlier
    return found


def _free_in(connection: sqlite3.Connection, slot: int) -> int | None:
    """The id after the last one of a slot; None if the slot has no room."""
    low = slot << _ID_BITS
    end = low + (1 << _ID_BITS)
    row = connection.execute(
        "SELECT max(id) FROM fact WHERE id >= ? AND id < ?", (low, end)
    ).fetchone()
    free = low if row[0] is None else int(row[0]) + 1
    return free if free < end else None
