"""What a reply can be found by: the figures, names and words of one exchange."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

_NEVER = datetime.fromtimestamp(0, UTC)


class Mark(StrEnum):
    """What an exchange has or is; each is a term of the query language."""

    ERROR = "error"
    TOOL = "tool"
    IMAGE = "image"
    REASONING = "reasoning"
    FINDING = "finding"
    FLAGGED = "flagged"
    PARTIAL = "partial"
    TOOL_FAILED = "toolfailed"


@dataclass(frozen=True, slots=True)
class Facts:
    """One exchange, and the session that it is of. Unknown figures are None.

    `ttft` and `duration` in seconds, `tps` in tokens per second, `cost` in US dollars.
    `prompt` is what was said to the model since its last reply, `calls` the tool calls
    with their arguments and results.
    """

    model: str = ""
    answered: str = ""
    api: str = ""
    finishes: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    tokens: int | None = None
    input: int | None = None
    output: int | None = None
    cost: float | None = None
    is_cost_reported: bool = False
    ttft: float | None = None
    duration: float | None = None
    tps: float | None = None
    marks: frozenset[Mark] = frozenset()
    prompt: str = ""
    text: str = ""
    reasoning: str = ""
    calls: str = ""
    started_at: datetime = _NEVER
    title: str = ""
    tags: tuple[str, ...] = ()
    is_pinned: bool = False
    is_archived: bool = False
    is_deleted: bool = False
