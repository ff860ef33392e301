"""The JSON export of a conversation of LibreChat: a list or a tree of messages."""

from collections.abc import Iterator, Mapping
from typing import Any

from replyscope.domain.exchange import ToolCall, Usage
from replyscope.domain.finish import FinishReason, read_finish_word
from replyscope.domain.foreign import ForeignConversation, ForeignTurn
from replyscope.domain.foreign_systems import Systems
from replyscope.domain.import_faults import BadData
from replyscope.domain.import_format import EntryFormat
from replyscope.domain.leftovers import Leftovers
from replyscope.domain.loose_json import (
    arguments_of,
    digest_of,
    list_of,
    mapping_of,
    name_of,
    text_of,
)
from replyscope.domain.message import Part, Role, TextPart
from replyscope.domain.sound_numbers import count_of
from replyscope.domain.tool import ToolCallState
from replyscope.readers.chat_tables import time_of_text
from replyscope.readers.content_parts import file_part, parts_of
from replyscope.readers.message_tree import links_of, parents_first
from replyscope.readers.reply_steps import (
    CallIds,
    CallStep,
    ReasoningStep,
    Step,
    TextStep,
    turns_of,
)

Fields = Mapping[str, Any]
_PROMPTS = ("system", "instructions", "promptPrefix")


def _read(entry: Fields) -> ForeignConversation:
    messages = dict(_each(entry.get("messages")))
    if not messages and not isinstance(entry.get("messages"), list):
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
    at = next((turn.at for turn in turns if turn.at), None)
    return ForeignConversation(
        "librechat",
        name_of(entry.get("conversationId")) or digest_of(entry),
        text_of(entry.get("title")),
        at or time_of_text(entry.get("exportAt")),
        tuple(turns),
        systems.first,
        ends.get(last),
        left_out=leftovers.all,
    )


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
        files = [file_part(mapping_of(one), "file") for one in _files(message)]
        parts = (*_said(content), *files)
        return [ForeignTurn(key, Role.USER, parts, at, above)] if parts else []
    if not message:
        return []
    if message.get("files"):
        left.add_image()
    raw = name_of(message.get("finish_reason")) or None
    is_cut = message.get("unfinished") is True
    unstated = FinishReason.CANCELLED if is_cut else FinishReason.UNSTATED
    failed = message.get("error") is True
    count = count_of(message.get("tokenCount"))
    whole = ForeignTurn(
        key,
        Role.ASSISTANT,
        (),
        at,
        above,
        name_of(message.get("model")) or model,
        usage=Usage(output_tokens=count) if count else None,
        finish=FinishReason.ERROR if failed else read_finish_word(raw) if raw else unstated,
        finish_raw=raw,
        error=text_of(message.get("text")) or "error" if failed else "",
    )
    return turns_of([*_steps(content, key, left)], whole)


def _files(message: Fields) -> Iterator[Fields]:
    for file in map(mapping_of, list_of(message.get("files"))):
        address = name_of(file.get("filepath"))
        yield {
            "name": name_of(file.get("filename")),
            "url": address if address[:4] == "data" else "",
        }


def _said(content: Any) -> tuple[Part, ...]:
    parts = tuple(part for one in list_of(content) for part in parts_of(_plain(one)))
    return tuple(part for part in parts if part != TextPart(""))


def _plain(part: Any) -> Any:
    """A part whose text is an object with a `value`, as OpenAI's assistants have it."""
    text = mapping_of(part).get("text")
    return {**part, "text": text_of(text.get("value"))} if isinstance(text, Mapping) else part


def _steps(content: Any, key: str, left: Leftovers) -> Iterator[Step]:
    ids = CallIds(key)
    for part in map(_plain, list_of(content)):
        fields = mapping_of(part)
        match name_of(fields.get("type")):
            case "think":
                yield ReasoningStep(text_of(fields.get("think")))
            case "tool_call":
                yield _call(mapping_of(fields.get("tool_call")), ids)
            case "error":
                yield TextStep(text_of(fields.get("error") or fields.get("text")))
            case "image_file":
                left.add_image()
            case _:
                yield TextStep("".join(p.text for p in parts_of(part) if isinstance(p, TextPart)))


def _call(call: Fields, ids: CallIds) -> CallStep:
    inner = mapping_of(call.get("function"))
    output = call.get("output", inner.get("output"))
    made = ToolCall(
        ids.take(name_of(call.get("id"))),
        "function",
        name_of(call.get("name") or inner.get("name")) or "tool",
        arguments_of(call.get("args", inner.get("arguments"))) or "{}",
        ToolCallState.COMPLETED,
    )
    return CallStep(made, text_of(output) if output is not None else None)


def _sniff(entry: Mapping[str, Any]) -> bool:
    return "conversationId" in entry and isinstance(entry.get("messages"), list)


LIBRECHAT = EntryFormat(
    name="librechat",
    title="LibreChat",
    path="a conversation exported as JSON",
    content="the tree of messages, with thinking, tool calls and results",
    sniff=_sniff,
    read=_read,
)
