"""Removes the content encoding of a copied body: gzip and deflate, and Brotli and zstd if their
libraries are installed.
"""

import importlib
import zlib
from collections.abc import Callable, Iterable
from typing import Any

from replyscope.domain.optional_modules import ZSTD

_MOST_ENCODINGS = 3
_ANY_HEADER = 47  # zlib detects gzip or zlib by the first bytes
_RAW = -15


class UnreadableBody(Exception):
    """A body that can't be decoded. The text is a clause."""


def encodings_in(headers: Iterable[tuple[str, str]]) -> str:
    """The content encodings of a message, separated by commas."""
    return ",".join(value for name, value in headers if name.lower() == "content-encoding")


class BodyDecoder:
    """Decodes the parts of one body, in order. The whole result has at most `most` bytes."""

    def __init__(self, encodings: str, most: int) -> None:
        """Raises UnreadableBody for an encoding that is not known."""
        names = [name.strip().lower() for name in encodings.split(",")]
        wanted = [name for name in reversed(names) if name not in ("", "identity")]
        if len(wanted) > _MOST_ENCODINGS:
            raise UnreadableBody(f"it has {len(wanted)} content encodings")
        self._steps = [_step_of(name) for name in wanted]
        self._room = most
        self.is_cut = False
        """Whether the body was larger than the limit; the rest was dropped."""

    def feed(self, data: bytes) -> bytes:
        """The decoded data. Raises UnreadableBody."""
        if self.is_cut:
            return b""
        for step in self._steps:
            try:
                data = step(data, self._room + 1)
            except (zlib.error, ValueError, EOFError) as error:
                raise UnreadableBody(f"its content encoding is damaged ({error})") from error
            self.is_cut |= len(data) > self._room
        self.is_cut |= len(data) > self._room
        data = data[: self._room]
        self._room -= len(data)
        return data


_Step = Callable[[bytes, int], bytes]


def _step_of(name: str) -> _Step:
    if name in ("gzip", "x-gzip", "deflate"):
        return _Inflating().feed
    try:
        if name == "br":
            return _Brotli(importlib.import_module("brotli")).feed
        if name == "zstd":
            return _Zstd(importlib.import_module(ZSTD)).feed
    except ImportError as error:
        hint = "Python needs the package replyscope[encodings] to read it"
        raise UnreadableBody(f"its content encoding is {name!r}; {hint}") from error
    raise UnreadableBody(f"its content encoding is {name[:20]!r}")


class _Brotli:
    """A decompressor of Brotli."""

    def __init__(self, library: Any) -> None:
        self._error = library.error
        self._decompressor = library.Decompressor()

    def feed(self, data: bytes, most: int) -> bytes:
        """Decompress up to about `most` bytes. Raises ValueError."""
        try:
            # What does not fit stays inside; the body is then cut, so nothing more is fed.
            return bytes(self._decompressor.process(data, output_buffer_limit=most))
        except self._error as error:
            raise ValueError(str(error)) from error


class _Zstd:
    """A decompressor of zstd. A body may have several frames."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._decompressor: Any = library.ZstdDecompressor()

    def feed(self, data: bytes, most: int) -> bytes:
        """Decompress up to `most` bytes. Raises ValueError."""
        made = bytearray()
        try:
            while data and len(made) < most:
                if self._decompressor.eof:
                    self._decompressor = self._library.ZstdDecompressor()
                made += self._decompressor.decompress(data, most - len(made))
                data = self._decompressor.unused_data
        except self._library.ZstdError as error:
            raise ValueError(str(error)) from error
        return bytes(made)


class _Inflating:
    """A decompressor of gzip and deflate. Gzip may have several members, deflate no header."""

    def __init__(self) -> None:
        self._inflate: Any = None
        self._start = b""

    def feed(self, data: bytes, most: int) -> bytes:
        """Decompress up to `most` bytes. Raises zlib.error."""
        made = bytearray()
        data, self._start = self._start + data, b""
        while data and len(made) < most:
            if self._inflate is None or self._inflate.eof:
                if len(data) < 2:
                    self._start = data
                    break
                self._inflate = zlib.decompressobj(_ANY_HEADER if _has_header(data) else _RAW)
            made += self._inflate.decompress(data, most - len(made))
            data = self._inflate.unused_data
        return bytes(made)


def _has_header(data: bytes) -> bool:
    """Whether data begin as gzip or zlib do; some servers send deflate without a header."""
    is_zlib = data[0] & 15 == 8 and int.from_bytes(data[:2], "big") % 31 == 0
    return is_zlib or data[:2] == b"\x1f\x8b"
