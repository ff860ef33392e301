"""Replaces files that a person may edit meanwhile: whole or not at all, private to their owner."""

import os
import tempfile
from pathlib import Path

from replyscope.config.paths import make_private
from replyscope.domain.unicode_text import REPLACE


def replace_file(path: Path, text: str) -> None:
    """Write a file at once. A symlink, as of a folder of dotfiles, stays one. Raises OSError."""
    path = path.resolve()
    make_private(path.parent)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".replacing-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors=REPLACE) as file:
            file.write(text)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
