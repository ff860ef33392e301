"""Reads the content blocks of a message of Claude.ai."""

from collections.abc import Iterator, Mapping
from typing import Any

from replyscope.domain.exchange import Citation, ToolCall
from replyscope.domain.leftovers import Extras, Leftovers, as_extras
from replyscope.domain.loose_json import (
    arguments_of,
    from_json,
    list_of,
    mapping_of,
    name_of,
    text_of,
    to_json,
)
from replyscope.domain.tool import ToolCallState
from replyscope.readers.content_parts import text_parts
from replyscope.readers.reply_steps import CallIds, CallStep, ReasoningStep, Step, TextStep

Block = Mapping[str, Any]
_INJECTED = "injected_prompt_block"
_SILENT = ("token_budget", "flag", "summaries", "thinking", "text", "tool_use", "tool_result",
           "image", "document", _INJECTED)  # fmt: skip


def blocks_of(message: Mapping[str, Any], left: Leftovers) -> list[Block]:
    """The blocks of a message; its `text` where it has none. Some exports have the JSON of the
    blocks. What the program injected into the conversation is reported.
    """
    content = message.get("content")
    if isinstance(content, str) and content[:1] == "[":
        decoded = from_json(content)
        content = decoded if isinstance(decoded, list) else content
    listed = list_of(content) or list_of(message.get("text"))
    blocks = [mapping_of(one) or {"type": "text", "text": text_of(one)} for one in listed]
    for one in (one for one in blocks if one.get("type") == _INJECTED):
        source = name_of(one.get("injection_source"))[:60] or "unknown"
        left.add(f"injected prompt `{source}`", "the program added it")
    return blocks


def steps_of(blocks: list[Block], key: str) -> Iterator[Step]:
    """The blocks of a reply; the result of a tool follows its call."""
    results = [one for one in blocks if one.get("type") == "tool_result"]
    ids = CallIds(key)
    for block in blocks:
        match name_of(block.get("type")):
            case "text":
                yield TextStep(text_of(block.get("text")))
            case "thinking":
                yield ReasoningStep(_thought(block))
            case "tool_use":
                yield _call(block, results, ids)


def _thought(block: Block) -> str:
    """The thinking, or its summaries if the export lacks it."""
    summaries = (mapping_of(one).get("summary") for one in list_of(block.get("summaries")))
    return text_of(block.get("thinking")) or "\n".join(filter(None, map(text_of, summaries)))


def _call(block: Block, results: list[Block], ids: CallIds) -> CallStep:
    """A call with its result: the result with its id, else the next result of its tool."""
    given, name = name_of(block.get("id")), name_of(block.get("name"))
    found = next((one for one in results if given and one.get("tool_use_id") == given), None)
    if found is None:
        found = next((one for one in results if one.get("name") == name), None)
    if found is not None:
        results.remove(found)
    state = ToolCallState.FAILED if found and found.get("is_error") else ToolCallState.COMPLETED
    arguments = arguments_of(block.get("input")) or "{}"
    call = ToolCall(ids.take(given), "function", name or "tool", arguments, state)
    return CallStep(call, _output(found) if found is not None else None)


def _output(result: Block) -> str:
    """The text of a result: found pages with their titles and addresses."""
    pieces = [_piece(one) for one in list_of(result.get("content"))]
    text = "\n\n".join(filter(None, pieces))
    structured = result.get("structured_content")
    return text or (to_json(structured) if structured else "")


def _piece(content: Any) -> str:
    fields = mapping_of(content)
    if fields.get("type") != "knowledge":
        return text_parts(content)
    named = (fields.get("title"), fields.get("url"), fields.get("text"))
    return "\n".join(filter(None, map(text_of, named)))


def citations_of(blocks: list[Block]) -> Iterator[Citation]:
    """The pages that a reply cites, each once."""
    known: set[tuple[str, str]] = set()
    for one in (one for block in blocks for one in list_of(block.get("citations"))):
        fields = mapping_of(one)
        about = mapping_of(fields.get("details"))
        url = name_of(fields.get("url") or about.get("url"))
        title = name_of(fields.get("title") or about.get("title"))
        if (url or title) and (url, title) not in known:
            known.add((url, title))
            yield Citation("url_citation", title or None, url or None)


def is_said(block: Block) -> bool:
    """Whether a block of the person has words: it is a text, or of an unknown kind."""
    return block.get("type") == "text" or name_of(block.get("type")) not in _SILENT


def unknown_blocks(blocks: list[Block]) -> Extras:
    """Blocks of unknown kinds, as the extras of the reply."""
    others = [one for one in blocks if name_of(one.get("type")) not in _SILENT]
    return tuple(
        pair
        for one in others
        for pair in as_extras({f"block.{name_of(one.get('type')) or 'unknown'}"[:60]: one})
    )
