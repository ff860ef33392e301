"""Replaces files that a person may edit meanwhile: whole or not at all, private to their owner."""

from pathlib import Path

from replyscope.config.paths import make_private
from replyscope.domain.unicode_text import REPLACE
from replyscope.domain.whole_file import write_whole


def replace_file(path: Path, text: str) -> None:
    """Write a file at once. A symlink, as of a folder of dotfiles, stays one. Raises OSError."""
    path = path.resolve()
    make_private(path.parent)
    write_whole(path, text.encode("utf-8", REPLACE))
