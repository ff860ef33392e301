"""Verifies the SHA-256 of weights before each load, with a cache of the result.

Hashing a gigabyte takes seconds, so the result is cached in a file next to the weights. It is
valid while the size, inode, mtime and ctime of the weights are the same.
"""

import hashlib
import json
from pathlib import Path

from replyscope.domain.errors import LocalModelError
from replyscope.domain.whole_file import write_whole
from replyscope.local.catalogue import Weights

_BLOCK = 1 << 20


def verify_weights(path: Path, weights: Weights) -> None:
    """Raise LocalModelError unless a file has the published hash.

    Blocks for seconds when the result is not cached.
    """
    try:
        is_right = _is_published(path, weights)
    except OSError as error:
        raise LocalModelError(f"{path} can't be read ({error.strerror}).") from error
    if not is_right:
        raise LocalModelError(
            f"{path.name} differs from the published file and was not loaded.",
            f"Run `replyscope local remove {weights.name}`, then `install` it again.",
        )


def note_verified(path: Path, weights: Weights) -> None:
    """Cache the result for a file that was just hashed. Raises OSError."""
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
        pass  # in a read-only folder the file is hashed each time
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
    write_whole(_verdict_path(path), json.dumps(state).encode())
