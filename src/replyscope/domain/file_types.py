"""Media types of files with their suffixes, which some systems do not know, or know differently."""

import mimetypes

from replyscope.domain.picture import SUFFIXES

_OFFICE = "application/vnd.openxmlformats-officedocument"
_KNOWN = SUFFIXES | {
    "audio/wav": ".wav",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg",
    "audio/flac": ".flac",
    "text/csv": ".csv",
    "text/markdown": ".md",
    f"{_OFFICE}.spreadsheetml.sheet": ".xlsx",
    f"{_OFFICE}.wordprocessingml.document": ".docx",
    f"{_OFFICE}.presentationml.presentation": ".pptx",
}
_BY_SUFFIX = {suffix: media_type for media_type, suffix in _KNOWN.items()}
UNKNOWN = "application/octet-stream"


def suffix_of(media_type: str) -> str:
    """The suffix for files of a media type."""
    return _KNOWN.get(media_type) or mimetypes.guess_extension(media_type) or ".bin"


def media_type_of(name: str) -> str:
    """The media type that a file name states."""
    suffix = f".{name.rpartition('.')[2].lower()}"
    return _BY_SUFFIX.get(suffix) or mimetypes.guess_type(name)[0] or UNKNOWN
