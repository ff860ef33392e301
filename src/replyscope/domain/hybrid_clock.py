"""A hybrid logical clock: the wall clock, which never goes back, and a counter.

Later changes have greater stamps, also across machines that have heard of each other. Pure
functions: the time is passed in.
"""

from replyscope.domain.hub import Stamp

MOST_AHEAD_MS = 24 * 3_600_000
"""The maximum by which the clock of another machine moves ours ahead of the wall clock."""


def tick(last: Stamp, now_ms: int) -> Stamp:
    """The stamp of a change at a time, greater than the last one of this machine."""
    if now_ms > last.at_ms:
        return Stamp(now_ms, 0, last.machine)
    return Stamp(last.at_ms, last.counter + 1, last.machine)


def observe(last: Stamp, seen: Stamp, now_ms: int) -> Stamp:
    """The clock after a stamp of another machine was seen: our next stamp is greater.

    A stamp that is more than a day ahead of the wall clock does not move it; a change of the
    same field is still greater, see `after`.
    """
    if seen.at_ms > now_ms + MOST_AHEAD_MS or (seen.at_ms, seen.counter) <= (
        last.at_ms,
        last.counter,
    ):
        return last
    return Stamp(seen.at_ms, seen.counter, last.machine)


def after(stamp: Stamp, earlier: Stamp | None) -> Stamp:
    """A stamp that is greater than the earlier one of the same field."""
    if earlier is None or stamp > earlier:
        return stamp
    return Stamp(earlier.at_ms, earlier.counter + 1, stamp.machine)
