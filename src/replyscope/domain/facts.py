"""Search data of one exchange: its numbers, names, marks and texts."""

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from enum import StrEnum

from replyscope.domain.values import dataclass

_NEVER = datetime.fromtimestamp(0, UTC)


class Mark(StrEnum):
    """A property of an exchange; each is a term of the query language."""

    ERROR = "error"
    TOOL = "tool"
    IMAGE = "image"
    REASONING = "reasoning"
    FINDING = "finding"
    FLAGGED = "flagged"
    PARTIAL = "partial"
    TOOL_FAILED = "toolfailed"


@dataclass(frozen=True, slots=True)
class CallFacts:
    """A tool call for SQL. `result` is set for a tool that the server ran, else None."""

    call_id: str
    kind: str
    name: str
    arguments: str
    state: str
    result: str | None = None
    duration_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Search data of one exchange and its session.

    `numbers` and `names` hold the values of the query fields, by field; an unknown number is
    absent. `prompt` holds the messages since the previous reply, `calls` the tool calls with
    their arguments and results. `choices` and `tool_calls` are for SQL: the text of each choice
    by its index, and the calls in order. `owner` and `machine` are known on a hub.
    """

    numbers: Mapping[str, float] = field(default_factory=dict)
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    marks: frozenset[Mark] = frozenset()
    is_cost_reported: bool = False
    prompt: str = ""
    text: str = ""
    reasoning: str = ""
    calls: str = ""
    choices: tuple[tuple[int, str], ...] = ()
    tool_calls: tuple[CallFacts, ...] = ()
    started_at: datetime = _NEVER
    title: str = ""
    tags: tuple[str, ...] = ()
    is_pinned: bool = False
    is_archived: bool = False
    is_deleted: bool = False
    source: str = ""
    client: str = ""
    owner: str = "me"
    machine: str = ""
