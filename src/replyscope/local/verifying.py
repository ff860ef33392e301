"""Checks that weights are the published file, each time before they are loaded.

Hashing a gigabyte takes seconds, so the verdict is kept beside the weights. It holds for
the file as it is: size, inode, and the times of its last change and of its last touch.
"""

import hashlib
import json
import os
from pathlib import Path

from replyscope.domain.errors import LocalModelError
from replyscope.domain.regular_file import write_own
from replyscope.local.catalogue import Weights

_BLOCK = 1 << 20


def verify_weights(path: Path, weights: Weights) -> None:
    """Raise LocalModelError unless a file is what was published. Blocks, for seconds when
    the file was changed or is new.
    """
    try:
        is_right = _is_published(path, weights)
    except OSError as error:
        raise LocalModelError(f"{path} can't be read ({error.strerror}).") from error
    if not is_right:
        raise LocalModelError(
            f"{path.name} is not the published file any more, and was not loaded.",
            f"Run `replyscope local remove {weights.name}`, then `install` it again.",
        )


def note_verified(path: Path, weights: Weights) -> None:
    """Keep the verdict about a file that was hashed just now. Raises OSError."""
    _write(path, _state(path, weights))


def _is_published(path: Path, weights: Weights) -> bool:
    state = _state(path, weights)
    if path.stat().st_size != weights.size:
        return False
    if _read(path) == state:
        return True
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    if digest.hexdigest() != weights.sha256 or _state(path, weights) != state:
        return False
    try:
        _write(path, state)
    except OSError:
        pass  # a folder that can't be written to costs the time again
    return True


def _state(path: Path, weights: Weights) -> list[object]:
    found = path.stat()
    return [weights.sha256, found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]


def _verdict_path(path: Path) -> Path:
    return path.with_suffix(".verified")


def _read(path: Path) -> object:
    try:
        return json.loads(_verdict_path(path).read_text(encoding="utf-8")[:300])
    except (OSError, ValueError):
        return None


def _write(path: Path, state: list[object]) -> None:
    verdict = _verdict_path(path)
    partial = verdict.with_suffix(f".{os.getpid()}")
    with write_own(partial) as file:
        file.write(json.dumps(state).encode())
    partial.replace(verdict)
