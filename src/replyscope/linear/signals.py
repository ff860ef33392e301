"""Signals of the linear chat: Ctrl+C at the prompt, Ctrl+C during a job, and the end.

Python runs the handlers in the main thread, between two bytecode instructions. They raise only
while a line is read; otherwise they cancel the running job, so that no output is cut in the middle.
Ctrl+C between two jobs of a command cancels the next one.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

_LONGEST_LEAVING_S = 8.0


class Cancellable(Protocol):
    """A running job."""

    def cancel(self) -> None:
        """Cancel the job."""


class Leaving(Exception):
    """The terminal was closed, or the process was asked to end."""


class Signals:
    """The handlers, once `install` was called. `is_leaving` is set by SIGTERM and SIGHUP."""

    def __init__(self) -> None:
        self.is_leaving = False
        self._is_reading = False
        self._is_interrupted = False
        """Whether Ctrl+C came since the last line was read, and no job ran that it could cancel."""
        self._job: Cancellable | None = None
        self._deadline: threading.Timer | None = None

    def install(self) -> None:
        """Replace the handlers of this process."""
        signal.signal(signal.SIGINT, self._interrupt)
        for name in ("SIGTERM", "SIGHUP"):
            if (number := getattr(signal, name, None)) is not None:
                signal.signal(number, self._leave)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let signals end the reading of a line: KeyboardInterrupt, or Leaving."""
        if self.is_leaving:
            raise Leaving
        self._is_interrupted = False
        self._is_reading = True
        try:
            yield
        finally:
            self._is_reading = False

    @contextmanager
    def cancelling(self, job: Cancellable) -> Iterator[None]:
        """Let signals cancel a job."""
        before, self._job = self._job, job
        if self._is_interrupted:
            self._is_interrupted = False
            job.cancel()
        try:
            yield
        finally:
            self._job = before

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self._is_reading:
            self._is_reading = False
            raise KeyboardInterrupt
        if self._job is not None:
            self._job.cancel()
        else:
            self._is_interrupted = True

    def _leave(self, _number: int, _frame: FrameType | None) -> None:
        """Leave; at a second signal, or when saving takes too long, exit at once."""
        if self.is_leaving:
            os._exit(1)
        self.is_leaving = True
        self._deadline = threading.Timer(_LONGEST_LEAVING_S, os._exit, (1,))
        self._deadline.daemon = True
        self._deadline.start()
        if self._job is not None:
            self._job.cancel()
        if self._is_reading:
            self._is_reading = False
            raise Leaving

    def end(self) -> None:
        """Stop the deadline: everything is saved."""
        if self._deadline is not None:
            self._deadline.cancel()
