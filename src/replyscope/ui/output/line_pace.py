"""Flow control: the number of bytes that may be sent to the terminal now, to keep latency low.

The queue cannot be measured: a pty always reports an empty one, and behind it are the buffers of
SSH and of the network. So a probe (a status report, DSR 5) follows each few hundred bytes. The
terminal answers it when it has drawn all earlier bytes. A round trip longer than the shortest one
shows that bytes waited, and so the speed of the line.
"""

from collections import deque
from typing import NamedTuple

PROBE = "\x1b[5n"
ANSWER = "\x1b[0n"
QUEUED_S = 0.03
"""The maximum time that a byte waits in queues, beyond the latency of an idle line."""
LEAST_ROOM = 120
"""With less room than this, in bytes, a frame waits."""
UNLIMITED = 1_000_000
"""Bytes a second. A faster line is not limited."""
_TELLING_BYTES = 1_000
"""Fewer bytes than this do not show that a line is slow: perhaps the answer was read late."""
_LATE_TO_BE_SLOW = 2
"""The number of consecutive late answers to that many bytes that shows a slow line."""
_CERTAIN_S = 0.15
"""One answer that is this late is enough."""
_KEPT = 0.85
"""The weight of all measures of the rate so far, when a new one comes."""
_RAISE = 1.1
_PROBED_BYTES = 400
_DRAINED_S = 0.02
"""A shorter wait is noise."""
_AGING = 0.001
"""The shortest round trip grows by this part each second: the route may have changed."""
_MOST_QUEUED_S = 4 * QUEUED_S
"""The maximum time that the echo of a key is added to."""
_HURRY_S = 0.5
_STALLED_S = 0.5
"""Nothing is sent while an answer is late by this time."""
_LOST_S = 3.0
"""An answer that is late by this time is lost."""
_MOST_UNANSWERED = 20
"""The number of unanswered probes after which a terminal is assumed not to support them."""


class _Probe(NamedTuple):
    sent_s: float
    size: int
    """Bytes since the probe before."""
    is_first: bool
    """Whether the answers to all before had come."""
    expected_s: float
    """The expected wait, in seconds."""


