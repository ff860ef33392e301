"""Files as message parts, read when a person attaches them.

Only regular files are read, each within limits of bytes, pixels and time.
"""

import asyncio
import codecs
import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from threading import Event

from replyscope.domain.errors import AttachmentError
from replyscope.domain.message import Attachment, AudioPart, FilePart, ImagePart, byte_size
from replyscope.domain.picture import ENOUGH
from replyscope.domain.plural import plural
from replyscope.domain.ports import RunProgram
from replyscope.domain.regular_file import open_regular
from replyscope.domain.system_words import system_words
from replyscope.domain.typed_path import typed_path
from replyscope.domain.unicode_text import sound
from replyscope.domain.values import dataclass
from replyscope.engine.file_kinds import HEAD, FileKind, KnownFile, kind_of, misnamed
from replyscope.engine.picture_scaling import needs_scaling, scale_picture

MOST_BYTES = 20_000_000
MOST_FILES = 100
_MOST_SEEN = 10_000
_MOST_READ = 5 * MOST_BYTES
"""The bytes of a folder's files that are read, including files that are then left out."""
_MOST_AT_ONCE = 2
_MOST_QUICK = 1_000_000
_MOST_LISTED = 30


@dataclass(frozen=True, slots=True)
class ReadFiles:
    """The parts for a file or a folder, and sentences about what was changed or left out."""

    parts: tuple[Attachment, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Content:
    """The bytes of a file. `grew` is whether it was written to while it was read."""

    data: bytes
    grew: bool = False


def read_attachment(path: Path, notes: list[str] | None = None) -> Attachment:
    """The part for a file that needs no child process: all but PDFs. Blocks. Sentences about
    what was changed are appended to `notes`. Raises AttachmentError for a file that can't be sent.
    """
    part, found = _part_with_notes(sound(path.name), _read(path, has_pdfs=False))
    if notes is not None:
        notes += found
    return part


def _part_with_notes(name: str, content: _Content) -> tuple[Attachment, list[str]]:
    known, notes = _kind_with_notes(name, content)
    part, note = _part_of(name, content.data, known)
    return part, list(filter(None, (*notes, note)))


def _kind_with_notes(name: str, content: _Content) -> tuple[KnownFile, list[str]]:
    known = kind_of(content.data[:HEAD], name)
    notes = [misnamed(name, known)]
    if content.grew:
        notes.append(f"{name} was written to while it was read; the first part is attached.")
    return known, notes


def _part_of(name: str, data: bytes, known: KnownFile) -> tuple[Attachment, str]:
    """The part for the content of a file, and a note if it was changed. Raises AttachmentError."""
    match known.kind:
        case FileKind.PICTURE if not needs_scaling(data, len(data)):
            return ImagePart(name, known.media_type, data), ""
        case FileKind.PICTURE | FileKind.CONVERTED_PICTURE:
            part = scale_picture(name, data)
            what = "converted" if known.kind is FileKind.CONVERTED_PICTURE else "scaled down"
            return part, f"{name} was {what} to a {part.media_type[6:].upper()} for the server."
        case FileKind.AUDIO:
            return AudioPart(name, known.media_type, data), ""
        case FileKind.PDF:
            raise _no_pdf(name)
        case _:
            return FilePart(name, _decode(name, data)), ""


def _no_pdf(name: str) -> AttachmentError:
    return AttachmentError(f"{name} is a PDF; it can't be attached here.")


def _decode(name: str, data: bytes, *, is_whole: bool = True) -> str:
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(data, final=is_whole)
    except UnicodeDecodeError as error:
        raise AttachmentError(
            f"{name} is neither UTF-8 text, nor a PDF, nor a PNG, JPEG, GIF, WebP, BMP or TIFF "
            "picture, nor a WAV or MP3 recording.",
            "Convert it first.",
        ) from error
    if "\0" in text:
        raise AttachmentError(
            f"{name} is a binary file.", "Attach text, a PDF, a picture or a recording."
        )
    return text


def _check_head(name: str, head: bytes, *, has_pdfs: bool) -> None:
    """Raise AttachmentError if the beginning of a file shows that it can't be attached."""
    kind = kind_of(head, name).kind
    if kind is FileKind.TEXT:
        _decode(name, head, is_whole=False)
    elif kind is FileKind.PDF and not has_pdfs:
        raise _no_pdf(name)


def _read(path: Path, *, has_pdfs: bool = True) -> _Content:
    """The bytes of a regular file, read whole only if its beginning can be attached.

    Raises AttachmentError.
    """
    name = sound(path.name)
    try:
        if os.path.isdir(path):
            raise AttachmentError(f"{path} is a folder, not a file.", "Attach one of its files.")
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > MOST_BYTES:
                raise AttachmentError(
                    f"{name} is larger than {MOST_BYTES // 1_000_000} MB.", "Attach only a part."
                )
            head = file.read(min(size, HEAD)) or b""  # some of the system have nothing to read now
            _check_head(name, head, has_pdfs=has_pdfs)
            data = head + (file.read(size - len(head)) or b"")
            rest = file.read(1) or b""
    except FileNotFoundError as error:
        raise AttachmentError(f"{path} does not exist.", "Check the path.") from error
    except (OSError, ValueError) as error:  # a path with a NUL is a ValueError
        raise AttachmentError(
            f"{path} can't be read ({system_words(error)}).", "Check the file."
        ) from error
    if not data and rest:
        raise AttachmentError(
            f"{path} has no fixed content: the system makes it while it is read.",
            "Save what you need to a file, and attach that.",
        )
    if not data:
        raise AttachmentError(f"{name} is empty: 0 bytes.", "Attach a file with content.")
    if rest and b"\0" not in data:  # a text ends with a line, not within a character
        data = data[: data.rfind(b"\n") + 1] or data
    return _Content(data, bool(rest))


def is_quick(path: Path) -> bool:
    """Whether a file is read within some milliseconds: small, with nothing to convert. True as
    well for a file that can't be read, because the error is quick.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > _MOST_QUICK:
                return size > MOST_BYTES
            head = file.read(min(size, ENOUGH)) or b""
        kind = kind_of(head[:HEAD], path.name).kind
        if kind is FileKind.PICTURE:
            return not needs_scaling(head, size)
    except (OSError, ValueError, AttachmentError):
        return not os.path.isdir(path)  # Path.is_dir raises OSError for a long name
    return kind in (FileKind.TEXT, FileKind.AUDIO)


def read_folder(folder: Path, stop: Event | None = None) -> ReadFiles:
    """The text files and images of a folder, named by their paths within it. Blocks until it has
    read them, or `stop` is set.

    Hidden files, and files that can't be attached, are left out and counted in a note; links
    are not followed. Raises AttachmentError without a file, or for more than a message can hold.
    """
    parts: list[Attachment] = []
    left_out, links, total, read, notes = 0, 0, 0, 0, list[str]()
    for path in _files_in(folder, stop or Event()):
        if path.is_symlink():  # it may lead out of the folder
            links += 1
            continue
        if len(parts) == MOST_FILES:
            raise AttachmentError(
                f"{folder.name} has more than {MOST_FILES} files.", "Attach one of its folders."
            )
        try:
            content = _read(path, has_pdfs=False)
            read += len(content.data)
            part, found = _part_with_notes(sound(path.name), content)
        except AttachmentError:
            left_out += 1
            continue
        finally:
            _check_size(folder, read, _MOST_READ)
        notes += found
        total += byte_size(part)
        _check_size(folder, total, MOST_BYTES)
        parts.append(replace(part, name=sound(path.relative_to(folder.parent).as_posix())))
    if not parts:
        raise AttachmentError(f"{folder} has no file that can be attached.")
    if left_out:
        notes.append(
            f"Left out of {sound(folder.name)}: {plural(left_out, 'file')} of other kinds."
        )
    if links:
        notes.append(f"Left out of {sound(folder.name)}: {plural(links, 'symbolic link')}.")
    return ReadFiles(tuple(parts), tuple(notes))


def _check_size(folder: Path, size: int, most: int) -> None:
    if size > most:
        raise AttachmentError(
            f"{folder.name} has more than {most // 1_000_000} MB.", "Attach one of its folders."
        )


def _files_in(folder: Path, stop: Event) -> Iterator[Path]:
    """The files of a folder and its folders, sorted, without hidden ones."""
    seen = 0
    for parent, folders, names in os.walk(folder, onerror=None, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        seen += len(folders) + len(names)
        if seen > _MOST_SEEN:
            raise AttachmentError(
                f"{folder.name} has more than {_MOST_SEEN:,} files and folders.",
                "Attach one of its folders.",
            )
        for name in sorted(names):
            if stop.is_set():
                raise AttachmentError("The reading was stopped.")
            if not name.startswith("."):
                yield Path(parent, name)


class AttachmentReader:
    """Reads files and folders without blocking the event loop."""

    def __init__(self, run: RunProgram) -> None:
        self.run = run
        self._slots = asyncio.Semaphore(_MOST_AT_ONCE)

    async def read(self, path: Path) -> ReadFiles:
        """The parts for a file or a folder. Raises AttachmentError."""
        async with self._slots:
            if os.path.isdir(path):
                return await _read_folder(path)
            content = await asyncio.to_thread(_read, path)
            return await self._read_content(sound(path.name), content)

    async def read_bytes(self, name: str, data: bytes) -> ReadFiles:
        """The part for the content of a file. Raises AttachmentError."""
        if not data:
            raise AttachmentError(f"{name} is empty: 0 bytes.", "Attach a file with content.")
        async with self._slots:
            return await self._read_content(name, _Content(data))

    async def _read_content(self, name: str, content: _Content) -> ReadFiles:
        known, notes = _kind_with_notes(name, content)
        part: Attachment
        if known.kind is FileKind.PDF:
            from replyscope.engine.pdf_reading import read_pdf  # loaded on first use

            part, note = await read_pdf(self.run, name, content.data)
        else:
            part, note = await asyncio.to_thread(_part_of, name, content.data, known)
        return ReadFiles((part,), tuple(filter(None, (*notes, note))))


async def _read_folder(folder: Path) -> ReadFiles:
    """`read_folder` in a thread, which ends soon after this is cancelled."""
    stop = Event()
    try:
        return await asyncio.to_thread(read_folder, folder, stop)
    finally:
        stop.set()


def complete_path(typed: str, folder: Path) -> list[tuple[str, bool]]:
    """The files and folders that complete a path, as (path as typed, is it a folder).

    Hidden ones are included only when the typed name begins with a dot. Blocks. Never raises.
    """
    prefix = typed.rsplit("/", 1)[-1]
    shown = typed[: len(typed) - len(prefix)]
    parent = folder / typed_path(shown)
    try:
        seen = islice(parent.iterdir(), _MOST_SEEN)
        entries = sorted(seen, key=lambda p: (not p.is_dir(), p.name.lower()))
        found = [
            (shown + path.name + ("/" if path.is_dir() else ""), path.is_dir())
            for path in entries
            if path.name.lower().startswith(prefix.lower())
            and path.name.isprintable()
            and (prefix.startswith(".") or not path.name.startswith("."))
        ]
    except (OSError, ValueError):  # a path with a NUL is a ValueError
        return []
    return found[:_MOST_LISTED]
