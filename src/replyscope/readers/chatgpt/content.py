"""The content of a ChatGPT message as text, whatever its content type.

Known fields have a fixed order. Unknown fields contribute all of their texts.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from replyscope.domain.leftovers import is_prose
from replyscope.domain.loose_json import list_of, mapping_of, name_of, text_of, texts_in

Node = Mapping[str, Any]
_READABLE = ("name", "title", "url", "text", "result", "content", "summary", "snippet",
             "output_str", "user_profile", "user_instructions", "model_set_context",
             "repo_summary")  # fmt: skip
_READ = frozenset((*_READABLE, "content_type", "parts", "thoughts", "metadata", "asset_pointer",
                   "image_url"))  # fmt: skip
_ABOUT = frozenset((
    "language", "response_format_name", "tether_id", "source_analysis_msg_id", "domain", "ref_id",
    "finished", "chunks", "direction", "decoding_id", "format", "mime_type", "crawl_date",
    "pub_date", "attributions", "computer_id", "expiry_datetime", "type",
))  # fmt: skip
"""Fields with ids, dates and technical names."""


def content_text(content: Any) -> str:
    """The text of a content; images, audio and files in it by name."""
    return "\n".join(_lines(content))


def _lines(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield from [content] if content else ()
        return
    if isinstance(content, list | tuple):
        for part in content:
            yield from _lines(part)
        return
    if not isinstance(content, Mapping):
        yield from [text_of(content)] if content is not None else ()
        return
    yield from _pointer(content)
    yield from _lines(content.get("parts"))
    for thought in list_of(content.get("thoughts")):
        yield from _thought(thought)
    for name in _READABLE:
        if isinstance(content.get(name), str | list | Mapping):
            yield from _lines(content[name])
    for name, value in content.items():
        if name not in _READ and (name not in _ABOUT or any(map(is_prose, texts_in(value)))):
            yield from _others(name, value)


def _others(name: str, value: Any) -> Iterator[str]:
    """Every text of an unknown field; images, audio and files by name."""
    fields = mapping_of(value)
    if name_of(fields.get("asset_pointer")) or fields.get("content_type"):
        yield from _lines(fields)
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        for one in value:
            yield from _others(name, one)
    else:
        said = [text for text in texts_in(value) if text.strip()]
        yield from [f"{name}: {', '.join(said)}"] if said else ()


def _thought(thought: Any) -> Iterator[str]:
    fields = mapping_of(thought)
    if not fields:
        yield from _lines(thought)
        return
    content = content_text(fields.get("content")) or content_text(fields.get("chunks"))
    summary = content_text(fields.get("summary"))
    yield from [summary] if summary and summary not in content else ()
    yield from [content] if content else ()


def _pointer(part: Node) -> Iterator[str]:
    """The name of a separate file of the export: an image, a recording, a document."""
    kind = name_of(part.get("content_type") or part.get("type"))
    url = mapping_of(part.get("image_url")).get("url") or part.get("image_url")
    named = name_of(part.get("asset_pointer") or url)
    if not named:
        return
    what = next((w for w in ("image", "audio", "video") if w in kind), "image" if url else "file")
    prompt = name_of(mapping_of(mapping_of(part.get("metadata")).get("dalle")).get("prompt"))
    shown = named if not named.startswith("data:") else named.partition(",")[0]
    yield f"[{what} {shown}: {prompt}]" if prompt else f"[{what} {shown}]"


def attachments(metadata: Node) -> Iterator[str]:
    """The names of attached files, and of the images that code made."""
    for file in list_of(metadata.get("attachments")):
        name = name_of(mapping_of(file).get("name") or mapping_of(file).get("id"))
        if name:
            yield f"[file {name}]"
    run = mapping_of(metadata.get("aggregate_result"))
    for message in list_of(run.get("messages")):
        url = name_of(mapping_of(message).get("image_url"))
        if url:
            yield f"[image {url}]"
