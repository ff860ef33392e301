"""How attachments are worded for a model, whatever the API."""

import base64
import json

from replyscope.domain.json_text import read_json
from replyscope.domain.message import FilePart, ImagePart, ToolResultPart

_NOT_RUN = "This call was not run."


def file_text(part: FilePart) -> str:
    """A file's text, with its name around it."""
    return f'<file name="{part.name}">\n{part.text}\n</file>'


def data_url(part: ImagePart) -> str:
    """An image's bytes as a URL."""
    return f"data:{part.media_type};base64,{base64.b64encode(part.data).decode('ascii')}"


def result_text(part: ToolResultPart) -> str:
    """What became of a call. Servers demand a result for each, so one that nobody ran has one."""
    return part.output or ("" if part.duration_ms is not None else _NOT_RUN)


def sound_arguments(arguments: str) -> str:
    """A call's arguments as JSON: servers that read them fail on what a model got wrong."""
    try:
        is_object = isinstance(read_json(arguments or "{}"), dict)
    except ValueError:
        is_object = False
    return arguments or "{}" if is_object else json.dumps({"invalid_arguments": arguments})
