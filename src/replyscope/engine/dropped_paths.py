"""The paths in a paste: terminals paste the path of a file that is dropped on them."""

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from replyscope.domain.typed_path import typed_path

_LONGEST = 4_096
_MOST_PATHS = 20


_NETWORK = ("\\\\", "//")
"""Paths of other machines: looking for them signs in there, and may take minutes."""


def is_file(path: Path) -> bool:
    """Whether a file exists. Never raises."""
    return os.path.isfile(path)


def is_file_or_folder(path: Path) -> bool:
    """Whether a file or a folder exists. Never raises."""
    return os.path.isfile(path) or os.path.isdir(path)


def dropped_paths(
    pasted: str, exists: Callable[[Path], bool] = is_file_or_folder
) -> tuple[Path, ...]:
    """The files and folders of a paste that has nothing but their absolute paths; else empty.
    Paths of other machines are not looked for.

    Terminals write a path plainly, in quotes, with backslashes, or as a `file://` URL; of
    several files one after the other, or each on a line.
    """
    text = pasted.strip()
    if not text or len(text) > _LONGEST or "\0" in text:
        return ()
    for words in ([text], text.splitlines(), _shell_words(text)):
        paths = [_path_of(word.strip()) for word in words if word.strip()]
        known = [path for path in paths if path is not None]
        if known and len(known) == len(paths) <= _MOST_PATHS and all(map(exists, known)):
            return tuple(dict.fromkeys(known))
    return ()


def _shell_words(text: str) -> list[str]:
    import shlex  # the composer is loaded before the first paint, and needs no shell

    try:
        return shlex.split(text, posix=os.name == "posix")
    except ValueError:
        return []


def _path_of(word: str) -> Path | None:
    """The absolute path that a word is; None for another word."""
    if word[:1] in "'\"" and word[-1:] == word[:1]:
        word = word[1:-1]
    if word.lower().startswith("file://"):
        try:
            parts = urlsplit(word)
        except ValueError:
            return None
        if parts.netloc not in ("", "localhost"):
            return None
        word = unquote(parts.path)
        if os.name == "nt":
            word = word.lstrip("/")
    if word.startswith(_NETWORK):
        return None
    path = typed_path(word) if word.startswith("~/") else Path(word)
    return path if path.is_absolute() else None
