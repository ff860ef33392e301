"""Reads a conversation of ChatGPT: a tree of nodes, many of them hidden.

The children of a hidden node belong to its nearest visible ancestor. Reasoning before a reply
becomes part of that reply.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from replyscope.domain.exchange import ToolCall
from replyscope.domain.finish import FinishReason
from replyscope.domain.foreign import ForeignConversation, ForeignTurn, time_of, tool_turn
from replyscope.domain.foreign_systems import Systems
from replyscope.domain.import_faults import BadData
from replyscope.domain.leftovers import Extras, Leftovers, as_extras, with_prose
from replyscope.domain.loose_json import digest_of, mapping_of, name_of, texts_in
from replyscope.domain.message import Role, TextPart, ToolResultPart
from replyscope.domain.tool import ToolCallState
from replyscope.readers.chatgpt.content import attachments, content_text
from replyscope.readers.chatgpt.sources import citations_of, without_marks
from replyscope.readers.message_tree import Links, links_of, parents_first

Node = Mapping[str, Any]
_INSTRUCTIONS = ("user_editable_context", "model_editable_context")
_SYSTEM = ("system", "developer")
_THOUGHTS = ("thoughts", "reasoning_recap")
_ENDINGS = {
    "stop": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "interrupted": FinishReason.CANCELLED,
    "content_filter": FinishReason.CONTENT_FILTER,
}
_CONVERSATION = frozenset(("title", "mapping"))
_REPEATED = frozenset(("alt", "matched_text", "prompt_text", "cloud_doc_url"))
"""Fields of a reference that repeat the text and the sources."""
_MESSAGE = frozenset(("author", "content", "metadata"))


def read_conversation(entry: Node) -> ForeignConversation:
    """A conversation. Raises BadData when no message can be read."""
    mapping = entry.get("mapping")
    if not isinstance(mapping, Mapping):
        raise BadData("it has no messages: the field `mapping` is missing")
    reader = _Reader(mapping, name_of(entry.get("default_model_slug")))
    reader.read()
    turns, leftovers = reader.turns, reader.leftovers
    if leftovers.all and not turns and not reader.systems.first:
        raise BadData("none of its messages can be read")
    leftovers.add_fields(with_prose(entry, _CONVERSATION, ""), "the conversation")
    current = name_of(entry.get("current_node"))
    return ForeignConversation(
        "chatgpt",
        name_of(entry.get("conversation_id") or entry.get("id")) or digest_of(entry),
        name_of(entry.get("title")),
        time_of(entry.get("create_time")),
        tuple(turns.values()),
        reader.systems.first,
        current if current in turns else reader.above.get(current),
        left_out=leftovers.all,
    )


@dataclass(frozen=True, slots=True)
class _Message:
    """The message of a node: role, content type, text and metadata."""

    role: str
    kind: str
    text: str
    node: Node
    metadata: Node

    @property
    def is_hidden(self) -> bool:
        return bool(self.metadata.get("is_visually_hidden_from_conversation"))

    @property
    def why_left_out(self) -> tuple[str, str]:
        """The kind of a message that is left out, and the reason."""
        if self.is_hidden:
            return "hidden message", "ChatGPT does not show it"
        return f"message of the role `{self.role[:60]}`", "its role is not known"

    def unread(self, text: str = "") -> dict[str, Any]:
        """Fields with texts that are neither in the message's text nor in the given one."""
        kept = "\n".join([self.text, text, *(c.title or "" for c in citations_of(self.metadata))])
        beside = with_prose(self.metadata, frozenset(), kept, _REPEATED)
        return with_prose(self.node, _MESSAGE, kept) | beside


@dataclass(frozen=True, slots=True)
class _Pending:
    """Reasoning without its reply yet, and the keys of its nodes."""

    text: str = ""
    extras: Extras = ()
    origins: tuple[str, ...] = ()

    def with_thought(self, turn: ForeignTurn) -> "_Pending":
        text = _joined(self.text, turn.reasoning)
        return _Pending(text, self.extras + turn.extras, (*self.origins, turn.key))


