"""Encodes attachments, tool results and tool call arguments for requests of both APIs."""

import base64
import json

from replyscope.domain.json_text import read_json
from replyscope.domain.message import AudioPart, DocumentPart, FilePart, ImagePart, ToolResultPart

_NOT_RUN = "This call was not run."


def file_text(part: FilePart) -> str:
    """A file's text in a `<file>` tag with its name."""
    return f'<file name="{part.name}">\n{part.text}\n</file>'


def document_text(part: DocumentPart) -> str:
    """The text of a PDF in a `<file>` tag with its name."""
    text = part.text.strip() or "(no text; see the images of its pages)"
    return f'<file name="{part.name}">\n{text}\n</file>'


def no_audio_text(part: AudioPart) -> str:
    """The text in the place of a recording, for an API without audio."""
    return f'<file name="{part.name}">\n(a recording, which this API does not accept)\n</file>'


def encoded(data: bytes) -> str:
    """Bytes as base64."""
    return base64.b64encode(data).decode("ascii")


def data_url(part: ImagePart | DocumentPart) -> str:
    """An image or a PDF as a data URL."""
    media_type = part.media_type if isinstance(part, ImagePart) else "application/pdf"
    return f"data:{media_type};base64,{encoded(part.data)}"


def result_text(part: ToolResultPart) -> str:
    """The result of a tool call. Servers require one for each call, also for calls not run."""
    return part.output or ("" if part.duration_ms is not None else _NOT_RUN)


def sound_arguments(arguments: str) -> str:
    """A call's arguments as a JSON object. Invalid ones are wrapped, since servers parse them."""
    try:
        is_object = isinstance(read_json(arguments or "{}"), dict)
    except ValueError:
        is_object = False
    return arguments or "{}" if is_object else json.dumps({"invalid_arguments": arguments})
