"""How much may be sent to the terminal now, so that little waits on the way.

What waits cannot be read: a pty reports an empty queue always, and behind it are the buffers of SSH
and of the network. So a probe (a status report, DSR 5) follows each few hundred bytes. The terminal
answers it when it has drawn what came before. A round trip longer than the shortest one shows that
bytes waited, and so how fast the line is.
"""

from collections import deque
from typing import NamedTuple

PROBE = "\x1b[5n"
ANSWER = "\x1b[0n"
QUEUED_S = 0.04
"""How long a byte may wait on the way, over the time of an empty line."""
LEAST_ROOM = 120
"""With less room than this, in bytes, a frame waits."""
_UNLIMITED = 1_000_000
"""Bytes a second. A faster line is not limited."""
_PROBED_BYTES = 400
_DRAINED_S = 0.02
"""A shorter wait is noise."""
_AGING = 1.0002
"""The shortest round trip grows by this factor with each answer: the route may have changed."""
_STALLED_S = 0.5
"""Nothing is sent while an answer is late by this time."""
_LOST_S = 3.0
"""An answer that is late by this time is lost."""
_MOST_UNANSWERED = 20
"""A terminal that answers none of so many probes does not know them."""


class _Probe(NamedTuple):
    sent_s: float
    waiting: int
    """Bytes whose arrival was not known when it was sent."""
    expected_s: float
    """How long it was expected to wait."""


class LinePace:
    """A model of the line: its rate, and when it has carried what was sent. Times are monotonic
    seconds, rates bytes a second.
    """

    def __init__(self) -> None:
        self._probes: deque[_Probe] = deque()
        self._sizes: deque[int] = deque()
        self._unprobed = 0
        self._unanswered = 0
        self._free_s = 0.0
        self.rate: float | None = None
        """None while the line is faster than what is sent."""
        self.round_trip_s: float | None = None
        """The shortest round trip, None until the first answer."""

    @property
    def is_answer_certain(self) -> bool:
        """Whether an answer is on the way, as far as is known."""
        return self.round_trip_s is not None and bool(self._probes)

    def sent(self, count: int, now_s: float) -> bool:
        """Note that bytes are sent. Returns whether a probe must follow them."""
        self._unprobed += count
        if self.rate is not None:
            self._free_s = max(self._free_s, now_s) + count / self.rate
        is_mute = self.round_trip_s is None and self._unanswered >= _MOST_UNANSWERED
        if is_mute or self._unprobed < _PROBED_BYTES:
            return False
        self._sizes.append(self._unprobed)
        self._unprobed = 0
        self._unanswered += 1
        expected_s = max(self._free_s - now_s, 0.0)
        self._probes.append(_Probe(now_s, sum(self._sizes), expected_s))
        return True

    def answered(self, now_s: float) -> None:
        """Note the answer to the oldest probe."""
        if not self._probes:
            return  # it came after its time
        probe = self._probes.popleft()
        self._sizes.popleft()
        took_s = now_s - probe.sent_s
        if self.round_trip_s is None:
            self.round_trip_s = took_s
        self.round_trip_s = min(self.round_trip_s * _AGING, took_s)
        self._learn(probe, took_s - self.round_trip_s, now_s)

    def _learn(self, probe: _Probe, waited_s: float, now_s: float) -> None:
        """Correct the rate by how long a probe waited."""
        if self.rate is None:
            if waited_s > QUEUED_S:
                self.rate = probe.waiting / waited_s
        elif waited_s > _DRAINED_S:
            self.rate *= min(max(probe.expected_s / waited_s, 0.5), 2.0)
        elif probe.expected_s > _DRAINED_S:
            self.rate *= 1.5
        if self.rate is not None:
            if self.rate > _UNLIMITED:
                self.rate = None
            elif not self._probes:
                self._free_s = min(self._free_s, now_s + self._unprobed / self.rate)

    def room(self, now_s: float) -> int:
        """Bytes that may be sent now."""
        if self.round_trip_s is not None and self._probes:
            oldest = self._probes[0]
            late_s = now_s - oldest.sent_s - self.round_trip_s - oldest.expected_s
            if late_s > _LOST_S:
                self.forget()
            elif late_s > _STALLED_S:
                return 0
        if self.rate is None:
            return _UNLIMITED
        queued_s = self._free_s - now_s
        if queued_s <= 0:
            return max(int(self.rate * QUEUED_S), LEAST_ROOM)
        return max(int(self.rate * (QUEUED_S - queued_s)), 0)

    def wait_s(self, now_s: float) -> float:
        """Seconds until there is room, if all goes as expected."""
        if self.rate is None:
            return QUEUED_S
        spare_s = max(QUEUED_S - LEAST_ROOM / self.rate, 0.0)
        return max(self._free_s - now_s - spare_s, 0.0) + 0.002

    def forget(self) -> None:
        """Expect no answer to what was sent: the terminal was given to another program."""
        self._probes.clear()
        self._sizes.clear()
        self._unprobed = 0
