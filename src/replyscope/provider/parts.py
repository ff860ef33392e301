"""How attachments are worded for a model, whatever the API."""

import base64

from replyscope.domain.message import FilePart, ImagePart


def file_text(part: FilePart) -> str:
    """A file's text, with its name around it."""
    return f'<file name="{part.name}">\n{part.text}\n</file>'


def data_url(part: ImagePart) -> str:
    """An image's bytes as a URL."""
    return f"data:{part.media_type};base64,{base64.b64encode(part.data).decode('ascii')}"
