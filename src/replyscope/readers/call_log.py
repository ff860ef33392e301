"""Converts one logged request to a model, with its reply, to a piece of a conversation.

A request repeats the messages before it. The key of a message is a hash of its content and its
parent's key, so requests that extend each other become one conversation, and another continuation
of the same messages becomes a branch.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from replyscope.domain.exchange import ToolCall
from replyscope.domain.finish import FinishReason
from replyscope.domain.foreign import ForeignConversation, ForeignTurn, text_of_part
from replyscope.domain.foreign_systems import Systems
from replyscope.domain.loose_json import (
    arguments_of,
    digest_of,
    from_json,
    list_of,
    mapping_of,
    name_of,
    text_of,
)
from replyscope.domain.message import Part, Role, TextPart, ToolResultPart
from replyscope.domain.tool import ToolCallState
from replyscope.readers.anthropic_blocks import blocks_of, result_of, user_parts
from replyscope.readers.content_parts import parts_of, text_parts
from replyscope.readers.response_items import call_of, reasoning_of

Fields = Mapping[str, Any]
_SYSTEM = ("system", "developer")
_ASSISTANT = ("assistant", "model", "ai")
_TOOL = ("tool", "function")
_ROLES = {"human": "user", "ai": "assistant", "model": "assistant"}


def messages_of(value: Any) -> list[Any]:
    """The messages of a request: a list, an object with one, JSON of either, or a text."""
    if isinstance(value, str):
        decoded = from_json(value) if value[:1] in '[{"' else None
        return messages_of(decoded) if decoded is not None else [value] if value else []
    if isinstance(value, Mapping):
        for name in ("messages", "input", "prompt", "args", "contents"):
            if isinstance(value.get(name), list | str):
                system = value.get("instructions") or value.get("system")
                before = [{"role": "system", "content": system}] if system else []
                return [*before, *messages_of(value[name])]
        return [value]
    return [*list_of(value)]


class CallLog:
    """Collects the turns of one request."""

    def __init__(self, at: datetime | None) -> None:
        self._at = at
        self._turns: list[ForeignTurn] = []
        self._open: ForeignTurn | None = None
        self._results: list[ToolResultPart] = []
        self._systems = Systems()

    def add(self, message: Any) -> None:
        """Add a message of the request, in the form of any API."""
        fields = mapping_of(message)
        kind = name_of(fields.get("type"))
        role = name_of(fields.get("role")) or _ROLES.get(kind, "")
        content = fields.get("content_parts") or fields.get("content", fields.get("parts"))
        if not fields:
            self._say(Role.USER, (TextPart(text_of(message)),))
        elif kind == "reasoning":
            self._reply((), "\n\n".join(reasoning_of(fields)), ())
        elif kind.endswith("_call_output"):
            self._result(name_of(fields.get("call_id")), fields.get("output"))
        elif (call := call_of(fields, "")) is not None:
            self._reply((), "", (call,))
        elif role in _SYSTEM:
            self._system(text_parts(content))
        elif role in _ASSISTANT:
            self._assistant(fields, content)
        elif role in _TOOL:
            call_id = name_of(fields.get("tool_call_id") or fields.get("name"))
            self._result(call_id, content)
        else:
            self._user(content if role or content is not None else message)

    def end(
        self, source: str, scope: str, title: str, replies: Iterable[ForeignTurn]
    ) -> ForeignConversation | None:
        """The piece with the request and its replies; None if there are no messages."""
        self._close()
        above = self._turns[-1].key if self._turns else None
        made: list[ForeignTurn] = []
        for reply in replies:
            key = _key(reply, above)
            if any(key == one.key for one in made):  # two answers with the same words
                key = f"{key}/{len(made)}"
            made.append(replace(reply, key=key, parent=above))
        turns = [*self._turns, *made]
        if not turns:
            return None
        system = self._systems.first
        first = next((turn.key for turn in turns if turn.role is Role.USER), turns[0].key)
        return ForeignConversation(
            source,
            f"{scope}/{digest_of([system, first])}",
            title,
            self._at,
            tuple(turns),
            system,
            made[0].key if made else None,
            grows=True,
            has_title=bool(title.strip()),
            earlier_head=above,
        )

    def _system(self, text: str) -> None:
        is_first = not self._turns and self._open is None
        if self._systems.add(text) and is_first:
            return
        self._say(Role.SYSTEM, (TextPart(text),))

    def _user(self, content: Any) -> None:
        for block in list_of(content):
            if mapping_of(block).get("type") == "tool_result":
                self._close_reply()
                self._results.append(result_of(block, ""))
        parts = user_parts(content)
        if parts:
            self._say(Role.USER, parts)

    def _assistant(self, message: Fields, content: Any) -> None:
        said = blocks_of(content) if _has_blocks(content) else None
        if said is not None:
            texts = tuple(map(TextPart, said.texts))
            self._reply(texts, "\n\n".join(said.thoughts), said.calls)
            return
        reasoning = text_of(message.get("reasoning_content") or message.get("reasoning"))
        self._reply(parts_of(content), reasoning, calls_of(message))

    def _result(self, call_id: str, output: Any) -> None:
        self._close_reply()
        name = next((c.name for t in self._turns[-1:] for c in t.calls if c.id == call_id), "")
        self._results.append(ToolResultPart(call_id, text_parts(output), name))

    def _reply(self, parts: tuple[Part, ...], reasoning: str, calls: tuple[ToolCall, ...]) -> None:
        """Add to the open reply: an API may list its parts as items."""
        self._close_results()
        turn = self._open or ForeignTurn("", Role.ASSISTANT, ())
        self._open = replace(
            turn,
            parts=(*turn.parts, *(part for part in parts if part != TextPart(""))),
            reasoning="\n\n".join(filter(None, (turn.reasoning, reasoning))),
            calls=(*turn.calls, *calls),
            finish=FinishReason.TOOL_CALLS if calls else turn.finish,
        )

    def _say(self, role: Role, parts: tuple[Part, ...]) -> None:
        self._close()
        self._append(ForeignTurn("", role, parts))

    def _close(self) -> None:
        self._close_reply()
        self._close_results()

    def _close_reply(self) -> None:
        if self._open is not None:
            self._append(self._open)
            self._open = None

    def _close_results(self) -> None:
        if self._results:
            self._append(ForeignTurn("", Role.TOOL, tuple(self._results)))
            self._results = []

    def _append(self, turn: ForeignTurn) -> None:
        above = self._turns[-1].key if self._turns else None
        self._turns.append(replace(turn, key=_key(turn, above), parent=above, at=self._at))


def _key(turn: ForeignTurn, above: str | None) -> str:
    """A key from the content of a turn and its parent's key. Requests omit the reasoning."""
    said = [text_of_part(part).strip() for part in turn.parts]
    results = [
        (part.call_id, part.output) for part in turn.parts if isinstance(part, ToolResultPart)
    ]
    calls = [(call.name, from_json(call.arguments) or call.arguments) for call in turn.calls]
    return digest_of([above, turn.role.value, "\n".join(filter(None, said)), results, calls])


def _has_blocks(content: Any) -> bool:
    kinds = ("tool_use", "thinking", "server_tool_use")
    return any(mapping_of(one).get("type") in kinds for one in list_of(content))


def calls_of(message: Fields) -> tuple[ToolCall, ...]:
    """The tool calls of a message of Chat Completions."""
    listed = [*list_of(message.get("tool_calls") or message.get("toolCalls"))]
    if isinstance(message.get("function_call"), Mapping):
        listed.append({"function": message["function_call"]})
    return tuple(_call(mapping_of(one), number) for number, one in enumerate(listed))


def _call(call: Fields, number: int) -> ToolCall:
    custom = mapping_of(call.get("custom"))
    inner = mapping_of(call.get("function")) or custom or call
    return ToolCall(
        name_of(call.get("id") or call.get("toolCallId")) or f"call/{number}",
        "custom" if custom else "function",
        name_of(inner.get("name") or inner.get("toolName")) or "tool",
        arguments_of(inner.get("arguments", inner.get("input", inner.get("args")))),
        ToolCallState.COMPLETED,
    )
