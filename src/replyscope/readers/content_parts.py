"""Reads message content, in the forms of chat APIs and programs, as a list of parts."""

from collections.abc import Iterator, Mapping
from typing import Any

from replyscope.domain.foreign import picture_of, text_of_part
from replyscope.domain.loose_json import list_of, mapping_of, name_of, text_of, texts_in, to_json
from replyscope.domain.message import FilePart, ImagePart, Part, TextPart

_TEXTS = ("text", "refusal", "thinking", "reasoning", "summary", "content")
_TYPE = frozenset(("type",))
_LONGEST_NAME = 200


def parts_of(content: Any) -> tuple[Part, ...]:
    """The parts of a content, which is a text, a part, or a list with both.

    A part of an unknown type becomes its JSON.
    """
    return tuple(part for one in list_of(content) for part in _parts(one))


def text_parts(content: Any) -> str:
    """The text of a content, its parts joined without a break; other parts by name."""
    return "".join(text_of_part(part) for part in parts_of(content))


def _parts(part: Any) -> Iterator[Part]:
    if not isinstance(part, Mapping):
        if part is not None:
            yield TextPart(text_of(part))
        return
    kind = name_of(part.get("type"))
    for field in ("image_url", "input_image", "image"):
        if part.get(field):
            yield image_part(part[field], name_of(part.get("name")))
            return
    if isinstance(part.get("file"), Mapping) and kind in ("file", "input_file"):
        yield file_part(part["file"], "file")
        return
    said = [name for name in _TEXTS if part.get(name) not in (None, "", [])]
    if said and all(isinstance(part[name], str | list) for name in said):
        for name in said:
            yield from parts_of(part[name])
    elif any(text.strip() for text in texts_in(part, _TYPE)):
        yield TextPart(to_json(part))


def image_part(value: Any, name: str = "") -> ImagePart | TextPart:
    """An image from its data URL or base64; a text with its name where there are no bytes."""
    fields = mapping_of(value)
    url = name_of(fields.get("url") or fields.get("data") or value)
    head, comma, data = url.partition(",")
    is_inline = url.startswith("data:")
    found = picture_of(name or "image", data if is_inline and comma else url)
    if found is not None:
        return found
    shown = name or (head if is_inline else url[:_LONGEST_NAME])
    return TextPart(f"[image {shown}]".replace(" ]", "]"))


def file_part(file: Mapping[str, Any], kind: str) -> Part:
    """An attached file: its text, the image, or a text with its name."""
    inner = mapping_of(file.get("file"))
    meta = mapping_of(inner.get("meta") or file.get("meta"))
    names = (file.get("name"), file.get("filename"), inner.get("filename"), meta.get("name"),
             file.get("title"), file.get("id"))  # fmt: skip
    name = next((found for found in map(name_of, names) if found), "")
    url = name_of(file.get("url"))
    if kind == "image" or name_of(meta.get("content_type")).startswith("image/"):
        return image_part(url, name)
    text = "\n\n".join(_file_texts(file))
    if text:
        return FilePart(name or kind, text)
    is_inline = url.startswith("data:")
    shown = name or ("" if is_inline else url[:_LONGEST_NAME])
    address = f" {url[:_LONGEST_NAME]}" if name and url.startswith("http") else ""
    return TextPart(f"[{kind} {shown}{address}]".replace(" ]", "]"))


def _file_texts(file: Mapping[str, Any]) -> Iterator[str]:
    """The texts of a file, from all fields in which Open WebUI stores them."""
    inner = mapping_of(file.get("file"))
    for holder in (file, mapping_of(file.get("data")), mapping_of(inner.get("data"))):
        if isinstance(holder.get("content"), str) and holder["content"]:
            yield holder["content"]
    for document in list_of(file.get("docs")):
        content = mapping_of(document).get("content") or mapping_of(document).get("page_content")
        if isinstance(content, str) and content:
            yield content
