"""Reads the content of messages in requests of other programs as message parts."""

import base64
from collections.abc import Iterable, Iterator
from typing import Any

from replyscope.domain.asked import AskedMessage
from replyscope.domain.foreign import picture_of
from replyscope.domain.message import (
    AudioPart,
    DocumentPart,
    FilePart,
    Part,
    ReasoningPart,
    RefusalPart,
    Role,
    TextPart,
)
from replyscope.provider.plain import Fields, as_text, fields_of, first_text, list_of, text_of

_LONGEST_URL = 200
_TEXTS = ("text", "input_text", "output_text")
_THOUGHTS = ("thinking", "reasoning")
_AUDIO = {"wav": "audio/wav", "mp3": "audio/mpeg"}


def content_parts(content: object) -> list[Part]:
    """The parts of a content: a text, or a list of parts."""
    if isinstance(content, str):
        return [TextPart(content)] if content else []
    return [part for one in list_of(content) for part in _parts(one)]


def _parts(value: object) -> Iterator[Part]:
    if isinstance(value, str):
        yield TextPart(value)
        return
    given = fields_of(value)
    kind = text_of(given.get("type")) or ""
    if kind in _TEXTS or (not kind and "text" in given):
        yield TextPart(as_text(given.get("text")))
    elif kind == "refusal":
        yield RefusalPart(as_text(given.get("refusal")))
    elif kind in _THOUGHTS:
        yield ReasoningPart(_thought(given.get("thinking", given.get("text"))))
    elif kind in ("image_url", "input_image", "image"):
        yield _image(given)
    elif kind == "input_audio":
        yield _audio(fields_of(given.get("input_audio")))
    elif kind in ("file", "input_file", "document"):
        yield _file(given)
    elif kind and kind != "redacted_thinking":
        yield TextPart(f"[{kind}]")


def _thought(value: object) -> str:
    if isinstance(value, str):
        return value
    return "".join(as_text(fields_of(one).get("text")) for one in list_of(value))


def _image(given: Fields) -> Part:
    source = fields_of(given.get("source"))
    inner = given.get("image_url")
    url = first_text(inner, fields_of(inner).get("url"), source.get("url"))
    data = url.partition(",")[2] if url.startswith("data:") else as_text(source.get("data"))
    found = picture_of("image", data) if data else None
    if found is not None:
        return found
    named = first_text(url if not url.startswith("data:") else "", given.get("file_id"))
    return TextPart(f"[image {named[:_LONGEST_URL]}]".replace(" ]", "]"))


def _audio(given: Fields) -> Part:
    form = text_of(given.get("format")) or "wav"
    data = _bytes(as_text(given.get("data")))
    return AudioPart(f"audio.{form}", _AUDIO.get(form, "audio/wav"), data)


def _file(given: Fields) -> Part:
    """An attached file: its text, the PDF, or a text with its name."""
    inner = fields_of(given.get("file")) or given
    source = fields_of(given.get("source"))
    name = first_text(inner.get("filename"), given.get("title"), inner.get("file_id"), "file")
    if source.get("type") == "text":
        return FilePart(name, as_text(source.get("data")))
    data = as_text(inner.get("file_data") or source.get("data"))
    found = _bytes(data.partition(",")[2] if data.startswith("data:") else data)
    if found.startswith(b"%PDF"):
        return DocumentPart(name, found)
    return TextPart(f"[file {name[:_LONGEST_URL]}]")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def joined_text(parts: Iterable[Part]) -> str:
    """The texts of parts, joined without a break."""
    return "".join(part.text for part in parts if isinstance(part, TextPart))


class AskedMessages:
    """Collects the messages of a request in order.

    The consecutive entries of a reply are one message, and so are the results of its calls.
    """

    def __init__(self) -> None:
        self._systems: list[str] = []
        self._messages: list[tuple[Role, list[Part]]] = []

    def add(self, role: Role, parts: Iterable[Part]) -> None:
        """Append an entry. System messages before all others are the system prompt."""
        given = list(parts)
        if role is Role.SYSTEM and not self._messages:
            self._systems.append(joined_text(given))
            return
        if not given and role is not Role.ASSISTANT:
            return
        last = self._messages[-1] if self._messages else None
        if last is not None and last[0] is role and role in (Role.ASSISTANT, Role.TOOL):
            last[1].extend(given)
        else:
            self._messages.append((role, given))

    @property
    def system(self) -> str | None:
        """The system prompt; None without one."""
        return "\n\n".join(text for text in self._systems if text) or None

    @property
    def messages(self) -> tuple[AskedMessage, ...]:
        """The messages."""
        return tuple(AskedMessage(role, tuple(parts)) for role, parts in self._messages)


def role_of(value: Any) -> Role:
    """The role of a message's author."""
    if value in ("system", "developer"):
        return Role.SYSTEM
    if value == "assistant":
        return Role.ASSISTANT
    return Role.TOOL if value in ("tool", "function") else Role.USER
