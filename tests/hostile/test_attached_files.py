"""Hostile files to attach: each is a sentence, in bounded memory and time."""

import asyncio
import io
import os
import struct
import sys
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import pytest

from replyscope.cli.attaching import run_program
from replyscope.domain.errors import AttachmentError
from replyscope.domain.message import FilePart, ImagePart
from replyscope.domain.ports import Ran
from replyscope.domain.regular_file import open_regular
from replyscope.engine import attachments
from replyscope.engine.attachments import (
    MOST_BYTES,
    AttachmentReader,
    is_quick,
    read_attachment,
    read_folder,
)
from replyscope.engine.pdf_reading import read_pdf
from tests.hostile.bounds import bounded
from tests.support.attached import LINE, pdf, png, png_header

if sys.platform == "win32":
    pytest.skip("needs pipes with names", allow_module_level=True)

READER = AttachmentReader(run_program)


def zip_bomb() -> bytes:
    """An office file of some kB with a gigabyte of zeros."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", bytes(100_000_000))
    return out.getvalue()


def sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def text_bomb_png() -> bytes:
    """A PNG whose text chunk decompresses to 100 MB, before pixels that must be scaled."""
    head, rest = png(3_000, 10)[:33], png(3_000, 10)[33:]
    body = b"zTXt" + b"Comment\0\0" + zlib.compress(bytes(100_000_000), 9)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return head + chunk + rest


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "bomb.docx": (lambda path: path.write_bytes(zip_bomb()), "is an office file"),
    "bomb.zip": (lambda path: path.write_bytes(zip_bomb()), "is a ZIP archive"),
    "long.pdf": (
        lambda path: path.write_bytes(pdf([LINE], count=50_000)),
        "has 50,000 pages; the limit is 1,000",
    ),
    "broken.pdf": (
        lambda path: path.write_bytes(b"%PDF-1.7\nno objects"),
        "can't be read as a PDF",
    ),
    "liar.pdf": (
        lambda path: path.write_bytes(pdf([LINE]).replace(b"/Count 1", b"/Count 9")[:400]),
        "can't be read as a PDF",
    ),
    "bomb.png": (
        lambda path: path.write_bytes(png_header(60_000, 60_000)),
        "too large: 60,000×60,000 pixels",
    ),
    "short.png": (lambda path: path.write_bytes(png_header(9_000, 9_000)), "can't be decoded"),
    "text-bomb.png": (lambda path: path.write_bytes(text_bomb_png()), "can't be decoded"),
    "bomb.tiff": (lambda path: path.write_bytes(b"II*\0" + b"\xff" * 500), "can't be decoded"),
    "empty.png": (lambda path: path.touch(), "is empty: 0 bytes"),
    "huge.txt": (lambda path: sparse(path, MOST_BYTES + 1), "is larger than 20 MB"),
    "zeros.txt": (lambda path: sparse(path, 1_000), "is a binary file"),
    "latin.txt": (lambda path: path.write_bytes(b"caf\xe9"), "neither UTF-8 text"),
    "fifo": (os.mkfifo, "it is a pipe"),
    "loop": (lambda path: path.symlink_to(path), "can't be read"),
    "dangling": (lambda path: path.symlink_to("nowhere"), "does not exist"),
    "x" * 300: (lambda path: None, "can't be read"),
}


@pytest.mark.parametrize("name", FILES)
async def test_a_hostile_file_is_a_sentence(tmp_path: Path, name: str) -> None:
    make, said = FILES[name]
    make(tmp_path / name)
    started = time.monotonic()
    with bounded(longest_s=3.0), pytest.raises(AttachmentError, match=r"\.$") as raised:
        await READER.read(tmp_path / name)
    assert said in str(raised.value)
    is_quick(tmp_path / name)
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/proc/self/environ", "has no fixed content"),
        ("/proc/self/mem", "can't be read"),
        ("/proc/kcore", ""),
        ("/proc/kmsg", ""),
        ("/proc/self/fd/0", ""),
        ("/sys/kernel/notes", ""),
        ("/dev/zero", "it is a device"),
        ("/dev/tty", ""),
        ("/proc/self/root", ""),
        ("bad\0name", "can't be read"),
    ],
)
@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc")
async def test_a_file_of_the_system_is_a_sentence(path: str, said: str) -> None:
    with bounded(longest_s=3.0), pytest.raises(AttachmentError) as raised:
        await READER.read(Path(path))
    assert said in str(raised.value)


async def test_a_polyglot_is_what_its_first_bytes_say(tmp_path: Path) -> None:
    path = tmp_path / "picture.pdf"
    path.write_bytes(png() + pdf([LINE]) + zip_bomb()[:1_000])
    attached = await READER.read(path)
    assert isinstance(attached.parts[0], ImagePart)
    assert attached.notes == ("picture.pdf is PNG by its content, not PDF; it is attached as PNG.",)


def test_a_file_that_grows_is_attached_as_it_was_at_the_start(tmp_path: Path) -> None:
    path, stops = tmp_path / "log.txt", threading.Event()
    path.write_text("line\n" * 1_000)

    def grow() -> None:
        with path.open("a") as file:
            while not stops.is_set():
                file.write("line\n" * 1_000)
                file.flush()

    writer = threading.Thread(target=grow)
    writer.start()
    notes: list[str] = []
    try:
        while not notes:
            part = read_attachment(path, notes)
    except AttachmentError as error:
        assert "larger than 20 MB" in str(error)  # noqa: PT017 - the writer may be very fast
        return
    finally:
        stops.set()
        writer.join()
    assert isinstance(part, FilePart)
    assert set(part.text.splitlines()) <= {"line"}
    assert "was written to while it was read" in notes[0]


async def test_a_pdf_that_is_not_read_in_time_is_a_sentence_and_its_child_is_ended() -> None:
    data = pdf([f"{LINE} {n}" for n in range(900)])
    with pytest.raises(AttachmentError, match=r"was not read within 0\.05 s"):
        await read_pdf(run_program, "slow.pdf", data, longest_s=0.05)
    if sys.platform == "linux":
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        commands = [Path(f"/proc/{child}/cmdline").read_bytes() for child in children]
        assert not [command for command in commands if b"pdf_child.py" in command]


async def test_the_child_of_a_pdf_loads_nothing_of_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "io", "pypdfium2", "PIL", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("open('sprung', 'w')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
    part, _ = await read_pdf(run_program, "a.pdf", pdf([LINE]))
    assert LINE in part.text
    assert not (tmp_path / "sprung").exists()


def late_binary(path: Path, text: int) -> None:
    """A file of 19 MB that begins as text, and is binary after that many bytes."""
    path.write_bytes(b"x" * text)
    os.truncate(path, 19_000_000)


def test_a_file_of_a_folder_that_begins_as_binary_is_not_read_whole(tmp_path: Path) -> None:
    for number in range(7):
        late_binary(tmp_path / f"{number}.bin", 100)
    (tmp_path / "z.txt").write_text("text")
    read = read_folder(tmp_path)
    assert [part.name for part in read.parts] == [f"{tmp_path.name}/z.txt"]
    assert "7 files of other kinds" in read.notes[0]


def test_files_of_a_folder_that_are_read_and_left_out_count(tmp_path: Path) -> None:
    for number in range(7):
        late_binary(tmp_path / f"{number}.txt", 5_000)
    with bounded(longest_s=3.0), pytest.raises(AttachmentError, match="more than 100 MB"):
        read_folder(tmp_path)


def test_a_folder_of_thousands_of_folders_is_a_sentence(tmp_path: Path) -> None:
    for number in range(10_001):
        (tmp_path / str(number)).mkdir()
    with pytest.raises(AttachmentError, match="more than 10,000 files and folders"):
        read_folder(tmp_path)


async def test_the_reading_of_a_folder_ends_when_it_is_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        (tmp_path / f"{number}.txt").write_text("x")
    begun, goes_on, opened = threading.Event(), threading.Event(), list[Path]()

    def open_slowly(path: Path) -> BinaryIO:
        opened.append(path)
        begun.set()
        goes_on.wait(10)
        return open_regular(path)

    monkeypatch.setattr(attachments, "open_regular", open_slowly)
    task = asyncio.create_task(READER.read(tmp_path))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    goes_on.set()
    await asyncio.get_running_loop().shutdown_default_executor()
    assert len(opened) == 1


async def test_two_files_are_read_at_a_time(tmp_path: Path) -> None:
    running, most = 0, 0

    async def run(command: Sequence[str], *, given: bytes = b"", most_output: int = 0) -> Ran:
        nonlocal running, most
        running += 1
        most = max(most, running)
        ended = await run_program(command, given=given, most_output=most_output)
        running -= 1
        return ended

    (tmp_path / "a.pdf").write_bytes(pdf([LINE]))
    reader = AttachmentReader(run)
    await asyncio.gather(*(reader.read(tmp_path / "a.pdf") for _ in range(5)))
    assert most == 2
