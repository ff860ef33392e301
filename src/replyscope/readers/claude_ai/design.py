"""Reads a chat of Claude Design: the same conversation, with other names for its fields.

A reply may have the person's words in it, which were written while it streamed: it is split there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from replyscope.domain.foreign import ForeignConversation
from replyscope.domain.leftovers import Leftovers
from replyscope.domain.loose_json import list_of, mapping_of, name_of, text_of
from replyscope.readers.claude_ai.conversation import read_conversation

Fields = Mapping[str, Any]
Message = dict[str, Any]
_SENDERS = {"user": "human", "assistant": "assistant"}
_OWN = ("skill",)
"""Kinds of attachments that the program adds."""


def is_design_chat(entry: Mapping[str, Any]) -> bool:
    """Whether an object is a chat of Claude Design."""
    return (
        isinstance(entry.get("messages"), list)
        and isinstance(entry.get("project"), Mapping)
        and "uuid" in entry
        and "chat_messages" not in entry
    )


def read_design_chat(entry: Fields) -> ForeignConversation:
    """A chat, named after its project where it has no title of its own."""
    left = Leftovers()
    listed = enumerate(map(mapping_of, list_of(entry.get("messages"))))
    messages = [one for number, message in listed for one in _messages(message, number, left)]
    project = name_of(mapping_of(entry.get("project")).get("name"))
    title = name_of(entry.get("title"))
    own = title if title not in ("", "Chat", "Untitled") else ""
    made = read_conversation(
        {
            "uuid": entry.get("uuid"),
            "name": ": ".join(filter(None, (project, own))) or title,
            "created_at": entry.get("created_at"),
            "chat_messages": messages,
        }
    )
    return replace(made, left_out=(*made.left_out, *left.all))


def _messages(message: Fields, number: int, left: Leftovers) -> Iterator[Message]:
    """The messages of the common form that a message of a design chat consists of."""
    content = mapping_of(message.get("content"))
    sender = _SENDERS.get(name_of(message.get("role") or content.get("role")), "")
    if not sender or content.get("pill") or content.get("kind") == "question-record":
        left.add("notice of Claude Design", "the program wrote it")
        return
    key = name_of(message.get("uuid")) or f"m{number}"
    at = message.get("created_at") or content.get("timestamp")
    own: Message = {
        "uuid": key,
        "sender": sender,
        "created_at": at,
        "content": [],
        "attachments": _attachments(content, left),
    }
    blocks = list_of(content.get("contentBlocks"))
    for position, block in enumerate(blocks or list_of(content.get("content"))):
        fields = mapping_of(block)
        if fields.get("type") == "user_interjection":
            yield own
            yield _interjection(fields, f"{key}/{position}", at, left)
            own = {**own, "uuid": f"{key}/{position}/r", "content": [], "attachments": []}
        elif fields.get("type") == "error":
            own["error"] = text_of(fields.get("message")) or "error"
        else:
            own["content"] += _blocks(block)
    yield own


def _interjection(block: Fields, key: str, at: Any, left: Leftovers) -> Message:
    inner = mapping_of(block.get("message"))
    words = text_of(inner.get("content") if inner else block.get("message"))
    return {
        "uuid": key,
        "sender": "human",
        "created_at": inner.get("timestamp") or at,
        "text": words,
        "attachments": _attachments(inner, left),
    }


def _blocks(block: Any) -> list[Message]:
    """A block in the common form; a tool call becomes a call and its result."""
    fields = mapping_of(block)
    if not fields:
        return [{"type": "text", "text": text_of(block)}]
    if fields.get("type") == "thinking":
        return [{"type": "thinking", "thinking": fields.get("text") or fields.get("thinking")}]
    if fields.get("type") != "tool_call":
        return [dict(fields)]
    call = mapping_of(fields.get("toolCall"))
    name, own_id = call.get("name"), call.get("id")
    made: list[Message] = [
        {"type": "tool_use", "id": own_id, "name": name, "input": call.get("input")}
    ]
    if call.get("output") is not None:
        output = {"type": "text", "text": text_of(call["output"])}
        made.append(
            {"type": "tool_result", "tool_use_id": own_id, "name": name, "content": [output]}
        )
    return made


def _attachments(content: Fields, left: Leftovers) -> list[Message]:
    made = []
    for file in map(mapping_of, list_of(content.get("attachments"))):
        kind, name = name_of(file.get("type")), name_of(file.get("name"))
        if kind in _OWN or file.get("hidden"):
            left.add(f"attachment of the kind `{kind[:60]}`", "the program added it")
            continue
        made.append({"file_name": name, "extracted_content": file.get("content")})
    return made
