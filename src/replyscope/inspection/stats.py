"""Aggregates replies: sums and percentiles by day, model, finish reason, tool and version of a
prompt. Pure.

Reported, estimated and unknown values are kept separate; sums exclude unknown values. Each
group has the query that finds its replies.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any, Protocol, TypeVar

from replyscope.domain.message import SHORT_VERSION
from replyscope.domain.search import ReplyFigures, TimeCount, UsageSum
from replyscope.domain.values import dataclass

T = TypeVar("T")
Given = TypeVar("Given", contravariant=True)
Entry = TypeVar("Entry", ReplyFigures, UsageSum)
_PLAIN = re.compile(r"[\w./:@+~-]+")


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of a group of replies. Percentiles are in seconds, or None if not measured.

    `unmetered` counts replies without usage, `unpriced` replies without a cost. `term` is the
    query term that finds the group; "" for all replies.
    """

    name: str
    term: str
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
    ttft_p50: float | None
    ttft_p95: float | None
    duration_p50: float | None
    duration_p95: float | None

    @property
    def output_known(self) -> int | None:
        """Output tokens; None if no reply has usage."""
        return None if self.unmetered == self.replies else self.output_tokens

    @property
    def input_known(self) -> int | None:
        """Input tokens; None if no reply has usage."""
        return None if self.unmetered == self.replies else self.input_tokens

    @property
    def cost_usd(self) -> float | None:
        """The reported and estimated cost; None if no reply has a cost."""
        return None if self.unpriced == self.replies else self.reported_usd + self.estimated_usd


class Summing(Protocol[Given]):
    """A function that sums a group."""

    def __call__(self, name: str, term: str, group: Sequence[Given], /) -> Sums: ...


@dataclass(frozen=True, slots=True)
class Stats:
    """The total and the groups. Days are in order, other groups by number of replies."""

    total: Sums
    days: tuple[Sums, ...]
    models: tuple[Sums, ...]
    finishes: tuple[Sums, ...]
    tools: tuple[Sums, ...]
    prompts: tuple[Sums, ...] = ()


def stats_of(figures: Sequence[ReplyFigures]) -> Stats:
    """Aggregate replies.

    A reply with several tools or finish reasons is counted in each of their groups.
    """
    return _stats(figures, figures, sums_of)


def stats_of_usage(usage: Sequence[UsageSum]) -> Stats:
    """The statistics from kept sums. Their times are rounded to two significant digits."""
    days = [one for one in usage if one.day is not None]
    return _stats(days, [one for one in usage if one.day is None], _joined)


def _stats(dated: Sequence[Entry], named: Sequence[Entry], sums: Summing[Entry]) -> Stats:
    finishes = [(name, one) for one in named for name in one.finishes or ("",)]
    tools = [(tool, one) for one in named for tool in one.tools]
    prompts = [(short_version(name), one) for one in named for name in one.prompts]
    models = [(one.model or "", one) for one in named]
    return Stats(
        sums("all", "", dated),
        tuple(_collected("on", ((one.day or "", one) for one in dated), sums)),
        tuple(_most_first(_collected("asked", models, sums))),
        tuple(_most_first(_collected("finish", finishes, sums))),
        tuple(_most_first(_collected("tool", tools, sums))),
        tuple(_collected("prompt", prompts, sums)),
    )


def _joined(name: str, term: str, usage: Sequence[UsageSum]) -> Sums:
    ttfts = _counted(one.ttfts for one in usage)
    durations = _counted(one.durations for one in usage)
    return Sums(
        name,
        term,
        replies=sum(one.replies for one in usage),
        errors=sum(one.errors for one in usage),
        input_tokens=sum(one.input_tokens for one in usage),
        output_tokens=sum(one.output_tokens for one in usage),
        unmetered=sum(one.unmetered for one in usage),
        reported_usd=sum(one.reported_usd for one in usage),
        estimated_usd=sum(one.estimated_usd for one in usage),
        reported=sum(one.reported for one in usage),
        estimated=sum(one.estimated for one in usage),
        unpriced=sum(one.unpriced for one in usage),
        ttft_p50=_percentile_of(ttfts, 0.50),
        ttft_p95=_percentile_of(ttfts, 0.95),
        duration_p50=_percentile_of(durations, 0.50),
        duration_p95=_percentile_of(durations, 0.95),
    )


def _counted(counts: Iterable[Sequence[TimeCount]]) -> list[TimeCount]:
    """The times of several groups, the shortest first, each with its number of replies."""
    found: Counter[float] = Counter()
    for group in counts:
        for time, replies in group:
            found[time] += replies
    return sorted(found.items())


def _percentile_of(counted: Sequence[TimeCount], share: float) -> float | None:
    """As `percentile`, of times that are counted."""
    wanted = _place(sum(replies for _, replies in counted), share)
    for time, replies in counted:
        if wanted < replies:
            return time
        wanted -= replies
    return None


def short_version(name: str) -> str:
    """The name of a prompt's version with as many digits as people see."""
    prompt, _, version = name.partition("@")
    return f"{prompt}@{version[:SHORT_VERSION]}"


def spans_of(figures: Sequence[ReplyFigures], most: int) -> tuple[Sums, ...]:
    """Group replies by periods of equal length, without gaps: at most `most` periods."""
    return _spans([(one.day, one) for one in figures], most, sums_of)


def spans_of_usage(usage: Sequence[UsageSum], most: int) -> tuple[Sums, ...]:
    """Group kept sums in the same periods."""
    return _spans([(one.day, one) for one in usage if one.day is not None], most, _joined)


