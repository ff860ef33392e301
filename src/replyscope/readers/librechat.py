"""The JSON export of a conversation of LibreChat: a list or a tree of messages."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from replyscope.domain.exchange import Usage
from replyscope.domain.finish import FinishReason, read_finish_word
from replyscope.domain.foreign import ForeignConversation, ForeignTurn
from replyscope.domain.foreign_systems import Systems
from replyscope.domain.import_faults import BadData
from replyscope.domain.import_format import EntryFormat
from replyscope.domain.leftovers import Extras, Leftovers, as_extras
from replyscope.domain.loose_json import digest_of, list_of, mapping_of, name_of, text_of
from replyscope.domain.message import Part, Role, TextPart
from replyscope.domain.sound_numbers import count_of
from replyscope.readers.chat_tables import time_of_text
from replyscope.readers.content_parts import file_part, parts_of
from replyscope.readers.librechat_parts import plain_part, steps_of
from replyscope.readers.message_tree import links_of, parents_first
from replyscope.readers.reply_steps import ReasoningStep, Step, TextStep, turns_of

Fields = Mapping[str, Any]
_PROMPTS = ("system", "instructions", "promptPrefix")
_LISTS = ("messages", "messagesTree")
"""The fields with the messages: the second one is of a recursive export with several roots."""
_KEPT = ("feedback", "attachments", "summary")
_THINKING = re.compile(r"\A:::thinking\n(.*?)\n:::\n*", re.DOTALL)


def _read(entry: Fields) -> ForeignConversation:
    messages = dict(_each(_listed(entry)))
    if not messages and not any(isinstance(entry.get(name), list) for name in _LISTS):
        raise BadData("it has no messages: the field `messages` is missing")
    options, systems, leftovers = mapping_of(entry.get("options")), Systems(), Leftovers()
    for name in _PROMPTS:
        systems.add(text_of(options.get(name)))
    model = name_of(options.get("model") or options.get("agent_id") or entry.get("endpoint"))
    links = links_of(messages, "parentMessageId", "childMessageIds")
    turns: list[ForeignTurn] = []
    ends: dict[str, str | None] = {}
    for key in parents_first(links):
        above = ends.get(links[key][0])
        made = _turns(mapping_of(messages.get(key)), key, above, model, leftovers)
        turns += made
        ends[key] = made[-1].key if made else above
    last = next(reversed(messages), "")
    return ForeignConversation(
        "librechat",
        name_of(entry.get("conversationId")) or digest_of(entry),
        text_of(entry.get("title")),
        next((turn.at for turn in turns if turn.at), None),
        tuple(turns),
        systems.first,
        ends.get(last),
        left_out=leftovers.all,
    )


def _listed(entry: Fields) -> Any:
    """The messages. A recursive export of one root has it as an object."""
    return next((entry[name] for name in _LISTS if entry.get(name)), [])


def _each(messages: Any) -> Iterator[tuple[str, Fields]]:
    """The id and the fields of each message. A recursive export nests messages in `children`.
    Without ids of parents the messages form a sequence.
    """
    waiting = [(one, "") for one in reversed(list_of(messages))]
    number, before = 0, ""
    while waiting:
        message, above = waiting.pop()
        fields = dict(mapping_of(message))
        number += 1
        key = name_of(fields.get("messageId")) or f"m{number}"
        if "parentMessageId" not in fields:
            fields["parentMessageId"] = above or before
        before = key
        yield key, fields
        waiting += [(child, key) for child in reversed(list_of(fields.get("children")))]


def _turns(
    message: Fields, key: str, above: str | None, model: str, left: Leftovers
) -> list[ForeignTurn]:
    at = time_of_text(message.get("createdAt"))
    content = message.get("content") or message.get("text")
    if message.get("isCreatedByUser"):
        quotes = [TextPart(f"> {text_of(one)}") for one in list_of(message.get("quotes"))]
        files = [file_part(mapping_of(one), "file") for one in _files(message)]
        parts = (*quotes, *_said(content), *files)
        return [ForeignTurn(key, Role.USER, parts, at, above)] if parts else []
    if not message:
        return []
    if message.get("files"):
        left.add_image()
    raw = name_of(message.get("finish_reason")) or None
    is_cut = message.get("unfinished") is True
    unstated = FinishReason.CANCELLED if is_cut else FinishReason.UNSTATED
    failed = message.get("error") is True
    whole = ForeignTurn(
        key,
        Role.ASSISTANT,
        (),
        at,
        above,
        name_of(message.get("model")) or model,
        usage=_usage(message),
        finish=FinishReason.ERROR if failed else read_finish_word(raw) if raw else unstated,
        finish_raw=raw,
        error=text_of(message.get("text")) or "error" if failed else "",
        extras=_extras(message),
    )
    return turns_of([*_steps(content, key, left)], whole)


def _usage(message: Fields) -> Usage | None:
    """The usage: the tokens of the reply, and of its prompt where they were recorded."""
    given, out = count_of(message.get("promptTokens")), count_of(message.get("tokenCount"))
    return Usage(given, out) if given or out else None


def _extras(message: Fields) -> Extras:
    return as_extras({name: message[name] for name in _KEPT if message.get(name)})


def _files(message: Fields) -> Iterator[Fields]:
    for file in map(mapping_of, list_of(message.get("files"))):
        address = name_of(file.get("filepath"))
        yield {
            "name": name_of(file.get("filename")),
            "url": address if address[:4] == "data" else "",
            "content": file.get("text"),
        }


def _said(content: Any) -> tuple[Part, ...]:
    parts = tuple(part for one in list_of(content) for part in parts_of(plain_part(one)))
    return tuple(part for part in parts if part != TextPart(""))


def _steps(content: Any, key: str, left: Leftovers) -> Iterator[Step]:
    """The parts of a reply. Before there were parts, thinking was marked in its text."""
    marked = _THINKING.match(content) if isinstance(content, str) else None
    if marked is None:
        yield from steps_of(content, key, left)
        return
    yield ReasoningStep(marked[1])
    yield TextStep(marked.string[marked.end() :])


def _sniff(entry: Mapping[str, Any]) -> bool:
    return "conversationId" in entry and any(
        isinstance(entry.get(name), list | Mapping) for name in _LISTS
    )


LIBRECHAT = EntryFormat(
    name="librechat",
    title="LibreChat",
    path="a conversation exported as JSON",
    content="the tree of messages, with thinking, tool calls and results",
    sniff=_sniff,
    read=_read,
)
