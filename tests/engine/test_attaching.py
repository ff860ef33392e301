"""What files and folders are attached as: scaled pictures, PDFs, recordings, notes about them."""

import io
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from replyscope.cli.attaching import run_program
from replyscope.domain.errors import AttachmentError
from replyscope.domain.exchange import Api
from replyscope.domain.message import AudioPart, DocumentPart, FilePart, ImagePart
from replyscope.domain.picture import read_picture
from replyscope.domain.ports import Ran
from replyscope.engine.attachments import AttachmentReader, ReadFiles
from replyscope.engine.pdf_reading import read_pdf
from replyscope.inspection.context import attachment_tokens
from replyscope.inspection.sent_as import form_of, rejections
from replyscope.toolbox.process import Ended
from tests.support.attached import LINE, pdf, pdf_form, png, wav

READER = AttachmentReader(run_program)
OPENAI = "https://api.openai.com/v1"


async def read(folder: Path, name: str, data: bytes) -> ReadFiles:
    (folder / name).write_bytes(data)
    return await READER.read(folder / name)


def converted(form: str, size: tuple[int, int] = (30, 20), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, form)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "size"),
    [
        ("wide.png", png(5_000, 1_000), (2_048, 410)),
        ("tall.jpg", converted("JPEG", (100, 3_000)), (68, 2_048)),
        ("flat.gif", converted("GIF", (4_096, 64), "P"), (2_048, 32)),
        ("scan.tiff", converted("TIFF"), (30, 20)),
        ("old.bmp", converted("BMP"), (30, 20)),
        ("grey.tif", converted("TIFF", (3_000, 10), "I;16"), (2_048, 7)),
        ("print.tif", converted("TIFF", (30, 20), "CMYK"), (30, 20)),
    ],
)
async def test_a_picture_is_scaled_or_converted_to_what_servers_take_and_that_is_said(
    tmp_path: Path, name: str, data: bytes, size: tuple[int, int]
) -> None:
    attached = await read(tmp_path, name, data)
    (part,) = attached.parts
    assert isinstance(part, ImagePart)
    header = read_picture(part.data)
    assert header is not None
    assert header.media_type == part.media_type
    assert part.media_type in ("image/png", "image/jpeg")
    assert (header.width, header.height) == size
    assert name in attached.notes[0]


GREYS = {
    "I;16": (65_535, "PNG"),
    "I;16B": (65_535, "TIFF"),
    "I": (65_535, "TIFF"),
    "F": (1.0, "TIFF"),
    "L": (255, "PNG"),
}


@pytest.mark.parametrize("mode", GREYS)
async def test_greys_of_many_bits_stay_greys(tmp_path: Path, mode: str) -> None:
    white, form = GREYS[mode]
    image = Image.new("F", (3_000, 30), 0.0)
    image.paste(white / 2, (1_000, 0, 2_000, 30))
    image.paste(white, (2_000, 0, 3_000, 30))
    out = io.BytesIO()
    (image if mode == "F" else image.convert("I").convert(mode)).save(out, form)
    (part,) = (await read(tmp_path, f"a.{form.lower()}", out.getvalue())).parts
    assert isinstance(part, ImagePart)
    with Image.open(io.BytesIO(part.data)) as scaled:
        grey = scaled.convert("L")
        found = [grey.getpixel((x, 10)) for x in (300, 1_024, 1_800)]
    assert found == [pytest.approx(value, abs=3) for value in (0, 127, 255)]


async def test_a_picture_that_servers_take_is_sent_byte_for_byte(tmp_path: Path) -> None:
    data = png(2_048, 40)
    attached = await read(tmp_path, "a.png", data)
    assert attached == ReadFiles((ImagePart("a.png", "image/png", data),))


