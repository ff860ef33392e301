"""A terminal driver for Linux and macOS that tolerates faulty input, and a closed or slow terminal.

Textual's driver ends the app at a byte that is not UTF-8, reads a paste with escape
characters as typing, blocks forever after the terminal closes (its writer thread ends at the
error, and the queue of writes fills up), and queues frames that a slow line cannot carry.
"""

import asyncio
import codecs
import contextlib
import fcntl
import os
import selectors
import socket
import struct
import termios
import threading
import time
from collections.abc import Callable
from typing import IO, Any

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from replyscope.ui.output.abilities import abilities_of, is_gnu_screen
from replyscope.ui.output.answers import ASK_ATTRIBUTES, SIXEL_ATTRIBUTE, Answers
from replyscope.ui.output.screen_output import ScreenOutput
from replyscope.ui.terminal.emoji_width import MEASURE
from replyscope.ui.terminal.paste_guard import PasteGuard
from replyscope.ui.terminal.textual_internals import (
    build_parser,
    repaint_all,
    rest_awaited_s,
    use_escape_delay,
    wrap_output,
)

_MOST_READ = 4 * 1024
_ESCAPE_S = 0.025
"""The maximum time between an ESC and the rest of a sequence; an ESC alone is the Esc key.
Textual waits 100 ms. A sequence comes in one piece, over SSH too."""
_PIECES_S = 0.1
"""The maximum time between two pieces of a sequence or of an answer."""
_LONGEST_GOODBYE_S = 0.6
"""The maximum wait at exit for answers of the terminal. A later answer is text in the shell."""
WHOLE_FRAMES = "REPLYSCOPE_WHOLE_FRAMES"
"""The environment variable that leaves the output to Textual."""


