"""Pictures for tests, made with Pillow: two halves of different colours."""

import base64
import io
import struct
import zlib
from typing import Any

from PIL import Image

from replyscope.ui.pictures.grid import Grid

RED, BLUE = (248, 0, 0), (0, 0, 248)


def halves(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """A picture that is red on the left and blue on the right."""
    image = Image.new("RGB", (width, height), BLUE)
    image.paste(RED, (0, 0, width // 2, height))
    return image.convert(mode)


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    """The bytes of a picture."""
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def png(width: int = 16, height: int = 8) -> bytes:
    """A PNG of two halves."""
    return encoded(halves(width, height))


def data_uri(data: bytes, alt: str = "two halves") -> str:
    """A picture in Markdown."""
    return f"![{alt}](data:image/png;base64,{base64.b64encode(data).decode()})"


def bomb(side: int = 100_000) -> bytes:
    """A small PNG that says that it is large."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1_000)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def colors_at(pixels: bytes, grid: Grid) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The first and the last pixel of the first row."""
    end = 4 * grid.columns
    return tuple(pixels[:4]), tuple(pixels[end - 4 : end])
