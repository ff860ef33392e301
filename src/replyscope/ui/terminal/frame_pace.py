"""The frame rate of a streaming reply: 20 frames per second, fewer under load.

A frame costs about 7 ms. When chunks arrive faster than they can be parsed, each frame
delays the text. The echo of a key waits for no frame.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

FRAME_S = 1 / 20
SLOWEST_S = 0.25
_STEP = 1.4
_BUSY = 0.7
_REST = 3
"""The least pause for keys after a frame, as a multiple of the frame's own duration."""


class Stoppable(Protocol):
    """A timer."""

    def stop(self) -> None:
        """Stop the timer."""


def rest_after(cost_s: float) -> float:
    """The least time until the next frame, in seconds, from the cost of the last one."""
    return max(FRAME_S, cost_s * _REST)


_SCHEDULED = Path("/proc/thread-self/schedstat")


def wanted_cpu_s() -> float:
    """Seconds that this thread ran or waited for a processor; only those it ran outside Linux.

    On a loaded machine a busy thread may run for less than half of the time.
    """
    try:
        ran_ns, waited_ns, _ = _SCHEDULED.read_text().split()
    except (OSError, ValueError):
        return time.thread_time()
    return (int(ran_ns) + int(waited_ns)) / 1e9


class FramePace:
    """A frame rate that adapts to the load. Call `next_frame_s` once per frame."""

    def __init__(self, wall_ms: float, wanted_s: Callable[[], float] = wanted_cpu_s) -> None:
        self._wall_ms = wall_ms
        self._read_wanted_s = wanted_s
        self._wanted_s = wanted_s()
        self.frame_s = FRAME_S

    def next_frame_s(self, wall_ms: float) -> float:
        """Seconds until the next frame, from the load of this thread since the last one."""
        wanted_s = self._read_wanted_s()
        elapsed_s = (wall_ms - self._wall_ms) / 1000
        is_late = elapsed_s > self.frame_s * 1.5
        is_busy = wanted_s - self._wanted_s > elapsed_s * _BUSY
        if is_late or is_busy:
            self.frame_s = min(self.frame_s * _STEP, SLOWEST_S)
        else:
            self.frame_s = max(self.frame_s / _STEP, FRAME_S)
        self._wall_ms, self._wanted_s = wall_ms, wanted_s
        return self.frame_s