class TerminalDriver(LinuxDriver):
    """Terminal driver: filters pasted control characters; never blocks or fails on output, and
    sends only what changed.
    """

    screen_output: ScreenOutput | None = None
    """None before the start, and where Textual writes whole frames."""
    knows_sixel = False
    """Whether the terminal has answered that it draws sixels."""
    _input_end: "_InputEnd | None" = None
    _main_loop: asyncio.AbstractEventLoop | None = None
    _retry: asyncio.TimerHandle | None = None
    _given = 0
    """Writes given to the writer thread."""
    _written = 0
    """Writes that the terminal has taken."""

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        # While a program asks for the mouse, GNU Screen holds Esc back until the next key.
        has_mouse = mouse and not is_gnu_screen(os.environ)
        super().__init__(app, debug=debug, mouse=has_mouse, size=size)

    def start_application_mode(self) -> None:
        wrap_output(self, lambda file: _Forgiving(file, self._note_written))
        self._main_loop = asyncio.get_running_loop()
        self._all_answered = threading.Event()
        self._input_end = _InputEnd()
        self._given = self._written = 0
        if self.screen_output is not None:
            self.screen_output.resume()
        elif not os.environ.get(WHOLE_FRAMES):
            self.screen_output = ScreenOutput(self, abilities_of(os.environ))
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self.input_tty:
            self.write(MEASURE)
            if self.screen_output is not None:
                self.write(ASK_ATTRIBUTES)
                self.screen_output.probe()
            self.flush()

    def stop_application_mode(self) -> None:
        self._end_output()
        self.write("\x1b[m")
        super().stop_application_mode()

    def disable_input(self) -> None:
        """Disable further input, after the last answer of the terminal."""
        self._end_output()
        if self._input_end is not None:
            self._input_end.announce()
        super().disable_input()

    def _end_output(self) -> None:
        if self.screen_output is not None:
            self.screen_output.suspend()
            self._all_answered.clear()
            if self.screen_output.pace.is_answer_certain:
                self._all_answered.wait(_LONGEST_GOODBYE_S)

    def run_input_thread(self) -> None:
        """Wait for input and dispatch events."""
        parser = build_parser(self)
        if "ESCDELAY" not in os.environ:
            use_escape_delay(_ESCAPE_S)
        guard = PasteGuard()
        answers = Answers(self._note_answer, self._note_attributes)
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        end, wait_s = self._input_end, None
        assert end is not None
        with selectors.SelectSelector() as selector, end as ending:
            selector.register(self.fileno, selectors.EVENT_READ)
            selector.register(ending, selectors.EVENT_READ)
            while not end.is_announced:
                ready = [key.fd for key, _ in selector.select(wait_s)]
                is_ready = self.fileno in ready
                data = os.read(self.fileno, _MOST_READ) if is_ready else b""
                text = guard.filter(answers.filter(decode(data)))
                if self.screen_output is not None and text and text < " ":
                    self.screen_output.pace.hurry(time.monotonic())
                for event in parser.feed(text) if text else ():
                    self.process_message(event)
                if is_ready and not data:  # end of file: the terminal is closed
                    return
                for event in parser.tick():
                    self.process_message(event)
                # Not from the last input on: answers of the terminal would delay the Esc key.
                wait_s = rest_awaited_s(parser)
                if wait_s is None and data:
                    wait_s = _PIECES_S

    def write(self, data: str) -> None:
        """Give text to the writer thread."""
        self._given += 1
        super().write(data)

    @property
    def is_writing(self) -> bool:
        """Whether the terminal has not taken all writes."""
        return self._written < self._given

    def now_s(self) -> float:
        """The monotonic clock, in seconds."""
        return time.monotonic()

    def retry_later(self, delay_s: float) -> None:
        """Try to send again after a while, and then again: an answer may be lost."""
        if self._retry is None and self._main_loop is not None:
            self._retry = self._main_loop.call_later(delay_s, self._send_again)

    def repaint(self) -> None:
        """Paint the whole screen again."""
        repaint_all(self)

    def _send_again(self) -> None:
        self._retry = None
        if self.screen_output is not None:
            self.screen_output.flush()

    def _note_written(self, count: int) -> None:
        """Called in the writer thread after each flush."""
        self._written += count
        self._send_waiting()

    def cell_size(self) -> tuple[int, int] | None:
        """The width and height of a cell in pixels, if the terminal reports them."""
        with contextlib.suppress(OSError):
            answer = fcntl.ioctl(self.fileno, termios.TIOCGWINSZ, bytes(8))
            rows, columns, width, height = struct.unpack("HHHH", answer)
            if rows and columns and width >= columns and height >= rows:
                return width // columns, height // rows
        return None

    def _note_attributes(self, attributes: frozenset[int]) -> None:
        """Called in the input thread."""
        self.knows_sixel = SIXEL_ATTRIBUTE in attributes

    def _note_answer(self) -> None:
        """Called in the input thread."""
        output = self.screen_output
        if output is not None:
            output.pace.answered(time.monotonic())
            self._send_waiting()
            if not output.pace.is_answer_certain:
                self._all_answered.set()

    def _send_waiting(self) -> None:
        output = self.screen_output
        if output is not None and output.is_waiting and self._main_loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._main_loop.call_soon_threadsafe(output.flush)


class _InputEnd:
    """Ends the wait of the input thread, which has no time limit."""

    def __init__(self) -> None:
        self._near, self._far = socket.socketpair()
        self.is_announced = False

    def announce(self) -> None:
        """Let the thread end."""
        self.is_announced = True
        with contextlib.suppress(OSError):  # it has ended, as the terminal was closed
            self._near.send(b"\0")

    def __enter__(self) -> socket.socket:
        return self._far

    def __exit__(self, *_: object) -> None:
        self._near.close()
        self._far.close()


class _Forgiving:
    """A file that ignores errors of writing, because the terminal is then closed. It reports
    how many writes were flushed.
    """

    def __init__(self, file: IO[str], note_flushed: Callable[[int], None]) -> None:
        self._file = file
        self._note_flushed = note_flushed
        self._count = 0
        self.fileno = file.fileno

    def write(self, text: str) -> int:
        self._count += 1
        with contextlib.suppress(OSError, ValueError):
            return self._file.write(text)
        return 0

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._file.flush()
        count, self._count = self._count, 0
        self._note_flushed(count)
