"""The chat over a slow line: a pty whose bytes come late, and at a limited rate."""

import time
from collections import deque
from collections.abc import Callable

from benchmarks.bench import READY, Bench
from benchmarks.row import Row
from benchmarks.streaming import MARKS, at
from benchmarks.terminal import Program
from benchmarks.text_screen import ANSWER, TextScreen

_KEYS = 100
_LINES = ((10, 50), (10, 200), (30, 100), (100, 50), (100, 200))
"""kB a second, and milliseconds of a round trip."""
_BUFFERED = 256_000
"""Bytes that SSH and the network hold before the program has to wait."""
_PART = 64
"""Bytes that arrive at once."""


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


def _over(bench: Bench, kb_s: float, ms: float) -> list[Row]:
    """One line: keys while a reply streams, Esc, and the screen in the end."""
    name = f"line-{kb_s:.0f}-{ms:.0f}"
    with bench.start(name) as program:
        line = Line(program, kb_s, ms)
        line.wait_for(READY)
        line.carry(3.0)
        line.type("20000 chunks at 100")
        line.carry(1.0)
        line.type("\r")
        line.wait_for("lazy")
        line.carry(2.0)
        sent = program.written
        began = time.monotonic()
        echoes = _echoes(line)
        kept_kb_s = (program.written - sent) / (time.monotonic() - began) / 1000
        stopped_ms = (_stopped(line) - ms / 1000) * 1000
        line.carry(2.0)
        wrong = _wrong_cells(line)
    what = f"{kb_s:.0f} kB/s, {ms:.0f} ms"
    detail = f"median {at(echoes, 0.5) - ms:.0f} ms; {kept_kb_s:.1f} kB/s sent"
    return [
        Row(f"{what}: key echo over a round trip, p99", at(echoes, 0.99) - ms, "ms", 100, detail),
        Row(f"{what}: Esc to the end over a round trip", stopped_ms, "ms", 150),
        Row(f"{what}: cells that are wrong in the end", wrong, "", 0),
    ]


def _stopped(line: Line) -> float:
    """Seconds from Esc to the word that the reply was cancelled."""
    line.screen.forget()
    began = line.type("\x1b")
    return line.wait_for("cancelled") - began


def _wrong_cells(line: Line) -> int:
    """How many cells differ after the whole screen was drawn again."""
    before = line.screen.text()
    line.type("\x0c")
    line.carry(4.0)
    return sum(a != b for a, b in zip(before, line.screen.text(), strict=True))


def measure_line(bench: Bench) -> list[Row]:
    """Keys, Esc and the screen over lines of several rates and round trips."""
    return [row for kb_s, ms in _LINES for row in _over(bench, kb_s, ms)]
