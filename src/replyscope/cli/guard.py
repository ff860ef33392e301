"""The handler of unexpected exceptions: writes a log entry, and one sentence on stderr.

It handles exceptions that end a command or the app, and exceptions in threads, asyncio callbacks
and finalizers. The log has tracebacks without local variables and never a key. Where logging
is off (private sessions), it has only the types of the exceptions.
"""

import asyncio
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from replyscope.config.paths import make_private
from replyscope.domain.regular_file import append_regular
from replyscope.domain.secret_shapes import without_keys
from replyscope.domain.unicode_text import REPLACE
from replyscope.domain.unlogged import unlogged

LOG = "faults.log"
_MOST_LOG_BYTES = 1_000_000
_MOST_TRACE = 50_000
_SECRET_NAMES = ("KEY", "TOKEN", "SECRET", "PASSWORD")

keys_in_use: set[str] = set()
"""The API keys that this process sends. They are removed from the log."""


class Guard:
    """Collects unexpected exceptions while it is entered.

    `logs` is the folder of the log; None if nothing may be written to disk. `faults` has the
    type and place of each exception.
    """

    def __init__(self) -> None:
        self.logs: Path | None = None
        self.faults: list[str] = []
        self._log: Path | None = None
        self._why_no_log = "Nothing was written to disk."

    def __enter__(self) -> Self:
        self._hooks = threading.excepthook, sys.unraisablehook
        threading.excepthook = self._hear_thread
        sys.unraisablehook = self._hear_finalizer
        return self

    def __exit__(self, *_: object) -> None:
        threading.excepthook, sys.unraisablehook = self._hooks

    def hear(self, error: BaseException) -> None:
        """Add and log an exception. It is logged at once, as the process may be killed."""
        error = _cause_of(error)
        self.faults.append(f"{type(error).__name__}{_place_of(error)}")
        if self.logs is None:
            return
        try:
            self._log = _write(self.logs, _trace(error, with_messages=not unlogged.get()))
        except OSError as fault:
            self._why_no_log = f"There is no log: {fault}."

    def hear_loop(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An exception handler for an event loop."""
        error = context.get("exception")
        if isinstance(error, Exception):
            self.hear(error)

    def sentence(self) -> str:
        """The message about the faults, with the path of the log."""
        others = len(self.faults) - 1
        more = f" and {others} more" if others else ""
        step = f"Report it with the log {self._log}." if self._log else self._why_no_log
        return f"replyscope itself failed: {self.faults[0]}{more}. {step}"

    def _hear_thread(self, given: threading.ExceptHookArgs) -> None:
        if isinstance(given.exc_value, Exception):
            self.hear(given.exc_value)

    def _hear_finalizer(self, given: "sys.UnraisableHookArgs") -> None:
        if isinstance(given.exc_value, Exception):
            self.hear(given.exc_value)


def parts_of(error: BaseException) -> Iterator[BaseException]:
    """The exceptions of a group and of the groups in it; an exception alone is one."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from parts_of(one)
    else:
        yield error


def _cause_of(error: BaseException) -> BaseException:
    """The exception inside one of Textual's WorkerFailed, which has no traceback itself."""
    inner = getattr(error, "error", None)
    return inner if error.__traceback__ is None and isinstance(inner, BaseException) else error


def _place_of(error: BaseException) -> str:
    """The innermost line of replyscope in the traceback, as " (file, line n)", or ""."""
    trace = next(parts_of(error), error).__traceback__
    frames = [frame for frame in _frames_of(trace) if f"{os.sep}replyscope{os.sep}" in frame[0]]
    if not frames:
        return ""
    name, line = frames[-1]
    return f" ({name.rpartition(f'{os.sep}replyscope{os.sep}')[2]}, line {line})"


def _frames_of(trace: TracebackType | None) -> Iterator[tuple[str, int]]:
    for frame, line in traceback.walk_tb(trace):
        yield frame.f_code.co_filename, line


def _trace(error: BaseException, *, with_messages: bool) -> str:
    """A traceback. Without messages it cannot quote the text of a session."""
    if with_messages:
        trace = "".join(traceback.format_exception(error))
    else:
        trace = "".join(
            f"{''.join(traceback.format_tb(one.__traceback__))}{type(one).__name__}\n"
            for one in parts_of(error)
        )
    return without_keys(trace, keys_in_use | _keys_of_environment())[-_MOST_TRACE:]


def _keys_of_environment() -> set[str]:
    return {
        value
        for name, value in os.environ.items()
        if any(word in name.upper() for word in _SECRET_NAMES)
    }


def _write(folder: Path, entry: str) -> Path:
    make_private(folder)
    path = folder / LOG
    with suppress(FileNotFoundError):
        if path.stat().st_size > _MOST_LOG_BYTES:
            path.unlink()
    heading = f"{datetime.now().astimezone().isoformat(timespec='seconds')} process {os.getpid()}"
    with append_regular(path) as file:
        file.write(f"{heading}\n{entry}\n".encode("utf-8", REPLACE))
    return path