async def test_a_photo_is_turned_upright_when_it_is_scaled(tmp_path: Path) -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (3_000, 1_500)).save(out, "JPEG", exif=exif)
    (part,) = (await read(tmp_path, "photo.jpg", out.getvalue())).parts
    assert isinstance(part, ImagePart)
    header = read_picture(part.data)
    assert header is not None
    assert (header.width, header.height) == (1_024, 2_048)


async def test_a_pdf_has_its_text_and_images_of_the_pages_that_text_does_not_describe(
    tmp_path: Path,
) -> None:
    pages = [f"{LINE} 1", "", f"{LINE} 3"]
    (part,) = (await read(tmp_path, "r.pdf", pdf(pages))).parts
    assert isinstance(part, DocumentPart)
    assert part.text == f"[page 1]\n{LINE} 1\n\n[page 3]\n{LINE} 3"
    assert [page.name for page in part.pages] == ["r.pdf page 2.jpg"]
    assert read_picture(part.pages[0].data) is not None
    assert part.page_count == 3
    assert form_of(part, OPENAI, Api.CHAT) == "3 pages, as PDF"
    assert form_of(part, "http://127.0.0.1/v1", Api.RESPONSES) == "3 pages, as PDF"
    local = form_of(part, "http://127.0.0.1/v1", Api.CHAT)
    assert local == "3 pages, as text and 1 page image"
    assert form_of(part, OPENAI, Api.CHAT, learned="text") == local


def dark(picture: ImagePart, top: float, bottom: float) -> int:
    """The number of dark pixels of a page image, between two fractions of its height."""
    with Image.open(io.BytesIO(picture.data)) as image:
        grey = image.convert("L")
        band = grey.crop((0, int(grey.height * top), grey.width, int(grey.height * bottom)))
        return sum(band.histogram()[:100])


async def test_the_answers_in_a_form_are_in_the_page_image(tmp_path: Path) -> None:
    counts = []
    for answer in ("", "Ada Lovelace"):
        (part,) = (await read(tmp_path, "form.pdf", pdf_form(answer))).parts
        assert isinstance(part, DocumentPart)
        assert LINE in part.text
        (page,) = part.pages
        counts.append(dark(page, 0.55, 0.7))
    assert counts[0] < 50 < counts[1] - counts[0]


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of resources")
@pytest.mark.parametrize("limit", ["-v 1200000", "-t 30"])
async def test_a_pdf_is_read_below_a_limit_of_the_system(limit: str) -> None:
    async def run_limited(
        command: Sequence[str], *, given: bytes = b"", most_output: int = 0
    ) -> Ran:
        shell = ("/bin/sh", "-c", f'ulimit {limit}; exec "$@"', "sh", *command)
        return await run_program(shell, given=given, most_output=most_output)

    part, _ = await read_pdf(run_limited, "a.pdf", pdf([LINE]))
    assert LINE in part.text


async def test_page_images_beyond_the_limit_of_output_are_left_out_and_counted() -> None:
    data = pdf(["", LINE, ""])

    async def run_cut(command: Sequence[str], *, given: bytes = b"", most_output: int = 0) -> Ran:
        whole = await run_program(command, given=given, most_output=most_output)
        return Ended(-9, whole.output[:-10], b"", is_flooding=True)

    part, note = await read_pdf(run_cut, "a.pdf", data)
    assert [page.name for page in part.pages] == ["a.pdf page 1.jpg"]
    assert "1 page of a.pdf" in note


async def test_pages_without_an_image_are_said(tmp_path: Path) -> None:
    attached = await read(tmp_path, "scan.pdf", pdf([""] * 23))
    (part,) = attached.parts
    assert isinstance(part, DocumentPart)
    assert len(part.pages) == 20
    assert "3 pages" in attached.notes[0]


