"""Reads a rollout of Codex: a sequence of response items and events.

A reply is one request to the model: its reasoning, texts and tool calls up to the first result,
message of the user, or report of its usage. Items have no ids, so turns are named by the numbers
of their lines.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from replyscope.domain.finish import FinishReason
from replyscope.domain.foreign import ForeignTurn
from replyscope.domain.foreign_systems import Systems
from replyscope.domain.import_faults import BadData
from replyscope.domain.import_format import ImportedFile
from replyscope.domain.leftovers import is_prose
from replyscope.domain.loose_json import mapping_of, name_of, text_of, texts_in
from replyscope.domain.message import Role, TextPart, ToolResultPart
from replyscope.domain.sound_numbers import count_of
from replyscope.readers.chat_tables import time_of_text
from replyscope.readers.codex.items import (
    ended,
    is_result,
    result_of,
    usage_of,
    words_between_agents,
)
from replyscope.readers.content_parts import parts_of
from replyscope.readers.response_items import call_of, reasoning_of
from replyscope.readers.turn_log import Talk, TurnLog

NAME = "codex"
Line = Mapping[str, Any]
_SYSTEM = ("system", "developer")
_NOT_WORDS = ("<", "# AGENTS.md")
_ENDS = ("task_complete", "turn_complete")
_MOST_PROMPTS = 1_000
_SILENT = ("world_state", "inter_agent_communication_metadata", "retained_context",
           "security_risk_score")  # fmt: skip
_NO_WORDS = ("ghost_snapshot", "compaction", "compaction_summary", "context_compaction",
             "additional_tools", "configuration_update")  # fmt: skip
_REPEATS = ("UserMessage", "AgentMessage", "Reasoning", "HookPrompt", "ContextCompaction")
"""The items of events that repeat an item of the conversation."""


class Rollout(TurnLog):
    """The reader of one file. `_open` is the key of the reply that may get more items."""

    def __init__(self, file: ImportedFile) -> None:
        super().__init__(NAME, file)
        self._file = file
        self._talk: Talk | None = None
        self._systems = Systems()
        self._open: str | None = None
        self._model = ""
        self._used: object = None
        self._has_records = False
        self._prompts: deque[str | None] = deque(maxlen=_MOST_PROMPTS)
        self._at: datetime | None = None

    def read(self, entry: Line) -> None:
        """See TurnLog. Lines before September 2025 are items without an envelope."""
        self._at = time_of_text(entry.get("timestamp")) or self._at
        payload = entry.get("payload")
        if not isinstance(payload, Mapping):
            if "instructions" in entry and "id" in entry and "type" not in entry:
                self._begin(entry)
            elif entry.get("record_type") != "state":
                self._item(entry)
            return
        match name_of(entry.get("type")):
            case "session_meta":
                self._begin(payload)
            case "turn_context":
                self._model = name_of(payload.get("model")) or self._model
            case "response_item":
                self._item(payload)
            case "event_msg":
                self._event(payload)
            case "token_usage_record":
                self._has_records = True
                self._use(payload.get("usage"), name_of(payload.get("response_id")) or None)
            case "compacted":
                self._compacted(payload)
            case "inter_agent_communication":
                self._hear(payload)
            case kind if kind not in _SILENT and any(map(is_prose, texts_in(payload))):
                self._here.leftovers.add(f"line of the kind `{kind[:60]}`", "its kind is not known")

    @property
    def _here(self) -> Talk:
        """The conversation of the file; it is named by the file if its first line is damaged."""
        if self._talk is None:
            self._talk = self.talk(self._file.name.partition(".jsonl")[0][-36:])
        return self._talk

    def _begin(self, meta: Line) -> None:
        """Read the head of the file. A fork also has the heads of its parent sessions."""
        if self._talk is not None:
            return
        key = name_of(meta.get("id") or meta.get("session_id"))
        if not key:
            raise BadData("the session has no id")
        self._talk = self.talk(key)
        self._at = self._at or time_of_text(meta.get("timestamp"))
        prompt = mapping_of(meta.get("base_instructions")).get("text") or meta.get("instructions")
        self._systems.add(text_of(prompt))
        self._talk.system = self._systems.first
        is_child = meta.get("thread_source") == "subagent" or meta.get("parent_thread_id")
        if is_child or "subagent" in mapping_of(meta.get("source")):
            self._talk.tags = ("subagent",)

    def _item(self, item: Line) -> None:
        kind, role = name_of(item.get("type")), name_of(item.get("role"))
        if kind == "message" and role != "assistant":
            self._prompt(item, role)
        elif kind == "message":
            texts = tuple(p for p in parts_of(item.get("content")) if p != TextPart(""))
            reply = self._reply()
            finish = FinishReason.STOP if item.get("end_turn") is True else reply.finish
            self._here.put(replace(reply, parts=(*reply.parts, *texts), finish=finish))
        elif kind == "reasoning":
            self._think(reasoning_of(item))
        elif is_result(item):
            self._result(item)
        elif kind == "agent_message":
            self._hear(item)
        elif (call := call_of(item, f"call/{self.number}")) is not None:
            reply = self._reply()
            calls = (*reply.calls, call)
            self._here.put(replace(reply, calls=calls, finish=FinishReason.TOOL_CALLS))
        elif kind not in _NO_WORDS:
            self._here.leftovers.add(f"item of the kind `{kind[:60]}`", "its kind is not known")

    def _reply(self) -> ForeignTurn:
        """The open reply, or a new one."""
        found = self._here.get(self._open) if self._open is not None else None
        if found is None:
            self._open = f"a{self.number}"
            found = ForeignTurn(
                self._open, Role.ASSISTANT, (), self._at, self._here.head, self._model
            )
        return found

    def _think(self, texts: list[str]) -> None:
        """Add reasoning. An event repeats the text of an item, or replaces the item."""
        reply = self._reply()
        known = reply.reasoning
        for text in texts:
            if text not in known:
                known = f"{known}\n\n{text}" if known else text
        if known != reply.reasoning:
            self._here.put(replace(reply, reasoning=known))

    def _result(self, item: Line) -> None:
        call_id = name_of(item.get("call_id"))
        reply = self._here.caller_of(call_id)
        call = next((c for c in reply.calls if c.id == call_id), None) if reply else None
        part = result_of(item, call)
        key = f"{reply.key}/t" if reply else f"t{self.number}"
        turn = self._here.get(key)
        if turn is None:
            parent = reply.key if reply else self._here.head
            turn = ForeignTurn(key, Role.TOOL, (), self._at, parent)
        others = (p for p in turn.parts if isinstance(p, ToolResultPart) and p.call_id != call_id)
        self._here.put(replace(turn, parts=(*others, part)))
        if reply is None or reply.key == self._open:
            self._open = None

    def _prompt(self, item: Line, role: str) -> None:
        self._open = None
        parts = parts_of(item.get("content"))
        words = "\n".join(part.text for part in parts if isinstance(part, TextPart))
        talk = self._here
        if role in _SYSTEM:
            for turn in self._systems.turn(f"s{self.number}", talk.head, self._at, words):
                talk.put(turn)
            talk.system = self._systems.first
            return
        if not words.startswith(_NOT_WORDS):
            self._prompts.append(talk.head)
            talk.suggest_title(words)
        talk.put(ForeignTurn(f"u{self.number}", Role.USER, parts, self._at, talk.head))

    def _hear(self, item: Line) -> None:
        """Add a message of another agent, which may be recorded twice."""
        words = words_between_agents(item)
        if not words:
            self._here.leftovers.add("message of an agent", "it is encrypted")
            return
        newest = self._here.newest(Role.USER)
        if newest is None or newest.parts != (TextPart(words),):
            self._open = None
            part = TextPart(words)
            turn = ForeignTurn(f"m{self.number}", Role.USER, (part,), self._at, self._here.head)
            self._here.put(turn)

    def _completed(self, event: Line) -> None:
        """Read what only the event of a completed item says: an exit code, a plan."""
        item = mapping_of(event.get("item"))
        kind, own_id = name_of(item.get("type")), name_of(item.get("id"))
        reply = self._here.caller_of(own_id)
        if reply is not None:
            turn = self._here.get(f"{reply.key}/t")
            if turn is not None:
                parts = tuple(ended(part, own_id, item, event) for part in turn.parts)
                self._here.put(replace(turn, parts=parts), is_head=False)
        elif kind == "Plan" and (text := text_of(item.get("text"))):
            reply = self._reply()
            self._here.put(replace(reply, parts=(*reply.parts, TextPart(text))))
        elif kind not in _REPEATS and any(map(is_prose, texts_in(item))):
            self._here.leftovers.add(f"item of the kind `{kind[:60]}`", "only an event has it")

    def _event(self, event: Line) -> None:
        kind = name_of(event.get("type"))
        if kind == "item_completed":
            self._completed(event)
        elif kind == "token_count":
            self._count(mapping_of(event.get("info")))
        elif kind in ("agent_reasoning", "agent_reasoning_raw_content"):
            self._think([text for text in (text_of(event.get("text")),) if text])
        elif kind == "error":
            self._fail(text_of(event.get("message")))
        elif kind == "turn_aborted":
            self._end(FinishReason.CANCELLED)
        elif kind in _ENDS:
            self._end(FinishReason.STOP)
        elif kind == "thread_rolled_back":
            self._roll_back(count_of(event.get("num_turns")) or 0)

    def _count(self, info: Line) -> None:
        """The usage of the last request. The report is repeated with each rate limit. Newer
        versions have records of usage too, which come at once.
        """
        totals = info.get("total_token_usage")
        if self._has_records or not info or (totals is not None and totals == self._used):
            return
        self._used = totals
        self._use(info.get("last_token_usage"), None)

    def _use(self, usage: object, response_id: str | None) -> None:
        """Set the usage of the last reply, and end it."""
        reply = self._here.newest(Role.ASSISTANT)
        if reply is not None and reply.usage is None:
            found = replace(reply, usage=usage_of(usage), response_id=response_id)
            self._here.put(found, is_head=False)
            self._open = None if reply.key == self._open else self._open

    def _fail(self, why: str) -> None:
        reply = self._reply()
        self._here.put(replace(reply, error=why or "error", finish=FinishReason.ERROR))
        self._open = None

    def _end(self, finish: FinishReason) -> None:
        """Set the end of the last reply of a task, if it has none."""
        reply = self._here.newest(Role.ASSISTANT)
        is_last = reply is not None and self._here.head == reply.key
        if reply is not None and is_last and reply.finish is FinishReason.UNSTATED:
            self._here.put(replace(reply, finish=finish))
        self._open = None

    def _compacted(self, payload: Line) -> None:
        self._open = None
        words = text_of(payload.get("message"))
        if words:
            part = TextPart(words)
            turn = ForeignTurn(f"c{self.number}", Role.USER, (part,), self._at, self._here.head)
            self._here.put(turn)
        else:
            self._here.leftovers.add("compaction", "its summary is encrypted")

    def _roll_back(self, count: int) -> None:
        """Move the head to before the last prompts: the next turns form another branch."""
        for _ in range(min(count, len(self._prompts))):
            self._here.head = self._prompts.pop()
        self._open = None
