"""Searches of saved replies and their results."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from replyscope.domain.query import Query


class Sort(StrEnum):
    """The order of results; all but rank are descending."""

    RANK = "rank"
    TIME = "time"
    TOKENS = "tokens"
    COST = "cost"
    TTFT = "ttft"
    DURATION = "duration"


@dataclass(frozen=True, slots=True)
class Search:
    """A query with its order and page. `now` anchors relative days; limits count replies."""

    query: Query
    now: datetime
    sort: Sort = Sort.RANK
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A saved row that can't be read: a reply, its request or frames, a message, a draft or a
    session's settings. `why` is the kind of the error.
    """

    kind: str
    id: str
    session_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A reply that was found, with the place of its text that fits best.

    `marks` are (start, end) in the snippet. Unknown figures are None; `ttft_s` in seconds.
    """

    exchange_id: str
    session_id: str
    message_id: str
    title: str
    model: str
    finish: str
    state: str
    started_at: datetime
    tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    ttft_s: float | None = None
    is_pinned: bool = False
    is_archived: bool = False
    is_deleted: bool = False
    snippet: str = ""
    marks: tuple[tuple[int, int], ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionHit:
    """A session with replies that were found, how many, and what they came to.

    `message_id` is one of them.
    """

    session_id: str
    title: str
    count: int
    newest_at: datetime
    message_id: str
    is_pinned: bool = False
    is_archived: bool = False
    is_deleted: bool = False
    tokens: int | None = None
    cost_usd: float | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Labels:
    """What a person put on a session; times in ms since 1970, None where there is none."""

    session_id: str
    pinned_at_ms: int | None = None
    archived_at_ms: int | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facets:
    """How what was found is spread: (value, count) by field, the most first."""

    total: int = 0
    sessions: int = 0
    by_field: tuple[tuple[str, tuple[tuple[str, int], ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class ReplyFigures:
    """The figures of one reply; `day` in local time, `ttft_s` and `duration_s` in seconds.

    `finishes` are the endings of its choices, each once; none of a reply that has none.
    """

    day: str
    model: str
    is_error: bool
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    is_cost_reported: bool
    ttft_s: float | None
    duration_s: float | None
    finishes: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Purged:
    """What was removed for good. `is_pending` says that old copies of the pages could not
    be overwritten yet, because another process reads them; the next start does it.
    """

    sessions: int
    exchanges: int
    is_pending: bool = False


@dataclass(frozen=True, slots=True)
class StoreSize:
    """Bytes of the file and of its WAL, bytes that a purge would free, and counts."""

    file: int
    wal: int
    free: int
    sessions: int
    deleted: int
    exchanges: int
    unindexed: int
