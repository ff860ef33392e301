"""The logs of Claude Code: one JSONL file for each session, and for each of its sub-agents.

Each line names its parent line, so a session is a tree. One reply is written as several lines
with the same message id, one for each block of its content. Results of tools are lines of the
user; the results of one reply are one message here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from replyscope.domain.finish import FinishReason, read_finish_word
from replyscope.domain.foreign import ForeignTurn
from replyscope.domain.import_format import ImportedFile, LogFormat
from replyscope.domain.leftovers import is_prose
from replyscope.domain.loose_json import list_of, mapping_of, name_of, text_of, texts_in
from replyscope.domain.message import Role, TextPart, ToolResultPart
from replyscope.domain.sound_numbers import measure_of
from replyscope.readers.anthropic_blocks import blocks_of, result_of, usage_of, user_parts
from replyscope.readers.chat_tables import time_of_text
from replyscope.readers.turn_log import LineTurns, Talk, TurnLog

NAME = "claude-code"
Line = Mapping[str, Any]
_MEMBER = re.compile(r"(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|agent-[\w-]+)\.jsonl")
_MARK = re.compile(
    rb'"(?:parentUuid|leafUuid)"\s*:|"type"\s*:\s*"(?:file-history-snapshot|queue-operation|'
    rb'permission-mode|last-prompt|custom-title|ai-title|agent-name|mode)"'
)
_TITLES = {"custom-title": "customTitle", "ai-title": "aiTitle", "agent-name": "agentName"}
_SYNTHETIC = "<synthetic>"
_INTERRUPTED = "[Request interrupted by user"
_MOST_SUMMARIES = 1_000
_BESIDE = ("summary", "file-history-snapshot", "file-history-delta", "queue-operation", "progress",
           "last-prompt", "permission-mode", "mode", "pr-link", "agent-color", "agent-setting",
           "worktree-state", "relocated", "bridge-session", "cost-state", "atis-latch",
           "attribution-snapshot", "fork-context-ref", *_TITLES)  # fmt: skip
"""The kinds of lines beside the tree whose texts are titles, repeats, or settings."""


class _Log(TurnLog):
    def __init__(self, file: ImportedFile) -> None:
        super().__init__(NAME, file)
        self._sides = LineTurns()
        self._summaries: dict[str, str] = {}

    def read(self, entry: Line) -> None:
        """See TurnLog."""
        kind = name_of(entry.get("type"))
        if kind == "summary":
            self._summarise(entry)
        elif kind in _TITLES and self._session_of(entry):
            is_final = kind == "custom-title"
            self.talk(self._session_of(entry)).name(entry.get(_TITLES[kind]), is_final=is_final)
        uuid = name_of(entry.get("uuid"))
        if not uuid or not self._session_of(entry):
            self._leave_out(entry, kind)
            return
        talk = self._talk_of(entry, uuid)
        if uuid in talk.above:  # a line that is written twice
            return
        parent = talk.parent_of(entry.get("parentUuid") or entry.get("logicalParentUuid"))
        message = entry.get("message")
        if kind == "assistant" and isinstance(message, Mapping):
            talk.above[uuid] = _reply(talk, entry, message, uuid, parent)
        elif kind == "user" and isinstance(message, Mapping):
            talk.above[uuid] = _asked(talk, entry, message, uuid, parent)
        elif (queued := _queued(entry)) is not None:
            talk.above[uuid] = _asked(talk, entry, queued, uuid, parent)
        else:
            talk.above[uuid] = parent
            _leave_out(talk, entry, kind)
        if uuid in self._summaries:
            talk.name(self._summaries.pop(uuid), is_final=False)

    def _session_of(self, entry: Line) -> str:
        return name_of(entry.get("sessionId"))

    def _talk_of(self, entry: Line, uuid: str) -> Talk:
        """The conversation of a line: each sub-agent has its own."""
        session = self._session_of(entry)
        if not entry.get("isSidechain"):
            return self.talk(session)
        agent = name_of(entry.get("agentId"))
        above = name_of(entry.get("parentUuid"))
        if not agent and above in self._sides:
            agent = self._sides[above] or ""
        agent = agent or uuid  # older versions write sub-agents between the lines of the session
        self._sides[uuid] = agent
        talk = self.talk(f"{session}/{agent}")
        talk.tags = ("subagent",)
        return talk

    def _leave_out(self, entry: Line, kind: str) -> None:
        """Report a line of an unknown kind with text, which has no place in the tree."""
        if kind not in _BESIDE and any(map(is_prose, texts_in(entry))):
            known = self._session_of(entry) or next(reversed(self._talks), "")
            if known:
                self.talk(known).leftovers.add(f"line of the kind `{kind}`"[:80], "it is not known")

    def _summarise(self, entry: Line) -> None:
        """Set the title of the session with this line id, now or when the line is read."""
        leaf, title = name_of(entry.get("leafUuid")), text_of(entry.get("summary"))
        for talk in list(self._talks.values()):
            if leaf in talk.above:
                talk.name(title, is_final=False)
                return
        if len(self._summaries) < _MOST_SUMMARIES:
            self._summaries[leaf] = title


def _queued(entry: Line) -> Line | None:
    """What the person wrote while a reply streamed, as a message; it is an attachment."""
    about = mapping_of(entry.get("attachment"))
    is_prompt = about.get("commandMode", "prompt") == "prompt" and not about.get("isMeta")
    by = mapping_of(about.get("origin")).get("kind", "human")
    words = about.get("prompt")
    if about.get("type") != "queued_command" or not is_prompt or by != "human" or not words:
        return None
    return {"role": "user", "content": words}


def _at(entry: Line) -> datetime | None:
    return time_of_text(entry.get("timestamp"))


def _reply(talk: Talk, entry: Line, message: Line, uuid: str, parent: str | None) -> str | None:
    """Add a line to the reply with its message id. Returns the key of the turn that the next
    line follows.
    """
    said = blocks_of(message.get("content"))
    own_id = name_of(message.get("id"))
    key = own_id or uuid
    known = talk.get(key)
    if known is None and key in talk.above:  # a late line of an old reply
        key = uuid
    turn = known or _new_reply(talk, entry, message, key, parent)
    is_error = bool(entry.get("isApiErrorMessage"))
    is_made = message.get("model") == _SYNTHETIC  # no model said it; its figures are zeros
    raw = (None if is_made else name_of(message.get("stop_reason"))) or turn.finish_raw
    calls = (*turn.calls, *(c for c in said.calls if c.id not in {k.id for k in turn.calls}))
    turn = replace(
        turn,
        parts=(*turn.parts, *map(TextPart, said.texts)),
        reasoning="\n\n".join(filter(None, (turn.reasoning, *said.thoughts))),
        calls=calls,
        usage=(None if is_made else usage_of(message.get("usage"))) or turn.usage,
        finish=_finish(raw, bool(calls), is_error),
        finish_raw=raw,
        error="\n".join(said.texts) if is_error else turn.error,
        extras=(*turn.extras, *said.others),
        duration_ms=turn.duration_ms or measure_of(entry.get("durationMs")),
        cost_usd=turn.cost_usd if turn.cost_usd is not None else measure_of(entry.get("costUSD")),
    )
    results = talk.get(f"{key}/t")
    talk.put(turn, is_head=results is None)
    talk.above[key] = key
    return results.key if results is not None else key


def _new_reply(talk: Talk, entry: Line, message: Line, key: str, parent: str | None) -> ForeignTurn:
    model = name_of(message.get("model"))
    return ForeignTurn(
        key,
        Role.ASSISTANT,
        (),
        _at(entry),
        parent,
        model="" if model == _SYNTHETIC else model,
        reply_key=key if message.get("id") and model != _SYNTHETIC else "",
        response_id=name_of(message.get("id")) or None,
        request_id=name_of(entry.get("requestId")) or None,
        service_tier=name_of(mapping_of(message.get("usage")).get("service_tier")) or None,
    )


def _finish(raw: str | None, has_calls: bool, is_error: bool) -> FinishReason:
    if is_error:
        return FinishReason.ERROR
    if raw:
        return read_finish_word(raw)
    return FinishReason.TOOL_CALLS if has_calls else FinishReason.UNSTATED


def _asked(talk: Talk, entry: Line, message: Line, uuid: str, parent: str | None) -> str | None:
    """Add a line of the user: tool results and text. Returns the key of its last turn."""
    content = message.get("content")
    for block in list_of(content):
        if mapping_of(block).get("type") == "tool_result":
            parent = _result(talk, entry, block, uuid, parent)
    parts = user_parts(content)
    words = "\n".join(part.text for part in parts if isinstance(part, TextPart))
    if words.startswith(_INTERRUPTED):
        _interrupt(talk, parent)
    if not parts:
        return parent
    talk.put(ForeignTurn(uuid, Role.USER, parts, _at(entry), parent))
    if not entry.get("isMeta") and not words.startswith("<"):
        talk.suggest_title(words)
    return uuid


def _result(talk: Talk, entry: Line, block: Line, uuid: str, parent: str | None) -> str | None:
    """Add a result to the message with the results of its reply."""
    call_id = name_of(block.get("tool_use_id"))
    reply = _caller(talk, call_id, parent)
    name = next((c.name for c in reply.calls if c.id == call_id), "") if reply else ""
    about = mapping_of(entry.get("toolUseResult"))
    took = measure_of(about.get("durationMs", about.get("totalDurationMs")))
    part = result_of(block, name, took)
    key = f"{reply.key}/t" if reply else f"{uuid}/t"
    known = talk.get(key)
    if known is None:
        known = ForeignTurn(key, Role.TOOL, (), _at(entry), reply.key if reply else parent)
    others = tuple(
        one for one in known.parts if isinstance(one, ToolResultPart) and one.call_id != call_id
    )
    talk.put(replace(known, parts=(*others, part)))
    return key


def _caller(talk: Talk, call_id: str, parent: str | None) -> ForeignTurn | None:
    """The reply that made a call: the parent reply, or a recent one."""
    near = talk.get((parent or "").removesuffix("/t"))
    if near is not None and any(call.id == call_id for call in near.calls):
        return near
    return talk.caller_of(call_id)


def _interrupt(talk: Talk, parent: str | None) -> None:
    """Mark the parent reply as cancelled, unless it has its own finish reason."""
    reply = talk.get((parent or "").removesuffix("/t"))
    if reply is not None and reply.role is Role.ASSISTANT and not reply.finish_raw:
        talk.put(replace(reply, finish=FinishReason.CANCELLED), is_head=False)


def _leave_out(talk: Talk, entry: Line, kind: str) -> None:
    """Report a line with text that is not a message."""
    about = mapping_of(entry.get("attachment"))
    part = name_of(about.get("type")) or name_of(entry.get("subtype"))
    if kind != "progress" and any(map(is_prose, texts_in(about or entry.get("content")))):
        talk.leftovers.add(f"line of the kind `{kind}{'/' if part else ''}{part}`"[:80],
                           "the program wrote it for itself")  # fmt: skip


def _members(names: Sequence[str]) -> list[str]:
    return sorted(name for name in names if _MEMBER.fullmatch(PurePosixPath(name).name))


def _sniff(_file: ImportedFile, head: bytes) -> bool:
    return head.startswith(b"{") and _MARK.search(head) is not None


CLAUDE_CODE = LogFormat(
    name=NAME,
    title="Claude Code",
    path="a session's `.jsonl`, or the folder `~/.claude/projects`",
    content="the messages of sessions and sub-agents, with tool calls, results, thinking and usage",
    members=_members,
    member="sessions of Claude Code (*.jsonl)",
    homes=("$CLAUDE_CONFIG_DIR/projects", "~/.claude/projects"),
    sniff=_sniff,
    begin=_Log,
)
