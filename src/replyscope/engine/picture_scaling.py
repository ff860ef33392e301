"""Scales and converts images to what the APIs accept, with Pillow. Slow: call it in a thread."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

from replyscope.domain.errors import AttachmentError
from replyscope.domain.message import ImagePart
from replyscope.domain.picture import ENOUGH, read_picture

if TYPE_CHECKING:
    from PIL.Image import Image

LONGEST_SIDE = 2_048
"""The greatest width and height in pixels that servers use: they scale larger images themselves."""
MOST_BYTES = 4_500_000
MOST_PIXELS = 100_000_000
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")
_QUALITY = 88
_WHITE = {"I": 65_535.0, "F": 1.0}
"""The value of white by Pillow's mode."""


def needs_scaling(data: bytes, size: int) -> bool:
    """Whether an image of `size` bytes, which begins with `data`, is larger than servers use.

    Raises AttachmentError if it has too many pixels to decode.
    """
    picture = read_picture(data[:ENOUGH])
    width, height = (picture.width, picture.height) if picture is not None else (None, None)
    if not width or not height:
        return size > MOST_BYTES
    _check_pixels(width, height)
    return size > MOST_BYTES or max(width, height) > LONGEST_SIDE


def scale_picture(name: str, data: bytes) -> ImagePart:
    """The first frame of an image as PNG or JPEG, upright, and as small as servers use it.

    Raises AttachmentError.
    """
    from PIL import Image, ImageOps  # at the first picture: the start does not need it

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is damaged is found below
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                _check_pixels(*image.size)
                image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a JPEG decodes faster reduced
                upright = ImageOps.exif_transpose(image)
                if upright.mode == "P":  # a palette has no colours between two
                    upright = upright.convert("RGBA")
                if upright.mode.startswith("I;"):
                    upright = upright.convert("I")
                black, white = _range_of(upright)  # scaling adds values beyond it
                upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
                if upright.mode in _WHITE:
                    upright = _in_eight_bits(upright, black, white)
                media_type, encoded = _encode(upright, is_photo=image.format == "JPEG")
    except AttachmentError:
        raise
    # Pillow's decoders raise almost anything for damaged files.
    except Exception as error:
        why = "no picture is in it" if "BytesIO" in str(error) else str(error)[:200]
        raise AttachmentError(
            f'{name} can\'t be decoded as a picture ("{why}").',
            "Open it in a viewer: it may be damaged.",
        ) from error
    return ImagePart(name, media_type, encoded)


def _check_pixels(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise AttachmentError(
            f"The picture is too large: {width:,}×{height:,} pixels; "
            f"the limit is {MOST_PIXELS // 1_000_000} million.",
            "Scale it first.",
        )


def _range_of(image: Image) -> tuple[float, float]:
    """The values of black and white of an image with many bits a pixel. Integers have 16 bits,
    fractions are parts of 1; other values make a range of their own.
    """
    white = _WHITE.get(image.mode)
    if white is None:
        return 0.0, 255.0
    low, high = (float(str(value)) for value in image.getextrema())
    return (0.0, white) if low >= 0 and high <= white else (low, high)


def _in_eight_bits(image: Image, black: float, white: float) -> Image:
    """The image with 8 bits a pixel. Pillow's own conversion makes all above 255 white."""
    scale = 255 / ((white - black) or 1)
    return image.convert("F").point(lambda value: value * scale - black * scale).convert("L")


def _encode(image: Image, *, is_photo: bool) -> tuple[str, bytes]:
    """Lossless for drawings and screenshots, unless that is too large."""
    out = io.BytesIO()
    if not is_photo:
        keeps = ("L", "LA", "P", "RGB", "RGBA")
        (image if image.mode in keeps else image.convert("RGBA")).save(out, "PNG")
        if out.tell() <= MOST_BYTES:
            return "image/png", out.getvalue()
        out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=_QUALITY)
    return "image/jpeg", out.getvalue()
