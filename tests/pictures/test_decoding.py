"""Which pictures are drawn, how large, and what is said of the others."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from replyscope.ui.pictures.decode import decode_pixels, encode_png
from replyscope.ui.pictures.grid import MOST_COLUMNS, MOST_ROWS, Grid, fit_grid
from replyscope.ui.pictures.half_blocks import half_block_rows
from replyscope.ui.pictures.source import PictureError, PictureSource
from tests.pictures.making import BLUE, RED, bomb, colors_at, encoded, halves, png

FRAMES = [halves(16, 8), Image.new("RGB", (16, 8), (0, 248, 0))]
TURNED = Image.Exif()
TURNED[0x0112] = 6
FORMATS = {
    "PNG": encoded(halves(16, 8)),
    "PNG with a palette": encoded(halves(16, 8, "P")),
    "PNG with transparency": encoded(halves(16, 8, "RGBA")),
    "JPEG": encoded(halves(16, 8), "JPEG", quality=95, subsampling=0),
    "JPEG in CMYK": encoded(halves(16, 8, "CMYK"), "JPEG", quality=95, subsampling=0),
    "JPEG with long metadata": encoded(
        halves(16, 8), "JPEG", quality=95, icc_profile=b"x" * 90_000
    ),
    "GIF": encoded(halves(16, 8), "GIF"),
    "animated GIF": encoded(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]),
    "WebP": encoded(halves(16, 8), "WEBP", lossless=True),
    "WebP with loss": encoded(halves(16, 8), "WEBP", quality=95),
    "WebP with transparency": encoded(halves(16, 8, "RGBA"), "WEBP", lossless=True, exact=True),
    "animated WebP": encoded(
        FRAMES[0], "WEBP", save_all=True, append_images=FRAMES[1:], lossless=True
    ),
}
GRID = Grid(16, 4)


def is_near(pixel: tuple[int, ...], color: tuple[int, int, int]) -> bool:
    return pixel[3] == 255 and all(abs(a - b) < 40 for a, b in zip(pixel, color, strict=False))


@pytest.mark.parametrize("data", FORMATS.values(), ids=FORMATS)
def test_the_first_frame_of_each_format_is_drawn_in_the_size_of_its_header(data: bytes) -> None:
    source = PictureSource("picture", data)
    header = source.header
    assert (header.width, header.height) == (16, 8)
    assert fit_grid(16, 8, 80) == GRID
    first, last = colors_at(decode_pixels(data, GRID), GRID)
    assert is_near(first, RED), first
    assert is_near(last, BLUE), last


def test_a_photo_that_is_stored_on_its_side_is_drawn_upright() -> None:
    data = encoded(halves(16, 8), "JPEG", quality=95, subsampling=0, exif=TURNED)
    header = PictureSource("photo", data).header
    assert (header.width, header.height) == (8, 16)
    grid = fit_grid(8, 16, 80)
    pixels = decode_pixels(data, grid)
    assert is_near(tuple(pixels[:4]), RED)
    assert is_near(tuple(pixels[-4:]), BLUE)


SIZES = {
    (1, 1): Grid(1, 1),
    (16, 16): Grid(16, 8),
    (640, 480): Grid(53, 20),
    (4000, 10): Grid(80, 1),
    (50_000, 1): Grid(80, 1),
    (10, 4000): Grid(1, 20),
    (1, 50_000): Grid(1, 20),
}


@pytest.mark.parametrize(("size", "grid"), SIZES.items())
def test_a_picture_fits_into_twenty_rows_and_keeps_its_shape(
    size: tuple[int, int], grid: Grid
) -> None:
    assert fit_grid(*size, 100) == grid
    data = encoded(halves(*size))
    assert len(half_block_rows(decode_pixels(data, grid), grid)) == grid.rows
    assert PictureSource("png", encode_png(data, grid)).header.media_type == "image/png"


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 300))
def test_no_picture_is_larger_than_its_place(width: int, height: int, room: int) -> None:
    grid = fit_grid(width, height, room)
    assert 1 <= grid.columns <= min(room, MOST_COLUMNS)
    assert 1 <= grid.rows <= MOST_ROWS


def test_equal_cells_are_one_segment_and_transparent_ones_have_no_colour() -> None:
    image = halves(4, 3, "RGBA")
    image.putpixel((0, 0), (0, 0, 0, 0))
    image.putpixel((1, 1), (0, 0, 0, 0))
    grid = Grid(4, 2)
    pixels = image.tobytes() + bytes(16)  # the last row of cells is half empty
    first, second = half_block_rows(pixels, grid)
    assert [segment.text for segment in first] == ["▄", "▀", "▀▀"]
    assert first[0].style is not None
    assert first[0].style.bgcolor is None
    assert [segment.text for segment in second] == ["▀▀", "▀▀"]
    assert half_block_rows(bytes(32), Grid(4, 1)) == [[(" " * 4, None, None)]]


UNKNOWN = "This is not a PNG, JPEG, GIF or WebP picture."
DAMAGED = "The picture is damaged and cannot be drawn."
FAULTS = {
    "no bytes": (b"", "The picture is empty: 0 bytes."),
    "text": (b"hello", UNKNOWN),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", UNKNOWN),
    "a signature alone": (png()[:8], "The picture is damaged: its header has no size."),
    "a size of 0": (encoded(halves(4, 4), "GIF")[:6] + bytes(4), "its header has no size."),
    "a bomb": (bomb(), "Too large to draw: 100,000×100,000 pixels, the limit is 50 million."),
    "half a PNG": (png(640, 480)[:200], DAMAGED),
    "half a JPEG": (encoded(halves(640, 480), "JPEG")[:900], DAMAGED),
    "a header of WebP": (FORMATS["WebP"][:40], DAMAGED),
    "less than its header says": (bomb(2_000), DAMAGED),
}


@pytest.mark.parametrize(("data", "sentence"), FAULTS.values(), ids=FAULTS)
def test_what_cannot_be_drawn_is_one_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(PictureError) as raised:
        decode(data)
    assert str(raised.value).endswith(sentence)
    assert "\n" not in str(raised.value)


def decode(data: bytes) -> bytes:
    source = PictureSource("picture", data)
    header = source.header
    assert header.width is not None
    assert header.height is not None
    return decode_pixels(source.read(), fit_grid(header.width, header.height, 80))


@given(st.sampled_from(sorted(FORMATS)), st.integers(0, 4_000), st.binary(min_size=1, max_size=20))
def test_damaged_bytes_are_drawn_or_refused_in_words(form: str, at: int, damage: bytes) -> None:
    data = FORMATS[form]
    at %= len(data)
    assert drawn_or_refused(data[:at] + damage + data[at + len(damage) :])


def drawn_or_refused(data: bytes) -> object:
    """The pixels, or the sentence; any other exception is a fault."""
    try:
        return decode(data)
    except PictureError as error:
        return str(error)


def test_a_picture_in_a_file_is_the_one_with_the_same_content(tmp_path: Path) -> None:
    in_memory = PictureSource("a", png())
    path = tmp_path / f"{in_memory.key}.png"
    path.write_bytes(png())
    in_file = PictureSource("b", path=str(path))
    assert in_file.key == in_memory.key
    assert in_file.header == in_memory.header
    assert in_file.read() == png()
    assert in_file.file_name == in_memory.file_name == path.name


def test_a_missing_file_is_named_as_the_cause(tmp_path: Path) -> None:
    source = PictureSource("a", path=str(tmp_path / "missing.png"))
    for read in (lambda: source.header, source.read):
        with pytest.raises(PictureError, match="No such file or directory"):
            read()
