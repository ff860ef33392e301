"""Converts the result of an MCP tool to text for the model and files for the user.

The raw JSON is parsed block by block. A note replaces an invalid block.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from replyscope.domain.json_text import read_json
from replyscope.domain.tool import KeptFile, ToolOutcome
from replyscope.toolbox.files import KeptFiles

_MOST_UNKNOWN = 2_000
_MEDIA = {"image": "image/png", "audio": "audio/wav"}
"""The default media type of a block."""


def read_result(raw: Mapping[str, Any], kept: KeptFiles) -> ToolOutcome:
    """The outcome of a tool call. Blocks while it saves files."""
    files: list[KeptFile] = []
    texts = [_read_block(block, kept, files) for block in _blocks(raw)]
    structured = raw.get("structuredContent")
    if structured is not None and not _is_said(structured, texts):
        texts.append(as_json(structured))
    if not any(texts):
        texts += _other_fields(raw)
    output = "\n".join(texts)
    is_error = raw.get("isError", raw.get("is_error")) in (True, "true", "True", 1)
    if is_error:
        output = f"Error: {output}" if output else "Error: the tool failed and said nothing."
    data = None if structured is None else as_json(structured)
    return ToolOutcome(output, is_error=is_error, files=tuple(files), structured=data)


def as_json(value: Any) -> str:
    """A value as JSON text."""
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return "[a value that is nested too deeply]"


def _blocks(raw: Mapping[str, Any]) -> list[Any]:
    content = raw.get("content")
    if content is None:
        return []
    return content if isinstance(content, list) else [content]


def _is_said(structured: Any, texts: list[str]) -> bool:
    """Whether a text repeats the structured content, as the specification recommends."""
    only = (
        structured.get("result") if isinstance(structured, dict) and len(structured) == 1 else None
    )
    for text in texts:
        if text == only:
            return True
        if text.lstrip()[:1] in ("{", "[", '"') or len(text) < 100:
            try:
                value = read_json(text)
            except ValueError:
                continue
            if value in (structured, only):
                return True
    # Some servers send a list as one block per item.
    return isinstance(only, list) and len(texts) == len(only) > 0


def _other_fields(raw: Mapping[str, Any]) -> list[str]:
    """A note with the fields of a result without content."""
    known = ("content", "structuredContent", "isError", "is_error", "_meta", "resultType")
    rest = {key: value for key, value in raw.items() if key not in known and value is not None}
    return [f"[no content; the result is {as_json(rest)[:_MOST_UNKNOWN]}]"] if rest else []


def _read_block(block: Any, kept: KeptFiles, files: list[KeptFile]) -> str:
    if isinstance(block, str):
        return block
    if not isinstance(block, dict):
        return as_json(block)
    kind = block.get("type")
    match kind if kind is not None else _guessed_kind(block):
        case "text" if "text" in block:
            text = block["text"]
            return text if isinstance(text, str) else as_json(text)
        case "image" | "audio" as media:
            return _keep(block.get("data"), _media_type(block, _MEDIA[media]), kept, files)
        case "resource" if isinstance(block.get("resource"), dict):
            return read_contents(block["resource"], kept, files)
        case "resource_link":
            return _link(block)
    known = {key: value for key, value in block.items() if key != "type"}
    words = f"a block of the unknown type {as_json(kind)[:100]}"
    if kind in ("text", "resource"):
        words = f"a block of the type {kind} without content"
    return f"[{words}: {as_json(known)[:_MOST_UNKNOWN]}]"


def _guessed_kind(block: Mapping[str, Any]) -> str | None:
    """The probable type of a block without a type, or None."""
    if "text" in block:
        return "text"
    if "data" in block:
        media = _media_type(block, "").partition("/")[0]
        return media if media in _MEDIA else None
    return "resource" if "resource" in block else None


def _media_type(block: Mapping[str, Any], other: str) -> str:
    given = block.get("mimeType") or block.get("mime_type") or block.get("mediaType")
    return given if isinstance(given, str) else other


def read_contents(resource: Mapping[str, Any], kept: KeptFiles, files: list[KeptFile]) -> str:
    """An embedded resource as text: its URI and text, or a description of its bytes."""
    uri, text = resource.get("uri"), resource.get("text")
    if text is not None:
        text = text if isinstance(text, str) else as_json(text)
        return f"{uri}\n{text}" if isinstance(uri, str) else text
    if resource.get("blob") is not None:
        kind = _media_type(resource, "application/octet-stream")
        return _keep(resource["blob"], kind, kept, files)
    return f"[the resource {uri} without content]"


def _link(block: Mapping[str, Any]) -> str:
    name, uri = block.get("title") or block.get("name"), block.get("uri")
    about = block.get("description")
    line = f"{name}: {uri}" if isinstance(name, str) else f"{uri}"
    return f"{line} ({about})" if isinstance(about, str) and about else line


def _keep(data: Any, kind: str, kept: KeptFiles, files: list[KeptFile]) -> str:
    raw = decoded(data)
    if raw is None:
        return f"[{kind} whose data is not base64]"
    try:
        told, new = kept.take(raw, kind)
    except OSError as error:
        return f"[{kind} of {len(raw):,} bytes that cannot be saved: {error.strerror}]"
    files += new
    return told


def decoded(data: Any) -> bytes | None:
    """The bytes of a base64 text or a data URL; None for other values."""
    if not isinstance(data, str) or not data:
        return None
    if data.startswith("data:"):
        data = data.partition(",")[2]
    try:
        return base64.b64decode("".join(data.split()), validate=True)
    except ValueError:
        return None
