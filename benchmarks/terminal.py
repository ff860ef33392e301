"""Runs a terminal program in a pty and says when bytes came, what it cost and how large it is."""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path

from benchmarks.text_screen import ANSWER, TextScreen

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PYTHON = sys.executable
_KEPT = 1 << 18
"""Bytes of the output that are kept for a message."""


class Program:
    """A program in a pty, 120x40 unless told."""

    def __init__(
        self, argv: list[str], env: dict[str, str], size: tuple[int, int] = (120, 40)
    ) -> None:
        self.started_s = time.monotonic()
        self.output = bytearray()
        self.written = 0
        """Bytes that it wrote to the terminal so far."""
        self.screen = TextScreen(*size)
        self._answered = 0
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            env = {**os.environ, **env, "TERM": "xterm-256color"}
            # As installed, all programs run from compiled files.
            env.pop("PYTHONDONTWRITEBYTECODE", None)
            os.execvpe(argv[0], argv, env)
        self.resize(*size)

    def resize(self, columns: int, rows: int) -> None:
        """Make the terminal another size, as a window manager does."""
        self.screen = TextScreen(columns, rows)
        self._answered = 0
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait_for(self, text: str, timeout_s: float = 120.0, *, forgets: bool = True) -> float:
        """Read until the screen shows the text, written since the last call that `forgets`; when,
        on the monotonic clock.
        """
        deadline = time.monotonic() + timeout_s
        while not self.screen.shows(text):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{text!r} never came:\n{self.screen.text()}")
            self.read(0.02)
        found = time.monotonic()
        if forgets:
            self.forget()
        return found

    def forget(self) -> None:
        """Look only at what comes from now on."""
        self.screen.forget()
        self.output.clear()

    def read(self, wait_s: float) -> int:
        """Read what comes within the time, and answer status requests; the bytes."""
        data = self.receive(wait_s)
        self.screen.feed(data)
        while self._answered < self.screen.probes:
            self._answered += 1
            self.type(ANSWER)
        return len(data)

    def receive(self, wait_s: float) -> bytes:
        """Read what comes within the time, and leave it to the caller."""
        ready, _, _ = select.select([self._fd], [], [], wait_s)
        if not ready:
            return b""
        data = os.read(self._fd, 1 << 20)
        self.output += data
        del self.output[:-_KEPT]
        self.written += len(data)
        return data

    def settle(self, for_s: float = 1.0) -> None:
        """Read for a while. Silence never comes: the cursor blinks."""
        until = time.monotonic() + for_s
        while time.monotonic() < until:
            self.read(0.02)
        self.forget()

    def type(self, keys: str) -> None:
        """Send keys."""
        os.write(self._fd, keys.encode())

    def ask(self, prompt: str) -> float:
        """Write a prompt and send it; when Enter was pressed."""
        self.type(prompt)
        self.settle(0.3)
        at = time.monotonic()
        self.type("\r")
        return at

    def cpu_s(self) -> float:
        """User and system time so far, threads included."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * TICK_S

    def load(self, for_s: float) -> float:
        """The share of a core that it takes over a while, in per cent."""
        cpu, began = self.cpu_s(), time.monotonic()
        self.settle(for_s)
        return (self.cpu_s() - cpu) / (time.monotonic() - began) * 100

    def resident_mb(self) -> float:
        """Resident memory."""
        return self._status("VmRSS")

    def forget_peak(self) -> None:
        """Count the peak of memory from now on."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def peak_mb(self) -> float:
        """The most resident memory so far."""
        return self._status("VmHWM")

    def _status(self, name: str) -> float:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) / 1_000
        return 0.0

    def close(self) -> None:
        """End it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._fd)

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
