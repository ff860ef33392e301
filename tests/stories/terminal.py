"""A real terminal for the installed program: a pty whose screen pyte reads."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pyte

from tests.cli.run import PROGRAM, environment
from tests.support.fork_server import fork_server

_READ_AT_START = ("LANG", "LC_", "PYTHON", "TEXTUAL_")
"""How the variables begin that Python or Textual read only once."""
_LONGEST = 4
"""How many times its limit a wait may last while the program writes."""


class Screen(pyte.Screen):
    """A screen of pyte that survives what pyte itself does not."""

    @property
    def display(self) -> list[str]:
        """The rows. The second half of a wide character has no text; pyte fails when the first
        half was overwritten.
        """
        rows = (self.buffer[y] for y in range(self.lines))
        return ["".join(row[x].data for x in range(self.columns)) for row in rows]

    def select_graphic_rendition(self, *attrs: int, private: bool = False) -> None:
        """Set the style. `CSI ? … m`, by which vim asks for the state of keys, sets none."""
        if not private:
            super().select_graphic_rendition(*attrs)


class Terminal:
    """Runs the program in a pty; `screen` is what a person would see.

    It is started in a fork of a process that has imported it.
    """

    program: tuple[str, ...] = ()
    cell = (0, 0)
    """The width and height of a cell in pixels, 0 where the terminal does not report them."""

    def __init__(
        self, folder: Path, *arguments: str, size: tuple[int, int] = (120, 40), **more: str
    ) -> None:
        self._columns, self._rows = size
        self._screen = Screen(self._columns, self._rows)
        self._stream = pyte.ByteStream(self._screen)
        self.received = bytearray()
        self._text: str | None = None
        self._fd, slave = pty.openpty()
        pixels = (self._columns * self.cell[0], self._rows * self.cell[1])
        sizes = struct.pack("HHHH", self._rows, self._columns, *pixels)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, sizes)
        name = os.ttyname(slave)
        variables = environment(folder, **{"TERM": "xterm-256color", "LANG": "C.UTF-8", **more})
        self._own_folder = TemporaryDirectory()
        self._status = Path(self._own_folder.name) / "status"
        reads_at_start = any(variable.startswith(_READ_AT_START) for variable in more)
        self.pid = fork_server().start(
            [*arguments],
            variables,
            name,
            self._status,
            ProcessTerminal.program if reads_at_start else self.program,
        )
        os.close(slave)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._wait_for_status()
        self._own_folder.cleanup()
        os.close(self._fd)

    @property
    def screen(self) -> str:
        """The screen as text. It is made again only after the program wrote something."""
        if self._text is None:
            self._text = "\n".join(line.rstrip() for line in self._screen.display)
        return self._text

    def type(self, keys: str) -> None:
        """Send keys as the terminal would."""
        os.write(self._fd, keys.encode())

    def paste(self, text: str) -> None:
        """Paste, in brackets, while reading what comes: a pty's buffer is small."""
        data = b"\x1b[200~" + text.encode() + b"\x1b[201~"
        while data:
            _, writable, _ = select.select([], [self._fd], [], 0.05)
            if writable:
                data = data[os.write(self._fd, data[:4096]) :]
            self._read(0.0)

    def type_bytes(self, data: bytes) -> None:
        """Send bytes that may be no text."""
        os.write(self._fd, data)

    def hang_up(self) -> int:
        """Close the terminal, as its window's cross does; the program's exit status."""
        os.close(self._fd)
        self._fd = os.open(os.devnull, os.O_RDONLY)
        return self._wait_for_status()

    def send_signal(self, number: signal.Signals) -> None:
        """Signal the program."""
        os.kill(self.pid, number)

    def wait_for(self, *texts: str, timeout_s: float = 30.0) -> str:
        """Read until all texts are on the screen; the screen. The limit counts from the last
        output: on a busy machine the program may type for a minute.
        """
        start = deadline = time.monotonic()
        read = -1
        while not all(text in self.screen for text in texts):
            if len(self.received) != read:
                read = len(self.received)
                deadline = min(time.monotonic() + timeout_s, start + _LONGEST * timeout_s)
            if time.monotonic() > deadline:
                raise AssertionError(f"never came: {texts}\n{self.screen}")
            self._read(0.05)
        return self.screen

    def wait_until(self, condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
        """Read until something outside the screen is so."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"it never came to be\n{self.screen}")
            self._read(0.05)

    def settle(self, quiet_s: float = 0.2, timeout_s: float = 5.0) -> str:
        """Read until nothing has come for a moment; the screen."""
        deadline = time.monotonic() + timeout_s
        last, since = len(self.received), time.monotonic()
        while time.monotonic() < min(deadline, since + quiet_s):
            self._read(0.05)
            if len(self.received) != last:
                last, since = len(self.received), time.monotonic()
        return self.screen

    def wait_for_end(self, timeout_s: float = 10.0) -> int:
        """Read until the program ends, and all that it wrote; its exit status."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            self._read(0.05)
            if self._status.exists():
                self._read_the_rest()
                return int(self._status.read_text())
        raise AssertionError(f"still running\n{self.screen}")

    def kill(self) -> None:
        """kill -9."""
        os.kill(self.pid, signal.SIGKILL)
        self._wait_for_status()

    def _wait_for_status(self) -> int:
        """Wait for the end without reading what the program writes; its exit status."""
        deadline = time.monotonic() + 15.0
        while not self._status.exists():
            if time.monotonic() > deadline:
                raise AssertionError("still running")
            select.select([], [], [], 0.01)
        return int(self._status.read_text())

    def _read_the_rest(self) -> None:
        """Read to the end of the pty, or as far as a child that still holds it has written."""
        while self._read(0.5):
            pass

    def _read(self, wait_s: float) -> bool:
        """Read what has come, or comes within the time; whether anything did."""
        ready, _, _ = select.select([self._fd], [], [], wait_s)
        if not ready:
            return False
        try:
            data = os.read(self._fd, 65_536)
        except OSError:
            return False
        self.received += data
        # pyte takes the "4:3" in an underline style for a command of its own.
        self._stream.feed(data)
        self._text = None
        return bool(data)


class ProcessTerminal(Terminal):
    """Starts Python anew, as a person does: for tests of how the program starts and ends."""

    program = tuple(PROGRAM)
