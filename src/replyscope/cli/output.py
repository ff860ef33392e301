"""The output of a command: standard output or a file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from replyscope.domain.errors import OutputError
from replyscope.engine.output_file import Write, open_output_file


@contextmanager
def open_output(path: str | None) -> Iterator[Write]:
    """Open a file for writing; None and `-` are standard output. Raises OutputError."""
    if path is not None and path != "-":
        with open_output_file(Path(path)) as write:
            yield write
        return
    try:
        yield sys.stdout.write
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        why = error.strerror or str(error)
        raise OutputError(f"Standard output can't be written ({why}).") from error
