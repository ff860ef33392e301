"""Files as message parts: text files and images, read when a person attaches them."""

from pathlib import Path

from replyscope.domain.errors import AttachmentError
from replyscope.domain.message import FilePart, ImagePart
from replyscope.domain.picture import read_picture
from replyscope.domain.regular_file import read_regular
from replyscope.domain.unicode_text import sound

_MOST_BYTES = 20_000_000
_MOST_LISTED = 30


def read_attachment(path: Path) -> FilePart | ImagePart:
    """The part for a file. Raises AttachmentError for a file that can't be sent."""
    try:
        if not path.is_file():
            raise AttachmentError(f"{path} is not a file.", "Attach a text file or an image.")
        if path.stat().st_size > _MOST_BYTES:
            raise AttachmentError(f"{path.name} is larger than 20 MB.", "Attach less.")
        data = read_regular(path, _MOST_BYTES)
    except OSError as error:
        raise AttachmentError(f"{path} can't be read ({error}).", "Check the file.") from error
    name = sound(path.name)
    picture = read_picture(data)  # by its bytes: a name may be wrong
    if picture is not None:
        return ImagePart(name, picture.media_type, data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AttachmentError(
            f"{name} is neither UTF-8 text nor a PNG, JPEG, GIF or WebP image.",
            "Convert it first.",
        ) from error
    if "\0" in text:
        raise AttachmentError(f"{name} is a binary file.", "Attach text or an image.")
    return FilePart(name, text)


def complete_path(typed: str, folder: Path) -> list[tuple[str, bool]]:
    """The files and folders that complete a path, as (path as typed, is it a folder).

    Hidden ones are included only when the typed name begins with a dot. Never raises.
    """
    prefix = typed.rsplit("/", 1)[-1]
    shown = typed[: len(typed) - len(prefix)]
    parent = folder / Path(shown).expanduser()
    try:
        entries = sorted(parent.iterdir(), key=lambda p: (not p.is_dir(), p.name.lower()))
        found = [
            (shown + path.name + ("/" if path.is_dir() else ""), path.is_dir())
            for path in entries
            if path.name.lower().startswith(prefix.lower())
            and path.name.isprintable()
            and (prefix.startswith(".") or not path.name.startswith("."))
        ]
    except OSError:
        return []
    return found[:_MOST_LISTED]
