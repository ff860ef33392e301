"""Runs a terminal program in a pty and says when bytes came, what it cost and how large it is."""

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


class Program:
    """A program in a pty of 120x40."""

    def __init__(self, argv: list[str], env: dict[str, str]) -> None:
        self.started_s = time.monotonic()
        self.output = bytearray()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            env = {**os.environ, **env, "TERM": "xterm-256color"}
            # As installed, all programs run from compiled files.
            env.pop("PYTHONDONTWRITEBYTECODE", None)
            os.execvpe(argv[0], argv, env)
        import fcntl  # Unix only, as is this file

        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))

    def wait_for(self, text: str, timeout_s: float = 120.0) -> float:
        """Read until the text was written since the last call; when, on the monotonic clock."""
        wanted = text.encode()
        deadline = time.monotonic() + timeout_s
        while wanted not in self.output:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{text!r} never came: {bytes(self.output[-2000:])!r}")
            self.read(0.02)
        at = time.monotonic()
        self.output.clear()
        return at

    def read(self, wait_s: float) -> int:
        """Read what comes within the time; the bytes."""
        ready, _, _ = select.select([self._fd], [], [], wait_s)
        if not ready:
            return 0
        data = os.read(self._fd, 1 << 20)
        self.output += data
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

    def cpu_s(self) -> float:
        """User and system time so far, threads included."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * TICK_S

    def resident_mb(self) -> float:
        """Resident memory."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1_000
        return 0.0

    def close(self) -> None:
        """End it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._fd)


PYTHON = sys.executable
