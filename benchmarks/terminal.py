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

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PYTHON = sys.executable
_KEPT = 1 << 18
"""More of the output than this is not searched again."""


class Program:
    """A program in a pty, 120x40 unless told."""

    def __init__(
        self, argv: list[str], env: dict[str, str], size: tuple[int, int] = (120, 40)
    ) -> None:
        self.started_s = time.monotonic()
        self.output = bytearray()
        self.written = 0
        """Bytes that it wrote to the terminal so far."""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            env = {**os.environ, **env, "TERM": "xterm-256color"}
            # As installed, all programs run from compiled files.
            env.pop("PYTHONDONTWRITEBYTECODE", None)
            os.execvpe(argv[0], argv, env)
        self.resize(*size)

    def resize(self, columns: int, rows: int) -> None:
        """Make the terminal another size, as a window manager does."""
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait_for(self, text: str, timeout_s: float = 120.0) -> float:
        """Read until the text was written since the last call; when, on the monotonic clock."""
        wanted = text.encode()
        deadline = time.monotonic() + timeout_s
        at = self.output.find(wanted)
        while at < 0:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{text!r} never came: {bytes(self.output[-2000:])!r}")
            if len(self.output) > _KEPT:
                del self.output[: -len(wanted)]
            before = len(self.output)
            self.read(0.02)
            at = self.output.find(wanted, max(0, before - len(wanted)))
        found = time.monotonic()
        self.output.clear()
        return found

    def read(self, wait_s: float) -> int:
        """Read what comes within the time; the bytes."""
        ready, _, _ = select.select([self._fd], [], [], wait_s)
        if not ready:
            return 0
        data = os.read(self._fd, 1 << 20)
        self.output += data
        self.written += len(data)
        return len(data)

    def settle(self, for_s: float = 1.0) -> None:
        """Read for a while. Silence never comes: the cursor blinks."""
        until = time.monotonic() + for_s
        while time.monotonic() < until:
            self.read(0.02)
        self.output.clear()

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
