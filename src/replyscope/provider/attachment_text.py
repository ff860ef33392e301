"""Encodes files, images, tool results and tool call arguments for requests of both APIs."""

import base64
import json

from replyscope.domain.json_text import read_json
from replyscope.domain.message import FilePart, ImagePart, ToolResultPart

_NOT_RUN = "This call was not run."


def file_text(part: FilePart) -> str:
    """A file's text in a `<file>` tag with its name."""
    return f'<file name="{part.name}">\n{part.text}\n</file>'


def data_url(part: ImagePart) -> str:
    """An image as a data URL."""
    return f"data:{part.media_type};base64,{base64.b64encode(part.data).decode('ascii')}"


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
