"""The steps of a foreign reply, and the turns that they make.

Programs keep a whole tool loop in one message. A session has a reply, the results of its
calls, and the next reply.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from replyscope.domain.exchange import ANSWERABLE, ToolCall
from replyscope.domain.finish import FinishReason
from replyscope.domain.foreign import Turn
from replyscope.domain.message import Role, TextPart, ToolResultPart
from replyscope.domain.tool import ToolCallState


@dataclass(frozen=True, slots=True)
class Said:
    """A stretch of the reply's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Thought:
    """A stretch of reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """A tool call. `result` is None when the export has none; `detail` is for the person."""

    call: ToolCall
    result: str | None = None
    detail: str = ""


Step = Said | Thought | Called


@dataclass(slots=True)
class _Part:
    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    calls: list[Called] = field(default_factory=list)

    @property
    def asked(self) -> list[Called]:
        return [called for called in self.calls if called.call.kind in ANSWERABLE]


def turns_of(steps: Iterable[Step], whole: Turn) -> list[Turn]:
    """A chain of turns: replies, and the results of their calls between them.

    `whole` has the key, the parent and all that belongs to the message as such. The last
    turn of the chain has its key, so that what answers the message answers the chain.
    """
    parts = _grouped(steps)
    made: list[Turn] = []
    parent = whole.parent
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        key = whole.key if is_last and not part.asked else f"{whole.key}/{number}"
        made.append(_reply(part, whole, key, parent, is_last=is_last))
        parent = key
        if part.asked:
            key = whole.key if is_last else f"{key}/t"
            results = tuple(_result(called) for called in part.asked)
            made.append(Turn(key, Role.TOOL, results, whole.at, parent))
            parent = key
    return made


def _grouped(steps: Iterable[Step]) -> list[_Part]:
    """Stretches that end with the calls that were asked for together."""
    parts = [_Part()]
    for step in steps:
        if parts[-1].asked and not isinstance(step, Called):
            parts.append(_Part())
        match step:
            case Said(text=text):
                parts[-1].texts.append(text)
            case Thought(text=text):
                parts[-1].thoughts.append(text)
            case Called():
                parts[-1].calls.append(step)
    return parts


def _reply(part: _Part, whole: Turn, key: str, parent: str | None, *, is_last: bool) -> Turn:
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


def _call(called: Called) -> ToolCall:
    if called.call.kind in ANSWERABLE:
        return called.call
    return replace(called.call, result=called.result)


def _result(called: Called) -> ToolResultPart:
    call = called.call
    state = call.state if called.result is not None else ToolCallState.INTERRUPTED
    return ToolResultPart(
        call.id, called.result or "", call.name, state, call.kind, detail=called.detail
    )


class CallIds:
    """Gives each call of a message an id of its own."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._taken: set[str] = set()

    def take(self, wanted: str) -> str:
        """The wanted id, or another where it is taken or empty."""
        found, number = wanted, len(self._taken)
        while not found or found in self._taken:
            found = f"{wanted or self._key}/{number}"
            number += 1
        self._taken.add(found)
        return found
