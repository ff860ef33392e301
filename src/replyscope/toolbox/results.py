"""What an MCP tool answers with, as an outcome: text for the model, files for the person."""

import base64
import json
from typing import Any

from mcp import types

from replyscope.domain.tool import KeptFile, ToolOutcome
from replyscope.toolbox.files import KeptFiles


def read_result(result: types.CallToolResult, kept: KeptFiles) -> ToolOutcome:
    """A tool's result. Blocks while it keeps files. Raises OSError."""
    texts: list[str] = []
    files: list[KeptFile] = []
    for block in result.content:
        text = _read_block(block, kept, files)
        texts.append(text)
    if not texts and result.structured_content is not None:
        texts.append(json.dumps(result.structured_content, ensure_ascii=False, default=str))
    output = "\n".join(texts)
    if result.is_error:
        output = f"Error: {output}" if output else "Error: the tool failed and said nothing."
    return ToolOutcome(output, is_error=result.is_error, files=tuple(files))


def _read_block(block: Any, kept: KeptFiles, files: list[KeptFile]) -> str:
    match block:
        case types.TextContent(text=text):
            return text
        case (
            types.ImageContent(data=data, mime_type=kind)
            | types.AudioContent(data=data, mime_type=kind)
        ):
            return _keep(data, kind, kept, files)
        case types.EmbeddedResource(resource=types.TextResourceContents(text=text, uri=uri)):
            return f"{uri}\n{text}"
        case types.EmbeddedResource(resource=types.BlobResourceContents() as blob):
            return _keep(blob.blob, blob.mime_type or "", kept, files)
        case types.ResourceLink(uri=uri, name=name):
            return f"{name}: {uri}"
        case _:
            return str(block)


def _keep(data: str, kind: str, kept: KeptFiles, files: list[KeptFile]) -> str:
    try:
        raw = base64.b64decode(data)
    except ValueError:
        return f"[a {kind} that is not base64]"
    told, new = kept.take(raw, kind)
    files += new
    return told
