"""Searches of saved replies and their results."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from replyscope.domain.query import Query
from replyscope.domain.values import dataclass

MOST_RANKED = 2_000
"""The most matches that are ranked by relevance; more than these are shown newest first."""


class Sort(StrEnum):
    """The order of results; every order except rank is descending."""

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
    """A reply among the results, with a snippet of its text.

    `marks` are (start, end) in the snippet. Unknown figures are None; `ttft_s` is in seconds.
    `client` is the name of a watched program. On a hub `by` is the role that has the reply, `me`
    for the own one, and `machine` the machine that sent it.
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
    client: str = ""
    by: str = ""
    machine: str = ""


@dataclass(frozen=True, slots=True)
class SessionHit:
    """A session among the results, with the number and the sums of its matching replies.

    `message_id` is one of the replies.
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
    """The labels of a session; times in ms since 1970, None without the label."""

    session_id: str
    pinned_at_ms: int | None = None
    archived_at_ms: int | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facets:
    """The distribution of the results: (value, count) by field, the largest count first.

    `is_ranked` is whether `Sort.RANK` orders the replies by relevance; otherwise the newest is
    first, because the query has no words, or too many replies match.
    With a `bound` only that many replies were counted, the newest that match its words.
    """

    total: int = 0
    sessions: int = 0
    by_field: tuple[tuple[str, tuple[tuple[str, int], ...]], ...] = ()
    is_ranked: bool = False
    bound: int | None = None


@dataclass(frozen=True, slots=True)
class ReplyFigures:
    """The figures of one reply; `day` in local time, `ttft_s` and `duration_s` in seconds.

    `finishes` are the distinct finish reasons of its choices; it may be empty. `prompts` are
    the versions of prompts that made its message: review@3f2a81c0…
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
    prompts: tuple[str, ...] = ()


TimeCount = tuple[float, int]
"""A time in seconds, rounded to two significant digits, and the number of replies that took it."""


@dataclass(frozen=True, slots=True)
class UsageSum:
    """Sums as a store keeps them: of a day, or of the replies that have the same names (then `day`
    is None). `Sums` of `inspection/stats.py` are those of a group as people see them, joined of
    several of these.

    Token sums exclude unknown numbers; `unmetered` and `unpriced` count the replies without them.
    """

    day: str | None
    model: str | None
    finishes: tuple[str, ...]
    tools: tuple[str, ...]
    prompts: tuple[str, ...]
    replies: int
    errors: int
    input_tokens: int
    output_tokens: int
    unmetered: int
    reported_usd: float
    estimated_usd: float
    reported: int
    estimated: int
    unpriced: int
    ttfts: tuple[TimeCount, ...] = ()
    durations: tuple[TimeCount, ...] = ()


def names_of_figures(
    rows: Iterable[tuple[str, str]],
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The `finishes`, `tools` and `prompts` of ReplyFigures, from rows of a field and a value."""
    found: dict[str, list[str]] = {"finish": [], "tool": [], "prompt": []}
    for field, name in rows:
        found.setdefault(field, []).append(name)
    versions = tuple(name for name in found["prompt"] if "@" in name)
    return tuple(found["finish"]), tuple(found["tool"]), versions


@dataclass(frozen=True, slots=True)
class Purged:
    """The result of a purge. `is_pending` means that another process still reads old pages, so
    they are overwritten at the next start.
    """

    sessions: int
    exchanges: int
    is_pending: bool = False


@dataclass(frozen=True, slots=True)
class StoreSize:
    """The size of the store: bytes of the file and its WAL, free bytes, and counts of rows."""

    file: int
    wal: int
    free: int
    sessions: int
    deleted: int
    exchanges: int
    unindexed: int
