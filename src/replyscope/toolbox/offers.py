"""Parses the resources and prompts of a tool server entry by entry. Pure.

Invalid entries are skipped.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from replyscope.domain.message import FilePart, ImagePart
from replyscope.domain.picture import read_picture
from replyscope.domain.tool import Offer
from replyscope.toolbox.results import as_json, decoded


def _entries(raw: Mapping[str, Any], key: str) -> Iterable[dict[str, Any]]:
    entries = raw.get(key)
    return [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []


def _text(entry: Mapping[str, Any], *keys: str) -> str:
    """The first of these fields that is a non-empty string; else an empty string."""
    given = (entry.get(key) for key in keys)
    return next((value for value in given if isinstance(value, str) and value), "")


def read_resources(raw: Mapping[str, Any], server: str) -> list[Offer]:
    """Parse a list of resources."""
    return [
        Offer(server, uri, _text(one, "title", "name", "uri"), _text(one, "description"))
        for one in _entries(raw, "resources")
        if (uri := _text(one, "uri"))
    ]


def read_prompts(raw: Mapping[str, Any], server: str) -> list[Offer]:
    """Parse a list of prompts."""
    return [
        Offer(
            server,
            name,
            _text(one, "title", "name"),
            _text(one, "description"),
            tuple(
                (argument, bool(a.get("required")))
                for a in _entries(one, "arguments")
                if (argument := _text(a, "name"))
            ),
        )
        for one in _entries(raw, "prompts")
        if (name := _text(one, "name"))
    ]


def read_attachment(raw: Mapping[str, Any], name: str) -> FilePart | ImagePart:
    """The first content of a resource that can be attached. Raises ValueError."""
    for content in _entries(raw, "contents"):
        if (text := content.get("text")) is not None:
            return FilePart(name, text if isinstance(text, str) else as_json(text))
        data = decoded(content.get("blob"))
        picture = read_picture(data) if data is not None else None
        if data is not None and picture is not None:
            return ImagePart(name, picture.media_type, data)
    raise ValueError("it is neither text nor a picture")


def read_prompt(raw: Mapping[str, Any]) -> str:
    """The text of a prompt: the texts of its messages, joined."""
    said: list[str] = []
    for message in _entries(raw, "messages"):
        content = message.get("content")
        blocks = content if isinstance(content, list) else [content]
        said += [block for block in blocks if isinstance(block, str)]
        said += [_text(block, "text") for block in blocks if isinstance(block, dict)]
    return "\n\n".join(filter(None, said))
