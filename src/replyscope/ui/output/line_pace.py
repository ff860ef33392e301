"""How much may be sent to the terminal now, so that little waits on the way.

What waits cannot be read: the queue of a pty is short and always reported as empty, and behind it
are the buffers of SSH and of the network. So a probe (a status report, DSR 5) follows each few
hundred bytes. The terminal answers it when it has drawn what came before. A round trip longer
than the shortest one shows how much waited, and how fast the line is.
"""

from collections import deque
from typing import NamedTuple

PROBE = "\x1b[5n"
ANSWER = "\x1b[0n"
QUEUED_S = 0.04
"""How long a byte may wait on the way, over the time of an empty line."""
_LEAST_WINDOW = 500
_MOST_WINDOW = 64_000
_PROBED_BYTES = 400
_DRAINED_S = 0.02
"""A round trip is this much longer than the shortest one before the line counts as full."""
_AGING = 1.0002
"""The shortest round trip grows by this factor with each answer: the route may have changed."""
_LOST_S = 3.0
"""An answer that takes longer than this and four round trips is lost."""
_MOST_UNANSWERED = 20
"""A terminal that answers none of so many probes does not know them."""


class _Probe(NamedTuple):
    sent_s: float
    sent: int
    """Bytes sent so far, the probe included."""
    arrived: int
    """Bytes that had arrived when it was sent."""


class LinePace:
    """The window of bytes that may be on the way. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._probes: deque[_Probe] = deque()
        self._sent = 0
        self._arrived = 0
        self._probed = 0
        self._unanswered = 0
        self._has_answered = False
        self._window = float(_MOST_WINDOW)
        self.round_trip_s: float | None = None
        """The shortest round trip, None until the first answer."""

    @property
    def is_answer_certain(self) -> bool:
        """Whether an answer is on the way, as far as is known."""
        return self._has_answered and bool(self._probes)

    @property
    def is_behind(self) -> bool:
        """Whether the window is full."""
        return self._has_answered and self._sent - self._arrived >= self._window

    def sent(self, count: int, now_s: float) -> bool:
        """Note that bytes are sent. Returns whether a probe must follow them."""
        self._sent += count
        if self._is_mute or self._sent - self._probed < _PROBED_BYTES:
            return False
        self._sent += len(PROBE)
        self._probed = self._sent
        self._unanswered += 1
        self._probes.append(_Probe(now_s, self._sent, self._arrived))
        return True

    @property
    def _is_mute(self) -> bool:
        return not self._has_answered and self._unanswered >= _MOST_UNANSWERED

    def answered(self, now_s: float) -> None:
        """Note the answer to the oldest probe."""
        if not self._probes:
            return  # it came after its time
        probe = self._probes.popleft()
        took_s = max(now_s - probe.sent_s, 0.0005)
        if self.round_trip_s is None:
            self.round_trip_s = took_s
        self.round_trip_s = min(self.round_trip_s * _AGING, took_s)
        self._has_answered = True
        self._arrived = probe.sent
        waited_s = took_s - self.round_trip_s
        if waited_s > QUEUED_S:
            rate = (probe.sent - probe.arrived) / took_s
            self._window = max(rate * (self.round_trip_s + QUEUED_S), _LEAST_WINDOW)
        elif waited_s < _DRAINED_S and probe.sent - probe.arrived > self._window / 2:
            self._window = min(self._window * 1.5, _MOST_WINDOW)

    def room(self, now_s: float) -> int:
        """Bytes that may be sent now."""
        if not self._has_answered:
            return _MOST_WINDOW
        if self._probes and now_s - self._probes[0].sent_s > _LOST_S + 4 * (self.round_trip_s or 0):
            self.forget()
        return max(0, int(self._window) - (self._sent - self._arrived))

    def forget(self) -> None:
        """Expect no answer to what was sent: the terminal was given to another program."""
        self._probes.clear()
        self._arrived = self._probed = self._sent
