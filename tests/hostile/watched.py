"""The program, with each file that Python opens to write, makes, moves or removes noted.

Run as `python -m tests.hostile.watched LOG ARGUMENT…`; a line of the log is an event and
its path.
"""

import os
import sys
from typing import Any

_CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_EVENTS = {
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.utime",
    "shutil.copyfile",
    "shutil.move",
    "tempfile.mkstemp",
    "tempfile.mkdtemp",
}


def _watch(log: int) -> None:
    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes = bool(flags & _CHANGING) or any(c in (mode or "") for c in "wax+")
            if not writes or not isinstance(path, str | bytes | os.PathLike):
                return
        elif event == "sqlite3.connect" or event in _EVENTS:
            path = arguments[0]
        else:
            return
        shown = os.fsdecode(path) if isinstance(path, str | bytes) else str(path)
        if not shown.startswith(("/dev/", "/proc/")) and shown != ":memory:":
            os.write(log, f"{event} {shown}\n".encode("utf-8", "replace"))

    sys.addaudithook(note)


if __name__ == "__main__":
    descriptor = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    sys.dont_write_bytecode = True
    _watch(descriptor)
    from replyscope.cli.main import main  # only once it is watched

    sys.exit(main(sys.argv[2:]))
