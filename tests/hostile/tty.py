"""Runs a command line on a terminal of its own and keeps each byte that it wrote."""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from contextlib import suppress
from pathlib import Path

from tests.cli.run import PROGRAM, environment

_LONGEST_S = 30.0


def run_on_tty(folder: Path, *arguments: str, **more: str) -> bytes:
    """All that a command wrote to its terminal, until it ended."""
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        more = {"TERM": "xterm-256color", "LANG": "C.UTF-8", **more}
        try:
            os.execvpe(PROGRAM[0], [*PROGRAM, *arguments], environment(folder, **more))
        finally:
            os._exit(127)
    written = bytearray()
    deadline = time.monotonic() + _LONGEST_S
    with suppress(OSError):  # what Linux says when the other side is closed
        while time.monotonic() < deadline:
            if select.select([fd], [], [], 0.5)[0]:
                written += os.read(fd, 65_536)
    if time.monotonic() >= deadline:
        os.kill(pid, signal.SIGKILL)
    os.close(fd)
    _, status = os.waitpid(pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 2, 3, 4, 5):
        sys.stderr.write(bytes(written).decode("utf-8", "replace"))
        raise AssertionError(f"{arguments} ended with {status}")
    return bytes(written)
