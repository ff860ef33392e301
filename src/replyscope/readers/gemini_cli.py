"""The chats of Gemini CLI: one file for each session.

Newer versions append lines: messages, which replace the earlier form with the same id, changes of
the head (`$set`), and rewinds to an earlier message (`$rewindTo`). Older versions
rewrote one JSON object with all messages each time.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from replyscope.domain.exchange import ToolCall, Usage
from replyscope.domain.finish import FinishReason
from replyscope.domain.foreign import ForeignConversation, ForeignTurn, picture_of
from replyscope.domain.import_faults import BadData
from replyscope.domain.import_format import EntryFormat, ImportedFile, LogFormat
from replyscope.domain.loose_json import list_of, mapping_of, name_of, text_of, to_json
from replyscope.domain.message import Part, Role, TextPart, ToolResultPart
from replyscope.domain.sound_numbers import count_of
from replyscope.domain.tool import ToolCallState
from replyscope.readers.chat_tables import time_of_text
from replyscope.readers.content_parts import parts_of
from replyscope.readers.turn_log import Talk, TurnLog

NAME = "gemini-cli"
Fields = Mapping[str, Any]
_MEMBER = re.compile(r"(?:.*/)?chats/(?:[^/]+/)?[^/]+\.jsonl?|(?:.*/)?session-[^/]+\.jsonl?")
_HEAD = re.compile(rb'\{\s*"sessionId"\s*:\s*"[^"]*"\s*,\s*"projectHash"\s*:')
_FAILED = {"error": ToolCallState.FAILED, "cancelled": ToolCallState.REFUSED}


def _add(talk: Talk, message: Fields, above: str | None) -> str | None:
    """Add a message to a conversation. Returns the key of its last turn."""
    key, kind = name_of(message.get("id")), name_of(message.get("type"))
    if not key:
        raise BadData("a message has no id")
    at = time_of_text(message.get("timestamp"))
    if kind == "gemini":
        known = talk.get(key)
        reply = replace(_reply(message), at=at, parent=known.parent if known else above)
        talk.put(reply)
        results = tuple(_results(message))
        if results:
            key = f"{key}/t"
            talk.put(ForeignTurn(key, Role.TOOL, results, at, reply.key))
        return key
    content = list_of(message.get("content"))
    for given in (one for one in content if _response_of(one)):
        above = _answer(talk, _response_of(given), at, above)
    said = (one for one in content if not _response_of(one))
    parts = tuple(part for one in said for part in _parts(one))
    if kind != "user":
        if parts:
            talk.leftovers.add(f"message of the kind `{kind[:60]}`", "the program wrote it")
        return above
    if not parts:
        return above
    known = talk.get(key)
    talk.put(ForeignTurn(key, Role.USER, parts, at, known.parent if known else above))
    words = "\n".join(part.text for part in parts if isinstance(part, TextPart))
    if not words.startswith("<"):
        talk.suggest_title(words)
    return key


def _response_of(part: Any) -> Fields:
    """The result of a tool in a message of the user: newer versions write it there too."""
    return mapping_of(mapping_of(part).get("functionResponse"))


def _answer(talk: Talk, given: Fields, at: datetime | None, above: str | None) -> str | None:
    """Add a result to its reply, unless the reply has it already."""
    call_id = name_of(given.get("id"))
    reply = talk.caller_of(call_id)
    if reply is None:
        return above
    key = f"{reply.key}/t"
    turn = talk.get(key) or ForeignTurn(key, Role.TOOL, (), at, reply.key)
    if not any(isinstance(p, ToolResultPart) and p.call_id == call_id for p in turn.parts):
        part = ToolResultPart(
            call_id, _output({"functionResponse": given}), name_of(given.get("name"))
        )
        talk.put(replace(turn, parts=(*turn.parts, part)))
    return key


def _parts(part: Any) -> tuple[Part, ...]:
    """Convert a part of Google's API to message parts."""
    fields = mapping_of(part)
    inline = mapping_of(fields.get("inlineData"))
    if inline:
        kind = name_of(inline.get("mimeType"))
        return (picture_of("image", name_of(inline.get("data"))) or TextPart(f"[{kind}]"),)
    file = mapping_of(fields.get("fileData"))
    if file:
        return (TextPart(f"[file {name_of(file.get('fileUri'))}]"),)
    if isinstance(part, str) or "text" in fields:
        text = part if isinstance(part, str) else text_of(fields.get("text"))
        return (TextPart(text),) if text else ()
    return parts_of(part)


def _reply(message: Fields) -> ForeignTurn:
    texts = [part for one in list_of(message.get("content")) for part in _parts(one)]
    calls = tuple(_call(mapping_of(one)) for one in list_of(message.get("toolCalls")))
    return ForeignTurn(
        name_of(message.get("id")),
        Role.ASSISTANT,
        tuple(texts),
        model=name_of(message.get("model")),
        reasoning="\n\n".join(filter(None, map(_thought, list_of(message.get("thoughts"))))),
        calls=calls,
        usage=_usage(message.get("tokens")),
        finish=FinishReason.TOOL_CALLS if calls else FinishReason.UNSTATED,
    )


def _thought(thought: Any) -> str:
    fields = mapping_of(thought)
    said = (text_of(fields.get(name)) for name in ("subject", "description"))
    return "\n".join(filter(None, said)) or (thought if isinstance(thought, str) else "")