async def test_recordings_are_known_by_their_bytes(tmp_path: Path) -> None:
    (sound,) = (await read(tmp_path, "a.wav", wav())).parts
    (song,) = (await read(tmp_path, "b.mp3", b"ID3\x04\0")).parts
    assert sound == AudioPart("a.wav", "audio/wav", wav())
    assert song == AudioPart("b.mp3", "audio/mpeg", b"ID3\x04\0")
    assert rejections((sound,), OPENAI, Api.RESPONSES, "gpt-5")
    assert rejections((sound,), OPENAI, Api.CHAT, "gpt-5")
    assert not rejections((sound,), OPENAI, Api.CHAT, "gpt-audio")
    assert not rejections((sound,), "http://127.0.0.1/v1", Api.CHAT, "qwen-omni")


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        ("gpt-5", True),
        ("gpt-4o", True),
        ("gpt-4.1-mini", True),
        ("o3", True),
        ("llama-3.2-11b-vision-instruct", True),
        ("llava", True),
        ("gpt-3.5-turbo", False),
        ("o3-mini", False),
        ("openai/gpt-oss-20b", False),
        ("deepseek-chat", False),
        ("llama-3.1-8b-instruct", False),
    ],
)
def test_models_that_take_no_images_are_known(model: str, takes: bool) -> None:
    said = rejections((ImagePart("i.png", "image/png", png()),), OPENAI, Api.CHAT, model)
    assert (not said) == takes


async def test_a_folder_has_its_files_by_their_paths_without_hidden_ones_and_links(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "src"
    (folder / "deep").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "a.py").write_text("a")
    (folder / "deep" / "b.py").write_text("b")
    (folder / ".git" / "config").write_text("hidden")
    (folder / "i.png").write_bytes(png())
    (folder / "x.bin").write_bytes(b"\0\xff")
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "out").symlink_to(tmp_path)
    attached = await READER.read(folder)
    assert [part.name for part in attached.parts] == ["src/a.py", "src/i.png", "src/deep/b.py"]
    assert "secret" not in repr(attached.parts)
    assert attached.notes == (
        "Left out of src: 1 file of other kinds.",
        "Left out of src: 1 symbolic link.",
    )


async def test_a_folder_with_nothing_to_attach_or_too_much_is_said(tmp_path: Path) -> None:
    with pytest.raises(AttachmentError, match="no file"):
        await READER.read(tmp_path)
    for number in range(101):
        (tmp_path / f"{number}.txt").write_text("x")
    with pytest.raises(AttachmentError, match="more than 100 files"):
        await READER.read(tmp_path)


async def test_a_file_whose_name_is_wrong_is_said(tmp_path: Path) -> None:
    attached = await read(tmp_path, "x.pdf", png())
    assert isinstance(attached.parts[0], ImagePart)
    assert "x.pdf is PNG by its content" in attached.notes[0]
    text = await read(tmp_path, "fake.png", b"just text")
    assert text.parts == (FilePart("fake.png", "just text"),)
    assert "fake.png is text by its content" in text.notes[0]


@pytest.mark.parametrize(
    ("part", "tokens"),
    [
        (FilePart("a", "x" * 400), 100),
        (ImagePart("i", "image/png", png(512, 512)), 255),
        (ImagePart("i", "image/png", png(2_048, 1_024)), 1_105),
        (AudioPart("s", "audio/mpeg", bytes(160_000)), 100),
        (AudioPart("s", "audio/mpeg", b"ID3"), 1),
        (AudioPart("s", "audio/wav", wav(seconds=3)), 31),
        (FilePart("a", "hi"), 1),
        (DocumentPart("d", b"", "x" * 400, (ImagePart("p", "", png(512, 512)),), 2), 355),
    ],
)
def test_tokens_are_estimated(part: FilePart, tokens: int) -> None:
    assert attachment_tokens(part) == tokens


async def test_text_that_begins_like_a_recording_is_text(tmp_path: Path) -> None:
    for text in ("ID3", "ID3 is a format of tags\n", "ID34"):
        (part,) = (await read(tmp_path, "notes.txt", text.encode())).parts
        assert part == FilePart("notes.txt", text)
