"""Reads the files of a message of Claude.ai: with their text if the export has it, else by name."""

from collections.abc import Iterator, Mapping
from typing import Any

from replyscope.domain.loose_json import list_of, mapping_of, name_of, text_of
from replyscope.domain.message import FilePart, Part, TextPart
from replyscope.domain.sound_numbers import measure_of
from replyscope.readers.claude_ai.blocks import Block

_NAMED_BLOCKS = {"document": "title", "image": "file_name"}
"""The kinds of blocks that are files, with the field of their name."""


def attached(message: Mapping[str, Any], blocks: list[Block]) -> Iterator[Part]:
    """Each attached file once: fields and blocks repeat them."""
    known: set[str] = set()
    for file in map(mapping_of, list_of(message.get("attachments"))):
        text = text_of(file.get("extracted_content"))
        size = measure_of(file.get("file_size"))
        name = name_of(file.get("file_name")) or "attachment"
        known |= {name, name_of(file.get("file_uuid"))}
        shown = f"[file {name}, {size:,.0f} bytes]" if size else f"[file {name}]"
        yield FilePart(name, text) if text else TextPart(shown)
    others = [*list_of(message.get("files")), *list_of(message.get("files_v2"))]
    for file in map(mapping_of, others):
        yield from _once(known, file, name_of(file.get("file_name")), "file")
    for block in blocks:
        kind = name_of(block.get("type"))
        if kind in _NAMED_BLOCKS:
            yield from _once(known, block, name_of(block.get(_NAMED_BLOCKS[kind])), kind)


def _once(known: set[str], file: Mapping[str, Any], name: str, kind: str) -> Iterator[Part]:
    """The name of a file that was not seen before under this name or id."""
    own_id = name_of(file.get("file_uuid"))
    names = {one for one in (name, own_id) if one}
    if names and not names & known:
        yield TextPart(f"[{kind} {name or own_id}]")
    known |= names


def name_of_file(part: Part) -> str:
    """The name of an attached file."""
    if isinstance(part, FilePart):
        return part.name
    return part.text.strip("[]").partition(" ")[2] if isinstance(part, TextPart) else ""
