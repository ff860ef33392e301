"""Reads a conversation of Claude.ai: messages, each with the id of its parent in newer exports."""

from collections.abc import Mapping
from typing import Any

from replyscope.domain.finish import FinishReason, read_finish_word
from replyscope.domain.foreign import ForeignConversation, ForeignTurn
from replyscope.domain.import_faults import BadData
from replyscope.domain.leftovers import Leftovers, as_extras, with_prose
from replyscope.domain.loose_json import digest_of, mapping_of, name_of, text_of
from replyscope.domain.message import Role
from replyscope.readers.anthropic_blocks import user_parts
from replyscope.readers.chat_tables import time_of_text
from replyscope.readers.claude_ai.attached import attached, name_of_file
from replyscope.readers.claude_ai.blocks import (
    Block,
    blocks_of,
    citations_of,
    is_said,
    steps_of,
    unknown_blocks,
)
from replyscope.readers.message_tree import Links, parents_first
from replyscope.readers.reply_steps import TextStep, turns_of

Fields = Mapping[str, Any]
_KNOWN = frozenset(("name", "chat_messages", "account", "project", "settings"))
_ABOUT = ("chat_feedback", "feedback", "truncated")


def read_conversation(entry: Fields) -> ForeignConversation:
    """A conversation. Raises BadData."""
    messages = entry.get("chat_messages")
    if not isinstance(messages, list):
        raise BadData("it has no messages: the field `chat_messages` is missing")
    leftovers = Leftovers()
    nodes = _nodes(messages, leftovers)
    links = _links(nodes)
    turns: list[ForeignTurn] = []
    ends: dict[str, str | None] = {}
    model = name_of(entry.get("model"))
    for key in parents_first(links):
        above = ends.get(links[key][0])
        made = _turns(nodes[key], key, above, model, leftovers)
        turns += made
        ends[key] = made[-1].key if made else above
    leftovers.add_fields(with_prose(entry, _KNOWN, ""), "the conversation")
    current = name_of(entry.get("current_leaf_message_uuid"))
    return ForeignConversation(
        "claude-ai",
        name_of(entry.get("uuid")) or digest_of(entry),
        text_of(entry.get("name")),
        time_of_text(entry.get("created_at")),
        tuple(turns),
        head=ends.get(current if current in ends else next(reversed(nodes), "")),
        left_out=leftovers.all,
    )


def _nodes(messages: list[Any], left: Leftovers) -> dict[str, Fields]:
    """The messages by their ids, in the order of the export. An id that is repeated gets a
    number.
    """
    nodes: dict[str, Fields] = {}
    for number, message in enumerate(messages):
        fields = mapping_of(message)
        if not fields:
            left.add_odd(message)
            continue
        key = name_of(fields.get("uuid")) or f"m{number}"
        nodes[f"{key}/{number}" if key in nodes else key] = fields
    return nodes


def _links(nodes: Mapping[str, Fields]) -> Links:
    """The parent of each message: the named one, or in older exports the message before it."""
    links: Links = {}
    before = ""
    for key, message in nodes.items():
        named = name_of(message.get("parent_message_uuid"))
        links[key] = ((named if named in nodes else "") if named else before, [])
        before = key
    return links


def _turns(
    message: Fields, key: str, above: str | None, model: str, left: Leftovers
) -> list[ForeignTurn]:
    at = time_of_text(message.get("created_at"))
    blocks = blocks_of(message, left)
    files = [*attached(message, blocks)]
    if message.get("sender") != "assistant":
        parts = (*user_parts([one for one in blocks if is_said(one)]), *files)
        return [ForeignTurn(key, Role.USER, parts, at, above)] if parts else []
    if files:
        left.add("file of a reply", "a reply holds text, so only the file's name is kept")
    named = [TextStep(f"[file {name_of_file(part)}]") for part in files]
    return turns_of([*steps_of(blocks, key), *named], _whole(message, blocks, key, above, model))


def _whole(
    message: Fields, blocks: list[Block], key: str, above: str | None, model: str
) -> ForeignTurn:
    raw = name_of(message.get("stop_reason")) or None
    error = text_of(message.get("error"))
    about = {name: message[name] for name in _ABOUT if message.get(name)}
    finish = read_finish_word(raw) if raw else FinishReason.UNSTATED
    return ForeignTurn(
        key,
        Role.ASSISTANT,
        (),
        time_of_text(message.get("created_at")),
        above,
        name_of(message.get("model")) or model,
        citations=tuple(citations_of(blocks)),
        finish=FinishReason.ERROR if error else finish,
        finish_raw=raw,
        error=error,
        extras=(*unknown_blocks(blocks), *as_extras(about)),
    )
