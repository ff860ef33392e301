"""The kinds of files that can be attached, from the first bytes: a name may be wrong. Pure."""

from enum import Enum, auto

from replyscope.domain.errors import AttachmentError
from replyscope.domain.picture import read_picture
from replyscope.domain.recording import FORMATS, read_recording
from replyscope.domain.values import dataclass


class FileKind(Enum):
    """The kind of an attachment."""

    TEXT = auto()
    PICTURE = auto()
    CONVERTED_PICTURE = auto()
    PDF = auto()
    AUDIO = auto()


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file's kind and its media type. `word` names the format in sentences."""

    kind: FileKind
    media_type: str
    word: str


HEAD = 4_096
"""The bytes at the beginning of a file that decide its kind."""

_HEARD = ("audio/wav", "audio/mpeg")
"""The recordings that models take."""
_TEXT = KnownFile(FileKind.TEXT, "text/plain", "text")
_SIGNATURES = (
    (b"%PDF-", KnownFile(FileKind.PDF, "application/pdf", "PDF")),
    (b"BM", KnownFile(FileKind.CONVERTED_PICTURE, "image/bmp", "BMP")),
    (b"II*\0", KnownFile(FileKind.CONVERTED_PICTURE, "image/tiff", "TIFF")),
    (b"MM\0*", KnownFile(FileKind.CONVERTED_PICTURE, "image/tiff", "TIFF")),
)
_OFFICE = (".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".doc", ".xls", ".ppt")
_REJECTED = (
    (b"PK\x03\x04", "a ZIP archive", "Unpack it, and attach its files."),
    (b"\x1f\x8b", "a gzip archive", "Unpack it, and attach its files."),
    (b"BZh", "a bzip2 archive", "Unpack it, and attach its files."),
    (b"\xfd7zXZ", "an xz archive", "Unpack it, and attach its files."),
    (b"7z\xbc\xaf", "a 7z archive", "Unpack it, and attach its files."),
    (b"\x7fELF", "a program", "Attach text, a PDF, a picture or a recording."),
    (b"MZ", "a program", "Attach text, a PDF, a picture or a recording."),
)
_EXPECTED = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".gif": "GIF", ".webp": "WEBP", ".bmp": "BMP",
    ".tif": "TIFF", ".tiff": "TIFF", ".pdf": "PDF", ".wav": "WAV", ".mp3": "MP3",
}  # fmt: skip


def kind_of(head: bytes, name: str) -> KnownFile:
    """The kind of a file. Raises AttachmentError for a kind that can't be attached.

    Text is only a guess: the rest of the file may be something else.
    """
    picture = read_picture(head)
    if picture is not None:
        word = picture.media_type.removeprefix("image/").upper()
        return KnownFile(FileKind.PICTURE, picture.media_type, word)
    recording = read_recording(head)
    if recording is not None and recording in _HEARD:
        return KnownFile(FileKind.AUDIO, recording, FORMATS[recording])
    for signature, known in _SIGNATURES:
        is_text = len(signature) < 3 and signature.isascii() and b"\0" not in head
        if head.startswith(signature) and not is_text:
            return known
    _reject(head, name)
    return _TEXT


def _reject(head: bytes, name: str) -> None:
    is_office = name.lower().endswith(_OFFICE)
    if is_office and head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise AttachmentError(f"{name} is an office file.", "Save it as PDF or text first.")
    recording = read_recording(head)
    if recording is not None and b"\0" in head:
        what = f"a recording in {FORMATS[recording]}"
        raise AttachmentError(f"{name} is {what}.", "Convert it to WAV or MP3.")
    for signature, what, advice in _REJECTED:
        if head.startswith(signature) and b"\0" in head:
            raise AttachmentError(f"{name} is {what}.", advice)


def misnamed(name: str, known: KnownFile) -> str:
    """A sentence about a file whose suffix names another format; empty otherwise."""
    suffix = "." + name.lower().rpartition(".")[2]
    expected = _EXPECTED.get(suffix)
    if expected is None or expected == known.word:
        return ""
    return f"{name} is {known.word} by its content, not {expected}; it is attached as {known.word}."