def _spans(pairs: Sequence[tuple[str, T]], most: int, sums: Summing[T]) -> tuple[Sums, ...]:
    if not pairs:
        return ()
    days = [date.fromisoformat(day) for day, _ in pairs]
    first, last = min(days), max(days)
    count = (last - first).days + 1
    length = next((n for n in _LENGTHS if count <= n * most), -(-count // max(1, most)))
    groups: dict[int, list[T]] = defaultdict(list)
    for day, (_, one) in zip(days, pairs, strict=True):
        groups[(day - first).days // length].append(one)
    return tuple(
        _span(first + timedelta(number * length), length, groups.get(number, []), sums)
        for number in range(-(-count // length))
    )


_LENGTHS = (1, 2, 7, 14, 28, 91, 182, 364)


def _span(start: date, length: int, group: Sequence[T], sums: Summing[T]) -> Sums:
    end = start + timedelta(length)
    if length == 1:
        return sums(f"{start}", f"on:{start}", group)
    name = f"{start} to {end - timedelta(1)}"
    return sums(name, f"after:{start} before:{end}", group)


def term_of(field: str, value: str) -> str:
    """The query term for a value of a field, quoted if necessary."""
    if not value:
        return f"-{field}:*"
    if _PLAIN.fullmatch(value):
        return f"{field}:{value}"
    return f'{field}:"{value.replace(chr(34), "?")}"'


def within(query: str, term: str) -> str:
    """The conjunction of a query and a term."""
    query = query.strip()
    if term and re.search(r"(?:^|\s)or(?:\s|$)", query, re.IGNORECASE):
        query = f"({query})"
    return f"{query} {term}".strip()


def _collected(field: str, pairs: Iterable[tuple[str, T]], sums: Summing[T]) -> list[Sums]:
    groups: dict[str, list[T]] = defaultdict(list)
    for name, one in pairs:
        groups[name].append(one)
    return [
        sums(name or "none", term_of(field, name), group) for name, group in sorted(groups.items())
    ]


def _most_first(sums: Iterable[Sums]) -> list[Sums]:
    return sorted(sums, key=lambda one: (-one.replies, one.name))


def sums_of(name: str, term: str, figures: Sequence[ReplyFigures]) -> Sums:
    reported = [f.cost_usd for f in figures if f.cost_usd is not None and f.is_cost_reported]
    estimated = [f.cost_usd for f in figures if f.cost_usd is not None and not f.is_cost_reported]
    ttfts = sorted(one.ttft_s for one in figures if one.ttft_s is not None)
    durations = sorted(one.duration_s for one in figures if one.duration_s is not None)
    return Sums(
        name=name,
        term=term,
        replies=len(figures),
        errors=sum(one.is_error for one in figures),
        input_tokens=sum(one.input_tokens or 0 for one in figures),
        output_tokens=sum(one.output_tokens or 0 for one in figures),
        unmetered=sum(one.output_tokens is None for one in figures),
        reported_usd=sum(reported),
        estimated_usd=sum(estimated),
        reported=len(reported),
        estimated=len(estimated),
        unpriced=len(figures) - len(reported) - len(estimated),
        ttft_p50=percentile(ttfts, 0.50),
        ttft_p95=percentile(ttfts, 0.95),
        duration_p50=percentile(durations, 0.50),
        duration_p95=percentile(durations, 0.95),
    )


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The percentile of sorted values for a share from 0 to 1; None if there are no values."""
    if not ordered:
        return None
    return ordered[_place(len(ordered), share)]


def _place(count: int, share: float) -> int:
    """The place of a percentile among so many sorted values."""
    return min(count - 1, max(0, -int(-share * count // 1) - 1))


def stats_object(stats: Stats) -> dict[str, Any]:
    """The object that `stats --json` prints.

    {"total": SUMS, "days": [SUMS], "models": […], "finish_reasons": […], "tools": […],
    "prompts": […]} where
    SUMS is {"name", "query", "replies", "errors", "input_tokens", "output_tokens",
    "without_usage", "cost_usd": {"reported", "estimated"}, "with_cost": {"reported",
    "estimated"}, "without_cost", "ttft_s": {"p50", "p95"}, "duration_s": {"p50", "p95"}}:
    counts are numbers of replies, sums exclude unknown values, and `query` finds the replies.
    """
    return {
        "total": _sums_object(stats.total),
        "days": [_sums_object(one) for one in stats.days],
        "models": [_sums_object(one) for one in stats.models],
        "finish_reasons": [_sums_object(one) for one in stats.finishes],
        "tools": [_sums_object(one) for one in stats.tools],
        "prompts": [_sums_object(one) for one in stats.prompts],
    }


def _sums_object(sums: Sums) -> dict[str, Any]:
    return {
        "name": sums.name,
        "query": sums.term,
        "replies": sums.replies,
        "errors": sums.errors,
        "input_tokens": sums.input_known,
        "output_tokens": sums.output_known,
        "without_usage": sums.unmetered,
        "cost_usd": {
            "reported": sums.reported_usd if sums.reported else None,
            "estimated": sums.estimated_usd if sums.estimated else None,
        },
        "with_cost": {"reported": sums.reported, "estimated": sums.estimated},
        "without_cost": sums.unpriced,
        "ttft_s": {"p50": sums.ttft_p50, "p95": sums.ttft_p95},
        "duration_s": {"p50": sums.duration_p50, "p95": sums.duration_p95},
    }
