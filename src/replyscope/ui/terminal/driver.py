"""A terminal driver for Linux and macOS that tolerates faulty input and a closed terminal.

Textual's driver ends the app at a byte that is not UTF-8, reads a paste with escape
characters as typing, and blocks forever after the terminal closes: its writer thread ends
at the error, and the queue of writes fills up.
"""

import codecs
import contextlib
import os
import selectors
from typing import IO

from textual.drivers.linux_driver import LinuxDriver

from replyscope.ui.terminal.emoji_width import MEASURE
from replyscope.ui.terminal.paste_guard import PasteGuard
from replyscope.ui.terminal.textual_internals import build_parser, wrap_output

_MOST_READ = 4 * 1024


class TerminalDriver(LinuxDriver):
    """Terminal driver: filters pasted control characters; never blocks or fails on output."""

    def start_application_mode(self) -> None:
        wrap_output(self, _Forgiving)
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self.input_tty:
            self.write(MEASURE)
            self.flush()

    def run_input_thread(self) -> None:
        """Wait for input and dispatch events."""
        parser = build_parser(self)
        guard = PasteGuard()
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                for _ in selector.select(0.1):
                    data = os.read(self.fileno, _MOST_READ)
                    text = guard.filter(decode(data))
                    for event in parser.feed(text) if text else ():
                        self.process_message(event)
                    if not data:  # end of file: the terminal is closed
                        return
                for event in parser.tick():
                    self.process_message(event)


class _Forgiving:
    """A file that ignores errors of writing, because the terminal is then closed."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.fileno = file.fileno

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            return self._file.write(text)
        return 0

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._file.flush()
