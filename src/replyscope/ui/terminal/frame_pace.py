"""How often a reply that streams is drawn: 25 times a second, and less under load.

A frame costs about 7 ms. Chunks that come as fast as they can be read leave no time to
spare: text would come later for every frame in which nobody can read it.
"""

import time

FRAME_S = 1 / 25
_SLOWEST_S = 0.25
_STEP = 1.4
_BUSY = 0.7
_REST = 3
"""After a frame, keys have at least that many times as long as it took."""


def rest_after(cost_s: float) -> float:
    """Seconds until the next frame may come, from what the last one cost."""
    return max(FRAME_S, cost_s * _REST)


class FramePace:
    """Says when the next frame is due. Ask it once per frame."""

    def __init__(self, wall_ms: float) -> None:
        self._wall_ms = wall_ms
        self._cpu_s = time.thread_time()
        self.frame_s = FRAME_S

    def next_frame_s(self, wall_ms: float) -> float:
        """Seconds until the next frame, from how busy this thread was since the last."""
        cpu_s = time.thread_time()
        elapsed_s = (wall_ms - self._wall_ms) / 1000
        is_late = elapsed_s > self.frame_s * 1.5
        is_busy = cpu_s - self._cpu_s > elapsed_s * _BUSY
        if is_late or is_busy:
            self.frame_s = min(self.frame_s * _STEP, _SLOWEST_S)
        else:
            self.frame_s = max(self.frame_s / _STEP, FRAME_S)
        self._wall_ms, self._cpu_s = wall_ms, cpu_s
        return self.frame_s
