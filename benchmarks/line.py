"""The chat over a slow line: a pty whose bytes come late and at a limited rate, in both ways."""

import re
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pyte

from benchmarks.bench import READY, Bench
from benchmarks.row import Row
from benchmarks.server import LAST
from benchmarks.streaming import at
from benchmarks.terminal import Program

_MARKS = "QXZJKVWY"
_KEYS = 100
_STOPS = 5
_LINES = ((10, 50), (10, 200), (30, 100), (100, 50), (100, 200))
"""kB a second, and milliseconds of a round trip."""
_BUFFERED = 256_000
"""Bytes that SSH and the network hold before the program has to wait."""
_PROBE = b"\x1b[5n"


class _Screen(pyte.Screen):
    def select_graphic_rendition(self, *attrs: int, private: bool = False) -> None:
        if not private:
            super().select_graphic_rendition(*attrs)


class Line:
    """A terminal at the far end of a line of `kb_s` and a round trip of `ms`.

    The near end reads at once, as SSH does, so that what the line cannot carry waits in it.
    """

    def __init__(self, program: Program, kb_s: float, ms: float, size: tuple[int, int]) -> None:
        self._program = program
        self._rate = kb_s * 1000
        self._delay_s = ms / 2000
        self._down: deque[tuple[float, bytes]] = deque()
        self._up: deque[tuple[float, bytes]] = deque()
        self._free_s = 0.0
        self._held = 0
        self.screen = _Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self.received = bytearray()
        self.bytes = 0
        self._fd = program.fd

    def type(self, keys: str) -> None:
        """Send keys to the program."""
        self._up.append((time.monotonic() + self._delay_s, keys.encode()))

    def pump(self, for_s: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Carry bytes for a while. Returns whether the condition became true."""
        end = time.monotonic() + for_s
        while not until():
            now = time.monotonic()
            if now > end:
                return False
            self._deliver(now)
            if self._held < _BUFFERED and self._program.read(0.002):
                self._take(bytes(self._program.output))
                self._program.output.clear()
            elif self._held >= _BUFFERED:
                time.sleep(0.002)
        return True

    def _take(self, data: bytes) -> None:
        self._held += len(data)
        self.bytes += len(data)
        for begin in range(0, len(data), 128):
            part = data[begin : begin + 128]
            self._free_s = max(self._free_s, time.monotonic()) + len(part) / self._rate
            self._down.append((self._free_s + self._delay_s, part))

    def _deliver(self, now: float) -> None:
        while self._down and self._down[0][0] <= now:
            _, part = self._down.popleft()
            self._held -= len(part)
            before = self.received[-len(_PROBE) + 1 :]
            self.received += part
            for _ in range((before + part).count(_PROBE)):
                self._up.append((now + self._delay_s, b"\x1b[0n"))
            self._stream.feed(part)
        while self._up and self._up[0][0] <= now:
            self._program.type(self._up.popleft()[1].decode())

    def text(self) -> str:
        """What the terminal shows."""
        buffer = self.screen.buffer
        rows = range(self.screen.lines)
        return "\n".join(
            "".join(buffer[y][x].data for x in range(self.screen.columns)) for y in rows
        )

    def wait_for(self, text: str, timeout_s: float = 60.0) -> float:
        """Carry bytes until the screen shows a text; when it did."""
        if not self.pump(timeout_s, lambda: text in self.text()):
            raise TimeoutError(f"{text!r} never came:\n{self.text()}")
        return time.monotonic()
