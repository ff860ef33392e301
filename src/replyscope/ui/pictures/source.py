"""Pictures that can be drawn: their bytes, and fields of their headers. Nothing is downloaded."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from replyscope.domain.exchange import ReplyImage
from replyscope.domain.picture import ENOUGH, SUFFIXES, Picture, read_picture
from replyscope.domain.regular_file import open_regular, read_regular

MOST_BYTES = 64_000_000
MOST_PIXELS = 50_000_000
_SUFFIX = re.compile(r"\.(wav|mp3|ogg|flac|pdf|csv|tsv|txt|md|json|xlsx|docx|pptx)")
"""Suffixes of files that a viewer only shows. Files of other kinds may be programs."""
_KEPT_NAME = re.compile(r"[0-9a-f]{16}")


class PictureError(Exception):
    """A picture that cannot be drawn; the message is a sentence."""


@dataclass(frozen=True)
class PictureSource:
    """A picture in memory, or in a file if `path` is set. `name` is its file name."""

    name: str
    data: bytes = b""
    path: str = ""

    @cached_property
    def key(self) -> str:
        """The hash of the content: the name of a kept file, too."""
        if not self.path:
            return hashlib.sha256(self.data).hexdigest()[:16]
        stem = Path(self.path).stem
        return stem if _KEPT_NAME.fullmatch(stem) else self.path

    @cached_property
    def header(self) -> Picture:
        """The format and the dimensions. Raises PictureError if it cannot be drawn."""
        head = self._head()
        if not head:
            raise PictureError("The picture is empty: 0 bytes.")
        picture = read_picture(head)
        if picture is None:
            raise PictureError("This is not a PNG, JPEG, GIF or WebP picture.")
        if not picture.width or not picture.height:
            raise PictureError("The picture is damaged: its header has no size.")
        if picture.width * picture.height > MOST_PIXELS:
            raise PictureError(
                f"Too large to draw: {picture.width:,}×{picture.height:,} pixels, "
                f"the limit is {MOST_PIXELS // 1_000_000} million."
            )
        return picture

    def _head(self) -> bytes:
        if not self.path:
            return self.data[:ENOUGH]
        try:
            with open_regular(Path(self.path)) as file:
                return file.read(ENOUGH)
        except (OSError, ValueError) as error:  # a path with a NUL is a ValueError
            raise _unreadable(error) from error

    def read(self) -> bytes:
        """All bytes. Raises PictureError."""
        if not self.path:
            return self.data
        try:
            return read_regular(Path(self.path), MOST_BYTES)
        except (OSError, ValueError) as error:
            raise _unreadable(error) from error

    @property
    def file_name(self) -> str:
        """A safe name for a file of the picture, with the suffix of its format."""
        picture = read_picture(self._head())
        kept = Path(self.path).suffix if _SUFFIX.fullmatch(Path(self.path).suffix) else ".bin"
        suffix = SUFFIXES[picture.media_type] if picture is not None else kept
        return f"{self.key if _KEPT_NAME.fullmatch(self.key) else 'picture'}{suffix}"


def _unreadable(error: OSError | ValueError) -> PictureError:
    why = getattr(error, "strerror", None) or error
    return PictureError(f'The file of the picture can\'t be read: "{why}".')


def encoded_picture(name: str, encoded: str) -> PictureSource:
    """A picture from its base64; without bytes if the base64 is invalid."""
    try:
        return PictureSource(name, base64.b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (binascii.Error, ValueError):
        return PictureSource(name, b"")


@lru_cache(maxsize=8)  # a reply that streams is built anew for each frame
def reply_picture(image: ReplyImage) -> PictureSource | None:
    """The picture of a reply, None if only its address is known."""
    if image.path:
        return PictureSource(image.name or Path(image.path).name, path=image.path)
    return encoded_picture(image.name or "image", image.data) if image.data else None
