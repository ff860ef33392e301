"""Reads compressed files, recognised by their first bytes: gzip, and zstd if its library is
installed. What they unpack to is bounded, since a few bytes may stand for any number.
"""

import gzip
import importlib
import io
import zipfile
from collections.abc import Callable, Sequence
from typing import IO, Any

from replyscope.domain.errors import ImportFault, NeedsLibrary
from replyscope.domain.import_format import ImportedFile
from replyscope.domain.optional_modules import ZSTD

_ENDS = (".gz", ".zst")
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_MOST_BYTES = 4_000_000_000
_MOST_RATIO = 100
"""Files unpack to at most 4 GB, or to 100 times their size if that is more."""


def plain_name(name: str) -> str:
    """The name of a file without the ending of its compression."""
    return next((name.removesuffix(end) for end in _ENDS if name.endswith(end)), name)


def unpacked(opening: Callable[[], IO[bytes]], name: str, size: int) -> IO[bytes]:
    """Open a file, and unpack it if it is compressed. Raises NeedsLibrary, OSError, and while it
    is read ImportFault for one that is too large.
    """
    opened = opening()
    try:
        head = opened.read(len(_ZSTD))
        opened.seek(0)
        if head.startswith(_GZIP):
            inner: Any = gzip.GzipFile(fileobj=opened)
            return _Unpacked(opened, inner, name, _most(size), ())  # type: ignore[return-value]
        if head == _ZSTD:
            library = _zstd_library(name)
            inner = library.ZstdFile(opened)
            errors = (library.ZstdError,)
            return _Unpacked(opened, inner, name, _most(size), errors)  # type: ignore[return-value]
    except BaseException:
        opened.close()
        raise
    return opened


def check_zip(name: str, size: int, files: Sequence[ImportedFile]) -> None:
    """Raise ImportFault if the files of a zip unpack to too many bytes. The sizes in its index
    bound what is read.
    """
    whole = sum(file.size for file in files)
    if whole > _most(size):
        raise ImportFault(
            f"{name} has {size / 1e6:,.1f} MB and would unpack to {whole / 1e9:,.0f} GB.",
            "Unpack it, and import the folder.",
        )


def can_read(info: zipfile.ZipInfo) -> bool:
    """Whether a member of a zip is a regular file: a symbolic link holds only a path."""
    kind = info.external_attr >> 28
    # A damaged name can be empty, at which `is_dir` of Python 3.11 fails.
    return bool(info.filename) and not info.is_dir() and kind in (0, 8)


def _most(size: int) -> int:
    return max(_MOST_BYTES, _MOST_RATIO * size)


def _zstd_library(name: str) -> Any:
    try:
        return importlib.import_module(ZSTD)
    except ImportError as error:
        raise NeedsLibrary(
            f"{name} is compressed with zstd, and Python needs the package "
            "replyscope[encodings] to read it.",
            "Install it: `pip install 'replyscope[encodings]'`.",
        ) from error


class _Unpacked(io.BufferedIOBase):
    """The unpacked bytes of a file. Its position is that in the compressed file, for progress."""

    def __init__(
        self,
        opened: IO[bytes],
        inner: IO[bytes],
        name: str,
        most: int,
        errors: tuple[type[Exception], ...],
    ) -> None:
        self._opened = opened
        self._inner = inner
        self._name = name
        self._left = most
        self._errors = errors

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes. Raises ImportFault, OSError, EOFError, and zlib.error."""
        wanted = self._left + 1 if size is None or size < 0 else min(size, self._left + 1)
        try:
            data = self._inner.read(wanted)
        except self._errors as error:
            raise OSError(None, f"its compression is damaged: {error}") from error
        self._left -= len(data)
        if self._left < 0:
            raise ImportFault(f"{self._name} unpacks to too many bytes.", "Unpack it yourself.")
        return data

    def read1(self, size: int = -1, /) -> bytes:
        """The next bytes, as `read`."""
        return self.read(io.DEFAULT_BUFFER_SIZE if size < 0 else size)

    def tell(self) -> int:
        """The position in the compressed file."""
        return self._opened.tell()

    def close(self) -> None:
        """Close both files."""
        if not self.closed:
            self._inner.close()
            self._opened.close()
        super().close()
