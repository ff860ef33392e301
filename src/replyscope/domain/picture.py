"""Images: their format and dimensions, from the signature and header of their bytes."""

import struct

from replyscope.domain.values import dataclass

SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp"}
"""The media types of the image formats that are recognised, with the suffixes of files."""


ENOUGH = 512 * 1024
"""The bytes at the beginning of an image that have its dimensions, also behind metadata."""


@dataclass(frozen=True, slots=True)
class Picture:
    """The media type of an image and, where its header has them, its displayed dimensions in
    pixels: a photo may be stored on its side.
    """

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
        return Picture("image/webp", *_webp_size(data))
    return None


def _pair(form: str, data: bytes, at: int) -> tuple[int | None, int | None]:
    if len(data) < at + struct.calcsize(form):
        return None, None
    width, height = struct.unpack_from(form, data, at)
    return width, height


def _jpeg_size(data: bytes) -> tuple[int | None, int | None]:
    """The dimensions from the frame header, which follows other segments."""
    at, is_turned = 2, False
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = _pair(">HH", data, at + 5)
            return (height, width) if is_turned else (width, height)
        if marker == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
            is_turned = _exif_orientation(data[at + 10 : at + 2 + length]) >= _FIRST_TURNED
        at += 2 + max(2, length)
    return None, None


_ORIENTATION = 0x0112
_FIRST_TURNED = 5


def _exif_orientation(exif: bytes) -> int:
    """The orientation in EXIF data, from 1 to 8; from 5 on width and height are exchanged."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 8:
        return 1
    (at,) = struct.unpack_from(f"{order}I", exif, 4)
    if at + 2 > len(exif):
        return 1
    (count,) = struct.unpack_from(f"{order}H", exif, at)
    for entry in range(at + 2, min(at + 2 + 12 * count, len(exif) - 11), 12):
        tag, _, _, value = struct.unpack_from(f"{order}HHIH", exif, entry)
        if tag == _ORIENTATION:
            return int(value)
    return 1


def _webp_size(data: bytes) -> tuple[int | None, int | None]:
    """The dimensions from the first chunk, which has one of three forms."""
    kind, body = data[12:16], data[20:30]
    if len(body) < 10:
        return None, None
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    return None, None


def describe_picture(data: bytes) -> str:
    """Describes an image: format, dimensions, size."""
    picture = read_picture(data)
    if picture is None:
        return f"an image of an unknown type, {len(data):,} bytes"
    pixels = f" {picture.width}×{picture.height}" if picture.width else ""
    return f"{picture.media_type}{pixels}, {len(data):,} bytes"
