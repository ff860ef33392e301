"""The chat over a slow line: a pty whose bytes come late, and at a limited rate."""

import shutil
import time
from collections import deque
from collections.abc import Callable

from benchmarks.bench import READY, Bench
from benchmarks.row import Row
from benchmarks.server import LAST
from benchmarks.streaming import MARKS, at
from benchmarks.terminal import Program
from benchmarks.text_screen import ANSWER, PROBE, TextScreen

_KEYS = 100
_STOPS = 5
_LINES = ((10, 50), (10, 200), (30, 100), (100, 50), (100, 200))
"""kB a second, and milliseconds of a round trip."""
_BUFFERED = 256_000
"""Bytes that SSH and the network hold before the program has to wait."""
_PART = 64
"""Bytes that arrive at once."""
_ECHO_MS = 100
"""How much later than a round trip a key may be seen."""
_STOP_MS = 150


class Line:
    """A terminal at the far end of a line of `kb_s` and a round trip of `ms`.

    The near end reads at once, as SSH does: what the line cannot carry waits in it.
    """

    def __init__(self, program: Program, kb_s: float, ms: float) -> None:
        self._program = program
        self._rate = kb_s * 1000
        self._delay_s = ms / 2000
        self._down: deque[tuple[float, bytes]] = deque()
        self._up: deque[tuple[float, str]] = deque()
        self._free_s = 0.0
        self._held = 0
        self._answered = 0
        self.screen = TextScreen(120, 40)

    def type(self, keys: str) -> float:
        """Press keys at the far end; when."""
        now = time.monotonic()
        self._up.append((now + self._delay_s, keys))
        return now

    def carry(self, for_s: float, until: Callable[[], bool] = lambda: False) -> float | None:
        """Carry bytes for a while, or until something is on the screen. Returns when it was,
        None if it was not.
        """
        end = time.monotonic() + for_s
        while True:
            now = time.monotonic()
            if self._deliver(now) and until():
                return now
            if now > end:
                return None
            if self._held < _BUFFERED:
                self._take(self._program.receive(0.001))

    def _take(self, data: bytes) -> None:
        now = time.monotonic()
        for begin in range(0, len(data), _PART):
            part = data[begin : begin + _PART]
            self._free_s = max(self._free_s, now) + len(part) / self._rate
            self._down.append((self._free_s + self._delay_s, part))
            self._held += len(part)

    def _deliver(self, now: float) -> bool:
        """Hand over what has arrived. Returns whether something came to the screen."""
        has_come = False
        while self._down and self._down[0][0] <= now:
            part = self._down.popleft()[1]
            self._held -= len(part)
            self.screen.feed(part)
            has_come = True
            while self._answered < self.screen.probes:
                self._answered += 1
                self._up.append((now + self._delay_s, ANSWER))
        while self._up and self._up[0][0] <= now:
            self._program.type(self._up.popleft()[1])
        return has_come

    def wait_for(self, text: str, timeout_s: float = 60.0) -> float:
        """Carry bytes until a text comes to the screen; when it did."""
        shown = self.carry(timeout_s, lambda: self.screen.shows(text))
        if shown is None:
            raise TimeoutError(f"{text!r} never came:\n{self.screen.text()}")
        self.screen.forget()
        return shown


def _echoes(line: Line) -> list[float]:
    """Seconds from a key to its echo, in order of size."""
    delays = []
    for number in range(_KEYS):
        mark = MARKS[number % len(MARKS)]
        line.screen.forget()
        began = line.type(mark)
        shown = line.carry(5.0, lambda mark=mark: line.screen.shows(mark))  # type: ignore[misc]
        delays.append((shown or began + 5.0) - began)
        line.carry(0.05)
    return sorted(delays)


def _stops(line: Line) -> list[float]:
    """Seconds from Esc to the reply's end on the screen, in order of size."""
    delays = []
    for _ in range(_STOPS):
        line.type("\r")
        line.wait_for("● streaming")
        line.carry(2.0)
        line.screen.forget()
        began = line.type("\x1b")
        delays.append(line.wait_for("cancelled") - began)
        line.carry(1.0)
        line.type("2000 chunks at 100")
        line.carry(1.0)
    return sorted(delays)
