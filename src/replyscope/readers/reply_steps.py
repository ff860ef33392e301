"""Splits a reply of another program into turns.

Some programs store a whole tool loop as one message. A session has a reply, a message with
the results of its calls, and the next reply.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from replyscope.domain.exchange import ANSWERABLE, ToolCall
from replyscope.domain.finish import FinishReason
from replyscope.domain.foreign import ForeignTurn
from replyscope.domain.message import Role, TextPart, ToolResultPart
from replyscope.domain.tool import ToolCallState


@dataclass(frozen=True, slots=True)
class TextStep:
    """A section of the reply's text."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningStep:
    """A section of reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class CallStep:
    """A tool call. `result` is None if the export has none; `detail` is not sent to a model."""

    call: ToolCall
    result: str | None = None
    detail: str = ""


Step = TextStep | ReasoningStep | CallStep


@dataclass(slots=True)
class _Part:
    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    calls: list[CallStep] = field(default_factory=list)

    @property
    def asked(self) -> list[CallStep]:
        return [called for called in self.calls if called.call.kind in ANSWERABLE]


def turns_of(steps: Iterable[Step], whole: ForeignTurn) -> list[ForeignTurn]:
    """A chain of turns: replies, and the results of their calls between them.

    `whole` has the key, the parent and all that belongs to the message as such. The last
    turn of the chain has its key, so that what answers the message answers the chain.
    """
    parts = _grouped(steps)
    made: list[ForeignTurn] = []
    parent = whole.parent
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        key = whole.key if is_last and not part.asked else f"{whole.key}/{number}"
        made.append(_reply(part, whole, key, parent, is_last=is_last))
        parent = key
        if part.asked:
            key = whole.key if is_last else f"{key}/t"
            results = tuple(_result(called) for called in part.asked)
            made.append(ForeignTurn(key, Role.TOOL, results, whole.at, parent))
            parent = key
    return made


def _grouped(steps: Iterable[Step]) -> list[_Part]:
    """Groups of steps, each of which ends with the calls of one reply."""
    parts = [_Part()]
    for step in steps:
        if parts[-1].asked and not isinstance(step, CallStep):
            parts.append(_Part())
        match step:
            case TextStep(text=text):
                parts[-1].texts.append(text)
            case ReasoningStep(text=text):
                parts[-1].thoughts.append(text)
            case CallStep():
                parts[-1].calls.append(step)
    return parts


def _reply(
    part: _Part, whole: ForeignTurn, key: str, parent: str | None, *, is_last: bool
) -> ForeignTurn:
    text = "\n".join(part.texts)
    own = replace(
        whole,
        key=key,
        parent=parent,
        parts=(TextPart(text),) if text else (),
        reasoning="\n\n".join(part.thoughts),
        calls=tuple(_call(called) for called in part.calls),
    )
    if part.asked and not (is_last and whole.error):
        own = replace(own, finish=FinishReason.TOOL_CALLS, finish_raw=None)
    if is_last:
        return own
    return replace(own, usage=None, duration_ms=None, citations=(), error="", extras=())


def _call(called: CallStep) -> ToolCall:
    if called.call.kind in ANSWERABLE:
        return called.call
    return replace(called.call, result=called.result)


def _result(called: CallStep) -> ToolResultPart:
    call = called.call
    state = call.state if called.result is not None else ToolCallState.INTERRUPTED
    return ToolResultPart(
        call.id, called.result or "", call.name, state, call.kind, detail=called.detail
    )


class CallIds:
    """Unique ids for the tool calls of one message."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._taken: set[str] = set()

    def take(self, wanted: str) -> str:
        """The wanted id, or a new one if it is in use or empty."""
        found, number = wanted, len(self._taken)
        while not found or found in self._taken:
            found = f"{wanted or self._key}/{number}"
            number += 1
        self._taken.add(found)
        return found
