"""Writes files that others see complete or not at all: under another name first."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from replyscope.domain.regular_file import sync_folder

PART = ".part"
"""The end of the name of a file that is being written. A process that dies leaves one."""


def write_whole(path: Path, data: bytes) -> None:
    """Write or replace a file, private to its owner, and durable once it returns. Raises OSError;
    the file is then as it was.
    """
    part = path.with_name(f".{secrets.token_hex(8)}{PART}")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(part, flags, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    sync_folder(path.parent)