def _call(call: Fields) -> ToolCall:
    has_result = call.get("result") is not None or call.get("status") in _FAILED
    return ToolCall(
        name_of(call.get("id")),
        "function",
        name_of(call.get("name")) or "tool",
        to_json(call.get("args") or {}),
        ToolCallState.COMPLETED if has_result else ToolCallState.REQUESTED,
    )


def _results(message: Fields) -> list[ToolResultPart]:
    made = []
    for call in map(mapping_of, list_of(message.get("toolCalls"))):
        status = name_of(call.get("status"))
        if call.get("result") is None and status not in _FAILED:
            continue
        made.append(
            ToolResultPart(
                call_id=name_of(call.get("id")),
                output="\n".join(_output(one) for one in list_of(call.get("result"))),
                name=name_of(call.get("name")),
                state=_FAILED.get(status, ToolCallState.COMPLETED),
            )
        )
    return made


def _output(part: Any) -> str:
    """The text of a part of a result: the `output` of a function response, or its JSON."""
    given = mapping_of(mapping_of(part).get("functionResponse")).get("response")
    if given is not None:
        fields = mapping_of(given)
        return text_of(fields.get("output", fields.get("error", given)))
    return "\n".join(one.text for one in _parts(part) if isinstance(one, TextPart))


def _usage(value: Any) -> Usage | None:
    """The usage. The file counts thoughts apart from the output; here the output includes them."""
    tokens = mapping_of(value)
    if not tokens:
        return None
    out, thought = count_of(tokens.get("output")), count_of(tokens.get("thoughts"))
    return Usage(
        tokens.get("input"),
        out + (thought or 0) if out is not None else tokens.get("output"),
        tokens.get("total"),
        tokens.get("cached"),
        reasoning_tokens=tokens.get("thoughts"),
    )


class _Log(TurnLog):
    """The reader of an appended file."""

    def __init__(self, file: ImportedFile) -> None:
        super().__init__(NAME, file)
        self._file = file
        self._here: Talk | None = None

    def read(self, entry: Fields) -> None:
        """See TurnLog."""
        if "$rewindTo" in entry:
            self._rewind(name_of(entry["$rewindTo"]))
        elif "$set" in entry:
            self._set(mapping_of(entry["$set"]))
        elif "sessionId" in entry:
            self._here = self._here or self.talk(name_of(entry["sessionId"]))
            self._set(entry)
        else:
            self._message(entry)

    @property
    def _talk(self) -> Talk:
        """The conversation; it is named by the file if its first line is damaged."""
        if self._here is None:
            self._here = self.talk(self._file.name.partition(".")[0])
        return self._here

    def _message(self, message: Fields) -> None:
        talk, name = self._talk, name_of(message.get("id"))
        is_new = name not in talk.above
        if is_new and name:
            talk.above[name] = talk.head
        head, key = talk.head, _add(talk, message, talk.above.get(name))
        is_newest = is_new or head in (name, f"{name}/t", None)
        talk.head = key if is_newest else head

    def _set(self, fields: Fields) -> None:
        if fields.get("kind") == "subagent":
            self._talk.tags = ("subagent",)
        self._talk.name(fields.get("summary"), is_final=False)
        for message in list_of(fields.get("messages")):
            self._message(mapping_of(message))

    def _rewind(self, name: str) -> None:
        """Move the head to before a message: the next turns form another branch. The program
        forgets the whole chat if it does not know the message.
        """
        self._talk.head = self._talk.above.get(name)


def _read(entry: Fields) -> ForeignConversation:
    """The conversation of a file of older versions."""
    messages = entry.get("messages")
    if not isinstance(messages, list):
        raise BadData("it has no messages")
    talk = Talk(NAME, name_of(entry.get("sessionId")))
    talk.name(entry.get("summary"), is_final=False)
    above: str | None = None
    for message in messages:
        above = _add(talk, mapping_of(message), above)
    made = talk.take(is_end=True)
    if made is None:
        raise BadData("it has no messages of a person or a model")
    return made


def _members(names: Sequence[str]) -> list[str]:
    found = [name for name in names if _MEMBER.fullmatch(name)]
    return sorted(found, key=lambda name: PurePosixPath(name).name)


def _is_entry(entry: Mapping[str, Any]) -> bool:
    return (
        "sessionId" in entry and "projectHash" in entry and isinstance(entry.get("messages"), list)
    )


GEMINI_CLI = LogFormat(
    name=NAME,
    title="Gemini CLI",
    path="a `session-….jsonl`, or the folder `~/.gemini/tmp`",
    content="the messages of each chat, with tool calls, results, thoughts and usage",
    members=_members,
    member="chats of Gemini CLI (chats/session-*.json)",
    homes=("~/.gemini/tmp",),
    sniff=lambda file, head: file.name.endswith(".jsonl") and bool(_HEAD.match(head)),
    begin=_Log,
)

GEMINI_CLI_JSON = EntryFormat(
    name="gemini-cli-json",
    title="Gemini CLI before 0.40",
    program="Gemini CLI",
    path="a `session-….json`, or the folder `~/.gemini/tmp`",
    content="the same, from one JSON object",
    sniff=_is_entry,
    read=_read,
)