class _Reader:
    """Converts nodes to turns, from the root down.

    `above` maps each node to the key of its turn, or of the nearest turn above.
    """

    def __init__(self, mapping: Mapping[str, Any], model: str) -> None:
        self._mapping = mapping
        self._model = model
        self._links: Links = links_of(mapping, "parent", "children")
        self._answers = Counter(parent for parent, _ in self._links.values())
        self._pending: dict[str, _Pending] = {}
        self._used: set[str] = set()
        self.turns: dict[str, ForeignTurn] = {}
        self.above: dict[str, str | None] = {}
        self.systems = Systems()
        self.leftovers = Leftovers()

    def read(self) -> None:
        """Fill `turns`."""
        thoughts: list[tuple[ForeignTurn, str | None]] = []
        for key in parents_first(self._links):
            before = self._links[key][0]
            parent, pending = self.above.get(before), self._pending.get(before, _Pending())
            turn = self._turn(key)
            if turn is not None and not (_is_thought(turn) and self._answers[key]):
                self._place(turn, before, parent, pending)
                continue
            self.above[key] = parent
            self._pending[key] = pending if turn is None else pending.with_thought(turn)
            if turn is not None:
                thoughts.append((turn, parent))
        for turn, parent in thoughts:
            if turn.key not in self._used:  # no reply follows
                self.turns[turn.key] = replace(turn, parent=parent)

    def _place(self, turn: ForeignTurn, before: str, parent: str | None, pending: _Pending) -> None:
        self._used.update(pending.origins)
        if turn.role is Role.ASSISTANT:
            reasoning = _joined(pending.text, turn.reasoning)
            turn = replace(turn, reasoning=reasoning, extras=pending.extras + turn.extras)
        elif pending.text:  # no reply follows: it becomes a reply itself
            own = f"{before}/thoughts"
            if own not in self.turns:
                self.turns[own] = ForeignTurn(
                    own, Role.ASSISTANT, (), turn.at, parent, self._model,
                    reasoning=pending.text, extras=pending.extras,
                )  # fmt: skip
            parent = own
        last = self.turns.get(parent or "")
        if turn.role is Role.TOOL and last is not None:
            if last.role is Role.TOOL and self._answers[before] == 1:
                self.turns[last.key] = _with_more(last, turn)
                self.above[turn.key] = last.key
                return
            turn = _as_result(turn, last)
        self.turns[turn.key] = replace(turn, parent=parent)
        self.above[turn.key] = turn.key

    def _turn(self, key: str) -> ForeignTurn | None:
        node = self._mapping.get(key)
        message = node.get("message") if isinstance(node, Mapping) else node
        if isinstance(message, Mapping):
            return self._shown(key, _message_of(message))
        if message is not None:
            self.leftovers.add_odd(message)
        return None

    def _shown(self, key: str, said: _Message) -> ForeignTurn | None:
        at = time_of(said.node.get("create_time"))
        if said.kind in _INSTRUCTIONS or said.role in _SYSTEM:
            about = texts_in(said.metadata.get("user_context_message_data"))
            text = _joined(said.text, *(one for one in about if one.strip() not in said.text))
            self.leftovers.add_fields(said.unread(text), "a system message")
            return next(iter(self.systems.turn(key, None, at, text)), None)
        if said.is_hidden or said.role not in ("user", "assistant", "tool"):
            if said.text.strip():
                self.leftovers.add(*said.why_left_out)
            return None
        if said.role == "tool":
            name = name_of(mapping_of(said.node.get("author")).get("name")) or "tool"
            turn = tool_turn(key, None, at, name, without_marks(said.text))
            return _with_detail(turn, said)
        if said.role == "user":
            self.leftovers.add_fields(said.unread(), "a user message")
            return ForeignTurn(key, Role.USER, (TextPart(said.text),), at) if said.text else None
        return self._reply(key, said)

    def _reply(self, key: str, said: _Message) -> ForeignTurn | None:
        beside = as_extras(said.unread())
        if not (said.text or said.kind == "code" or beside):
            return None
        raw = name_of(mapping_of(said.metadata.get("finish_details")).get("type"))
        turn = ForeignTurn(
            key,
            Role.ASSISTANT,
            (),
            time_of(said.node.get("create_time")),
            model=name_of(said.metadata.get("model_slug")) or self._model,
            finish=_ENDINGS.get(raw, FinishReason.UNSTATED),
            finish_raw=raw or None,
            citations=citations_of(said.metadata),
            extras=beside,
        )
        if said.kind in _THOUGHTS:
            return replace(turn, reasoning=said.text)
        recipient = name_of(said.node.get("recipient"))
        if said.kind == "code" or recipient not in ("", "all"):
            name = recipient if recipient not in ("", "all") else "code"
            call = ToolCall(key, "custom", name, said.text, ToolCallState.COMPLETED)
            return replace(turn, calls=(call,), finish=FinishReason.TOOL_CALLS)
        return replace(turn, parts=(TextPart(without_marks(said.text)),))


def _message_of(message: Node) -> _Message:
    author = message.get("author")
    role = name_of(mapping_of(author).get("role") or (author if isinstance(author, str) else ""))
    content = message.get("content")
    metadata = mapping_of(message.get("metadata"))
    lines = (content_text(content), *attachments(metadata))
    text = "\n".join(filter(None, lines))
    kind = name_of(mapping_of(content).get("content_type"))
    return _Message(role, kind, text, message, metadata)


def _is_thought(turn: ForeignTurn) -> bool:
    return bool(turn.reasoning) and not turn.parts and not turn.calls


def _joined(*texts: str) -> str:
    return "\n\n".join(filter(None, texts))


def _with_detail(turn: ForeignTurn, said: _Message) -> ForeignTurn:
    detail = "\n".join(f"{name}: {value}" for name, value in as_extras(said.unread()))
    (part,) = turn.parts
    if not detail or not isinstance(part, ToolResultPart):
        return turn
    return replace(turn, parts=(replace(part, detail=detail),))


def _as_result(turn: ForeignTurn, last: ForeignTurn) -> ForeignTurn:
    """The turn as the result of the call above it."""
    (part,) = turn.parts
    if not isinstance(part, ToolResultPart):
        return turn
    above = last.calls[0].id if last.calls else last.key
    return replace(turn, parts=(replace(part, call_id=above),))


def _with_more(last: ForeignTurn, turn: ForeignTurn) -> ForeignTurn:
    """The results of several messages of one tool, merged."""
    (first,), (more,) = last.parts, turn.parts
    if not (isinstance(first, ToolResultPart) and isinstance(more, ToolResultPart)):
        return last
    output, detail = _joined(first.output, more.output), _joined(first.detail, more.detail)
    return replace(last, parts=(replace(first, output=output, detail=detail),))
