"""The files of exports: a free name, and writing that replaces an older file only when complete."""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from replyscope.domain.errors import OutputError
from replyscope.domain.shared import Form
from replyscope.domain.typed_path import typed_path
from replyscope.domain.unicode_text import REPLACE

Write = Callable[[str], object]
_LONGEST_NAME = 100


def free_path(folder: Path, session_ids: Sequence[str], form: Form) -> Path:
    """A free file name for an export. Only letters and digits of an id are used: it may come
    from an import.
    """
    one = re.sub(r"[^A-Za-z0-9_-]", "", session_ids[0])[:40]
    many = f"replyscope-{len(session_ids)}-sessions"
    stem = f"replyscope-{one}" if len(session_ids) == 1 else many
    path = folder / f"{stem}.{form.value}"
    number = 2
    while path.exists():
        path = path.with_name(f"{stem}-{number}.{form.value}")
        number += 1
    return path


@contextmanager
def open_output_file(path: Path) -> Iterator[Write]:
    """Open a file for writing. A pipe or a device is written directly.

    Raises OutputError.
    """
    target = typed_path(str(path))
    if target.is_dir():
        raise OutputError(f"{path} is a folder.", "Name a file in it.")
    try:
        if target.exists() and not target.is_file():
            with target.open("w", encoding="utf-8", errors=REPLACE, newline="") as file:
                yield file.write
        else:
            with _replacing(target.resolve()) as write:  # a link is kept
                yield write
    except BrokenPipeError:
        raise
    except OSError as error:
        why = error.strerror or str(error)
        step = "Free some space." if "space" in why else "Check the folder."
        raise OutputError(f"{path} can't be written ({why}).", step) from error


@contextmanager
def _replacing(target: Path) -> Iterator[Write]:
    number, name = tempfile.mkstemp(
        dir=target.parent, prefix=f".{target.name[:_LONGEST_NAME]}.", suffix=".part"
    )
    spare = Path(name)
    try:
        with os.fdopen(number, "w", encoding="utf-8", errors=REPLACE, newline="") as file:
            yield file.write
        if target.exists():
            shutil.copymode(target, spare)
        spare.replace(target)
    finally:
        spare.unlink(missing_ok=True)
