"""What many replies come to: sums, percentiles, and how they spread. Pure.

Reported, estimated and unknown are told apart; what is unknown is in no sum.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from replyscope.domain.hit import ReplyFigures


@dataclass(frozen=True, slots=True)
class Sums:
    """Replies under one name. Percentiles in seconds, None when nothing was measured.

    `unmetered` replies reported no usage, `unpriced` ones have no cost.
    """

    name: str
    replies: int
    errors: int
    input_tokens: int
    output_tokens: int
    unmetered: int
    reported_usd: float
    estimated_usd: float
    unpriced: int
    ttft_p50: float | None
    ttft_p95: float | None
    duration_p50: float | None
    duration_p95: float | None

    @property
    def output_known(self) -> int | None:
        """Output tokens; None when nobody reported any."""
        return None if self.unmetered == self.replies else self.output_tokens

    @property
    def input_known(self) -> int | None:
        """Input tokens; None when nobody reported any."""
        return None if self.unmetered == self.replies else self.input_tokens

    @property
    def cost_usd(self) -> float | None:
        """Reported and estimated together; None when nobody could price any."""
        return None if self.unpriced == self.replies else self.reported_usd + self.estimated_usd


@dataclass(frozen=True, slots=True)
class Stats:
    """The whole, and its parts; days in order, the rest the most first."""

    total: Sums
    days: tuple[Sums, ...]
    models: tuple[Sums, ...]
    finishes: tuple[Sums, ...]
    tools: tuple[Sums, ...]


def stats_of(figures: Sequence[ReplyFigures]) -> Stats:
    """The sums of these replies. One that called several tools counts with each."""
    tools = [(tool, one) for one in figures for tool in one.tools]
    return Stats(
        _sums("all", figures),
        tuple(_grouped(figures, lambda one: one.day)),
        tuple(_most_first(_grouped(figures, lambda one: one.model))),
        tuple(_most_first(_grouped(figures, lambda one: one.finish or "none"))),
        tuple(_most_first(_collected(tools))),
    )


def _grouped(
    figures: Iterable[ReplyFigures], name_of: Callable[[ReplyFigures], str]
) -> Iterable[Sums]:
    return _collected([(name_of(one), one) for one in figures])


def _collected(pairs: Iterable[tuple[str, ReplyFigures]]) -> list[Sums]:
    groups: dict[str, list[ReplyFigures]] = defaultdict(list)
    for name, one in pairs:
        groups[name].append(one)
    return [_sums(name, group) for name, group in sorted(groups.items())]


def _most_first(sums: Iterable[Sums]) -> list[Sums]:
    return sorted(sums, key=lambda one: (-one.replies, one.name))


def _sums(name: str, figures: Sequence[ReplyFigures]) -> Sums:
    costs = [(one.cost_usd, one.is_cost_reported) for one in figures if one.cost_usd is not None]
    ttfts = sorted(one.ttft_s for one in figures if one.ttft_s is not None)
    durations = sorted(one.duration_s for one in figures if one.duration_s is not None)
    return Sums(
        name=name,
        replies=len(figures),
        errors=sum(one.is_error for one in figures),
        input_tokens=sum(one.input_tokens or 0 for one in figures),
        output_tokens=sum(one.output_tokens or 0 for one in figures),
        unmetered=sum(one.output_tokens is None for one in figures),
        reported_usd=sum(cost for cost, is_reported in costs if is_reported),
        estimated_usd=sum(cost for cost, is_reported in costs if not is_reported),
        unpriced=len(figures) - len(costs),
        ttft_p50=percentile(ttfts, 0.50),
        ttft_p95=percentile(ttfts, 0.95),
        duration_p50=percentile(durations, 0.50),
        duration_p95=percentile(durations, 0.95),
    )


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The value that this share of them does not exceed; None of nothing."""
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]


def stats_object(stats: Stats) -> dict[str, Any]:
    """The object that `stats --json` prints."""
    return {
        "total": _sums_object(stats.total),
        "days": [_sums_object(one) for one in stats.days],
        "models": [_sums_object(one) for one in stats.models],
        "finish_reasons": [_sums_object(one) for one in stats.finishes],
        "tools": [_sums_object(one) for one in stats.tools],
    }


def _sums_object(sums: Sums) -> dict[str, Any]:
    return {
        "name": sums.name,
        "replies": sums.replies,
        "errors": sums.errors,
        "input_tokens": sums.input_tokens,
        "output_tokens": sums.output_tokens,
        "without_usage": sums.unmetered,
        "cost_usd": {"reported": sums.reported_usd, "estimated": sums.estimated_usd},
        "without_cost": sums.unpriced,
        "ttft_s": {"p50": sums.ttft_p50, "p95": sums.ttft_p95},
        "duration_s": {"p50": sums.duration_p50, "p95": sums.duration_p95},
    }
