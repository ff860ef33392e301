"""The data export of Claude.ai: `conversations.json` with one object for each conversation.

It names no model, no usage and no finish reason. Newer exports name the parent of each message.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from replyscope.domain.exchange import Citation, ToolCall
from replyscope.domain.foreign import ForeignConversation, ForeignTurn
from replyscope.domain.import_faults import BadData
from replyscope.domain.import_format import EntryFormat
from replyscope.domain.leftovers import Extras, Leftovers, as_extras, with_prose
from replyscope.domain.loose_json import digest_of, list_of, mapping_of, name_of, text_of, to_json
from replyscope.domain.message import FilePart, Part, Role, TextPart
from replyscope.domain.sound_numbers import measure_of
from replyscope.domain.tool import ToolCallState
from replyscope.readers.anthropic_blocks import user_parts
from replyscope.readers.chat_tables import time_of_text
from replyscope.readers.content_parts import text_parts
from replyscope.readers.reply_steps import (
    CallIds,
    CallStep,
    ReasoningStep,
    Step,
    TextStep,
    turns_of,
)

Fields = Mapping[str, Any]
_SILENT = ("token_budget", "flag", "thinking", "text", "tool_use", "tool_result", "image")
_CONVERSATION = frozenset(("name", "chat_messages", "summary", "account"))


def _read(entry: Fields) -> ForeignConversation:
    messages = entry.get("chat_messages")
    if not isinstance(messages, list):
        raise BadData("it has no messages: the field `chat_messages` is missing")
    leftovers = Leftovers()
    turns: list[ForeignTurn] = []
    ends: dict[str, str] = {}
    for number, message in enumerate(messages):
        fields = mapping_of(message)
        if not fields:
            leftovers.add_odd(message)
            continue
        key = name_of(fields.get("uuid")) or f"m{number}"
        named = name_of(fields.get("parent_message_uuid"))
        above = ends.get(named) if named else (turns[-1].key if turns else None)
        made = _turns(fields, key, above, leftovers)
        turns += made
        ends[key] = made[-1].key if made else above or ""
    leftovers.add_fields(with_prose(entry, _CONVERSATION, ""), "the conversation")
    current = ends.get(name_of(entry.get("current_leaf_message_uuid")))
    return ForeignConversation(
        "claude-ai",
        name_of(entry.get("uuid")) or digest_of(entry),
        text_of(entry.get("name")),
        time_of_text(entry.get("created_at")),
        tuple(turns),
        head=current,
        left_out=leftovers.all,
    )


def _turns(message: Fields, key: str, above: str | None, left: Leftovers) -> list[ForeignTurn]:
    at = time_of_text(message.get("created_at"))
    content = message.get("content") or text_of(message.get("text"))
    if message.get("sender") != "assistant":
        parts = (*user_parts(content), *_attached(message))
        return [ForeignTurn(key, Role.USER, parts, at, above)] if parts else []
    if any(True for _ in _attached(message)):
        left.add("file of a reply", "a reply holds text, so only the file's name is kept")
    whole = ForeignTurn(
        key,
        Role.ASSISTANT,
        (),
        at,
        above,
        citations=tuple(_citations(content)),
        extras=_others(content),
    )
    named = [TextStep(f"[file {_name(part)}]") for part in _attached(message)]
    return turns_of([*_steps(content, key), *named], whole)


def _steps(content: Any, key: str) -> Iterator[Step]:
    """The blocks of a reply; results of tools follow their calls."""
    blocks = [mapping_of(one) or {"type": "text", "text": text_of(one)} for one in list_of(content)]
    results = [one for one in blocks if one.get("type") == "tool_result"]
    ids = CallIds(key)
    for block in blocks:
        match name_of(block.get("type")):
            case "text":
                yield TextStep(text_of(block.get("text")))
            case "thinking":
                yield ReasoningStep(text_of(block.get("thinking")))
            case "tool_use":
                yield _call(block, results, ids)


def _call(block: Fields, results: list[Fields], ids: CallIds) -> CallStep:
    """A call with its result: the result with its id, else the next result of its tool."""
    given, name = name_of(block.get("id")), name_of(block.get("name"))
    found = next((one for one in results if given and one.get("tool_use_id") == given), None)
    if found is None:
        found = next((one for one in results if one.get("name") == name), None)
    if found is not None:
        results.remove(found)
    state = ToolCallState.FAILED if found and found.get("is_error") else ToolCallState.COMPLETED
    arguments = to_json(block.get("input") or {})
    call = ToolCall(ids.take(given), "function", name or "tool", arguments, state)
    return CallStep(call, text_parts(found.get("content")) if found is not None else None)


def _citations(content: Any) -> Iterator[Citation]:
    for block in list_of(content):
        for one in list_of(mapping_of(block).get("citations")):
            fields = mapping_of(one)
            about = mapping_of(fields.get("details"))
            url = name_of(fields.get("url") or about.get("url"))
            title = name_of(fields.get("title") or about.get("title"))
            if url or title:
                yield Citation("url_citation", title or None, url or None)


def _others(content: Any) -> Extras:
    """Blocks of unknown kinds, as the extras of the reply."""
    blocks = (mapping_of(one) for one in list_of(content))
    others = [one for one in blocks if one and name_of(one.get("type")) not in _SILENT]
    return tuple(
        pair
        for one in others
        for pair in as_extras({f"block.{name_of(one.get('type')) or 'unknown'}"[:60]: one})
    )


def _attached(message: Fields) -> Iterator[Part]:
    """The attached files: with their text, if the export has it, else by name."""
    known = set()
    for file in map(mapping_of, list_of(message.get("attachments"))):
        text = text_of(file.get("extracted_content"))
        size = measure_of(file.get("file_size"))
        name = name_of(file.get("file_name")) or "attachment"
        known.add(name)
        shown = f"[file {name}, {size:,.0f} bytes]" if size else f"[file {name}]"
        yield FilePart(name, text) if text else TextPart(shown)
    others = [*list_of(message.get("files")), *list_of(message.get("files_v2"))]
    for name in (name_of(mapping_of(one).get("file_name")) for one in others):
        if name and name not in known:
            known.add(name)
            yield TextPart(f"[file {name}]")


def _name(part: Part) -> str:
    if isinstance(part, FilePart):
        return part.name
    return part.text.removeprefix("[file ").removesuffix("]") if isinstance(part, TextPart) else ""


CLAUDE_AI = EntryFormat(
    name="claude-ai",
    title="Claude.ai",
    path="the zip, the extracted folder, or `conversations.json`",
    content="`conversations.json`: messages, thinking, tool calls and results, attached texts",
    sniff=lambda entry: isinstance(entry.get("chat_messages"), list),
    read=_read,
)
