"""The ids of the rows in `fact`: they are in order of time, so that a search which reads ids
downwards finds the newest replies first and can stop.

Invariant: an id is at least the base of its reply's time. Replies of the same minute get the
ids after their base; if these are used up, the next free ones. So no id below the base of a time
has a reply of this time or later.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence

FIRST_ID = 1 << 24
"""Smaller ids are of older versions, and in any order."""
_TIME_BITS = 16
_ID_BITS = 4
_IN_SLOT = (1 << _ID_BITS) - 1
_MOST = (1 << 46) - 1
_LAST_IN_SLOTS = f"""
SELECT slot.value << {_ID_BITS}, (SELECT max(id) FROM fact
    WHERE id >= slot.value << {_ID_BITS} AND id < (slot.value + 1) << {_ID_BITS})
FROM json_each(?) slot
"""


def base_of(started_ms: int) -> int:
    """The smallest id that a reply of this time can have."""
    return FIRST_ID + (min(max(started_ms, 0), _MOST) >> _TIME_BITS << _ID_BITS)


def end_of(fact_id: int) -> int:
    """A time, in ms since 1970, before which all replies with smaller ids are."""
    return ((fact_id - FIRST_ID >> _ID_BITS) + 1) << _TIME_BITS


class IdsInUse:
    """The ids in use, for one transaction in which nobody else takes some."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._free: dict[int, int | None] = {}
        """The free id of each slot that was looked at; None for a slot without room."""

    def take_all(self, times_ms: Iterable[int]) -> list[int]:
        """The ids of replies of these times, whose slots are read together."""
        times = list(times_ms)
        slots = {base_of(started_ms) >> _ID_BITS for started_ms in times}
        self._look_at([slot for slot in slots if slot not in self._free])
        return [self.take(started_ms) for started_ms in times]

    def take(self, started_ms: int) -> int:
        """An id that is free, as near above the base as possible. It is in use from now on.

        The slots after the base are tried in steps that double, then those between the last two:
        many imported replies may have the same time.
        """
        first = base_of(started_ms) >> _ID_BITS
        step = 0
        while (found := self._free_in(first + step)) is None:
            step = 2 * step or 1
        full = step // 2
        while step - full > 1:
            middle = (full + step) // 2
            earlier = self._free_in(first + middle)
            if earlier is None:
                full = middle
            else:
                step, found = middle, earlier
        following = found + 1
        self._free[found >> _ID_BITS] = following if following & _IN_SLOT else None
        return found

    def _free_in(self, slot: int) -> int | None:
        """The id after the last one of a slot; None if the slot has no room."""
        if slot not in self._free:
            self._look_at([slot])
        return self._free[slot]

    def _look_at(self, slots: Sequence[int]) -> None:
        """Read which ids of some slots are free."""
        for low, last in self._connection.execute(_LAST_IN_SLOTS, (json.dumps(slots),)):
            free = low if last is None else int(last) + 1
            self._free[low >> _ID_BITS] = free if free < low + (1 << _ID_BITS) else None
