"""Images: their format and dimensions, from the signature and header of their bytes."""

import struct
from dataclasses import dataclass

SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp"}
"""The media types of the image formats that are recognised, with the suffixes of files."""


@dataclass(frozen=True, slots=True)
class Picture:
    """The media type of an image and, where its header has them, its dimensions in pixels."""

    media_type: str
    width: int | None = None
    height: int | None = None


def read_picture(data: bytes) -> Picture | None:
    """The format of PNG, JPEG, GIF and WebP images; None for other bytes."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return Picture("image/png", *_pair(">II", data, 16))
    if data.startswith((b"GIF87a", b"GIF89a")):
        return Picture("image/gif", *_pair("<HH", data, 6))
    if data.startswith(b"\xff\xd8\xff"):
        return Picture("image/jpeg", *_jpeg_size(data))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Picture("image/webp")
    return None


def _pair(form: str, data: bytes, at: int) -> tuple[int | None, int | None]:
    if len(data) < at + struct.calcsize(form):
        return None, None
    width, height = struct.unpack_from(form, data, at)
    return width, height


def _jpeg_size(data: bytes) -> tuple[int | None, int | None]:
    """The dimensions from the frame header, which follows other segments."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = _pair(">HH", data, at + 5)
            return width, height
        at += 2 + max(2, length)
    return None, None


def describe_picture(data: bytes) -> str:
    """Describes an image: format, dimensions, size."""
    picture = read_picture(data)
    if picture is None:
        return f"an image of an unknown type, {len(data):,} bytes"
    pixels = f" {picture.width}×{picture.height}" if picture.width else ""
    return f"{picture.media_type}{pixels}, {len(data):,} bytes"