class LinePace:
    """A model of the line: its rate, and the time at which it has carried all sent bytes.

    Times are monotonic seconds, rates bytes a second.
    """

    def __init__(self) -> None:
        self._probes: deque[_Probe] = deque()
        self._unprobed = 0
        self._unanswered = 0
        self._free_s = 0.0
        self._carried = self._carrying_s = 0.0
        """Bytes carried while others waited, and how long it took; older ones count less."""
        self._last_s = self._last_waited_s = self._raised_s = self._rest_s = 0.0
        self._hurried_s = self._sent_s = 0.0
        self._late = 0
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
        self._sent_s = now_s
        if self.rate is not None:
            self._free_s = max(self._free_s, now_s) + count / self.rate
        is_mute = self.round_trip_s is None and self._unanswered >= _MOST_UNANSWERED
        if is_mute or self._unprobed < _PROBED_BYTES:
            return False
        expected_s = max(self._free_s - now_s, 0.0)
        size = self._unprobed + len(PROBE)
        self._probes.append(_Probe(now_s, size, not self._probes, expected_s))
        self._unprobed = 0
        self._unanswered += 1
        return True

    def answered(self, now_s: float) -> None:
        """Note the answer to the oldest probe."""
        if not self._probes:
            return  # it came after its time
        probe = self._probes.popleft()
        took_s = now_s - probe.sent_s
        if self.round_trip_s is None:
            self.round_trip_s = took_s
        aged_s = self.round_trip_s * (1 + _AGING * max(now_s - self._last_s, 0.0))
        self.round_trip_s = min(aged_s, took_s)
        self._learn(probe, took_s - self.round_trip_s, now_s)

    def _learn(self, probe: _Probe, waited_s: float, now_s: float) -> None:
        """Correct the rate by how long a probe waited."""
        if self.rate is None:
            is_late = waited_s > QUEUED_S
            if probe.size >= _TELLING_BYTES or not is_late:
                self._late = self._late + 1 if is_late else 0
            if self._late >= _LATE_TO_BE_SLOW or (self._late and waited_s > _CERTAIN_S):
                self._measure(probe, waited_s, now_s)
        elif waited_s > _DRAINED_S:
            self._measure(probe, waited_s, now_s)
        elif probe.expected_s > _DRAINED_S:
            assert self.round_trip_s is not None
            if waited_s < probe.expected_s / 4:
                self._be_fast()  # answers were read late, when it seemed slow
            elif now_s - self._raised_s > self.round_trip_s:  # what was sent since the last time
                self.rate *= _RAISE
                self._carried *= _RAISE
                self._raised_s = now_s
        self._last_s, self._last_waited_s = now_s, waited_s
        if self.rate is not None and self.rate > UNLIMITED:
            self._be_fast()
        if self.rate is not None:
            self._free_s = self._free_after(now_s, self.rate)

    def _be_fast(self) -> None:
        self.rate = None
        self._carried = self._carrying_s = 0.0
        self._late = 0

    def _free_after(self, answered_s: float, rate: float) -> float:
        """The time at which the line has carried all bytes sent after an answered probe. The
        probe left the queue a round trip before the answer.
        """
        assert self.round_trip_s is not None
        free_s = answered_s - self.round_trip_s
        for probe in self._probes:
            free_s = max(free_s, probe.sent_s) + probe.size / rate
        return max(free_s, self._sent_s) + self._unprobed / rate if self._unprobed else free_s

    def _measure(self, probe: _Probe, waited_s: float, now_s: float) -> None:
        """Add a measure of the rate, if the line carried nothing but these bytes meanwhile."""
        if probe.is_first:
            took_s = waited_s
        elif self._last_waited_s > _DRAINED_S:
            took_s = now_s - self._last_s
        else:
            return
        self._carried = self._carried * _KEPT + probe.size
        self._carrying_s = self._carrying_s * _KEPT + took_s
        self.rate = self._carried / max(self._carrying_s, 0.0001)

    def _is_stalled(self, now_s: float) -> bool:
        if self.round_trip_s is None or not self._probes:
            return False
        oldest = self._probes[0]
        late_s = now_s - oldest.sent_s - self.round_trip_s - oldest.expected_s
        if late_s > _LOST_S:
            self.forget()
            return False
        return late_s > _STALLED_S

    def room_for_keys(self, now_s: float) -> int:
        """Bytes that may be sent now for the echo of a key. It may wait on the line, behind what is
        there: to wait for room first would take longer.
        """
        is_full = self.rate is not None and self._free_s - now_s > _MOST_QUEUED_S
        return 0 if is_full or self._is_stalled(now_s) else LEAST_ROOM

    def room(self, now_s: float) -> int:
        """Bytes that may be sent now."""
        if self._is_stalled(now_s):
            return 0
        if self.rate is None:
            return UNLIMITED
        queued_s = self._free_s - now_s
        if queued_s <= 0:
            return max(int(self.rate * QUEUED_S), LEAST_ROOM)
        return max(int(self.rate * (QUEUED_S - queued_s)), 0)

    def is_hurried(self, now_s: float) -> bool:
        """Whether the effect of a command key is waited for on a slow line."""
        return self.rate is not None and now_s <= self._hurried_s

    def is_resting(self, now_s: float) -> bool:
        """Whether the line is kept free for keys: a slow one carries the rest of the screen half
        of the time.
        """
        return self.rate is not None and now_s < self._rest_s and now_s > self._hurried_s

    def hurry(self, now_s: float) -> None:
        """Do not rest for a while: a command key was pressed, and its effect is waited for."""
        self._hurried_s = now_s + _HURRY_S

    def rest(self, now_s: float) -> None:
        """Keep the line free for as long as it will be busy."""
        self._rest_s = 2 * max(self._free_s, now_s) - now_s

    def wait_s(self, now_s: float) -> float:
        """Seconds until there is room, or the rest ends, if all goes as expected."""
        if self.rate is None:
            return QUEUED_S
        spare_s = max(QUEUED_S - LEAST_ROOM / self.rate, 0.0)
        until_s = self._free_s - spare_s
        rest_s = self._rest_s if now_s > self._hurried_s else now_s
        return max((until_s if until_s > now_s else rest_s) - now_s, 0.0) + 0.002

    def probed(self, now_s: float) -> None:
        """Note that a probe is sent alone, to learn the round trip of an empty line."""
        self._probes.append(_Probe(now_s, len(PROBE), not self._probes, 0.0))

    def forget(self) -> None:
        """Expect no answer to what was sent: the terminal was given to another program."""
        self._probes.clear()
        self._unprobed = 0
