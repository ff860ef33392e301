"""Compares the versions of a prompt over their replies. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from replyscope.domain.search import ReplyFigures
from replyscope.inspection.figures import UNKNOWN, count, dollars, seconds
from replyscope.inspection.stats import Sums, short_version, sums_of, term_of

_HEADS = ("version", "replies", "errors", "in", "out", "cost", "ttft", "used", "endings")


@dataclass(frozen=True, slots=True)
class VersionFigures:
    """The figures of a version's replies: sums, finish reasons with counts, and days of use."""

    version: str
    sums: Sums
    endings: tuple[tuple[str, int], ...]
    first_day: str
    last_day: str


def versions_of(name: str, figures: Sequence[ReplyFigures]) -> tuple[VersionFigures, ...]:
    """The versions of a prompt, in the order of their first use. `figures` are in order."""
    groups: dict[str, list[ReplyFigures]] = defaultdict(list)
    for one in figures:
        for version in one.prompts:
            if version.partition("@")[0] == name:
                groups[version].append(one)
    return tuple(
        VersionFigures(
            version,
            sums_of(short_version(version), term_of("prompt", version), group),
            tuple(Counter(reason for one in group for reason in one.finishes).most_common()),
            min(one.day for one in group),
            max(one.day for one in group),
        )
        for version, group in groups.items()
    )


def version_table(versions: Sequence[VersionFigures], newest: str | None) -> Iterator[str]:
    """A table of versions. `newest` is the version in the library, which is marked.

    Tokens are of one reply on average.
    """
    rows = [_HEADS, *(_row(one, is_now=one.version == newest) for one in versions)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    for row in rows:
        cells = [
            cell.ljust(width) if column in (0, 7, 8) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _row(one: VersionFigures, *, is_now: bool) -> tuple[str, ...]:
    sums = one.sums
    days = one.first_day if one.first_day == one.last_day else f"{one.first_day} to {one.last_day}"
    return (
        f"{sums.name}{' now' if is_now else ''}",
        f"{sums.replies:,}",
        f"{sums.errors:,}",
        _average(sums.input_known, sums),
        _average(sums.output_known, sums),
        dollars(sums.cost_usd),
        UNKNOWN if sums.ttft_p50 is None else seconds(sums.ttft_p50 * 1000),
        days,
        ", ".join(f"{reason} {number:,}" for reason, number in one.endings) or UNKNOWN,
    )


def _average(total: int | None, sums: Sums) -> str:
    metered = sums.replies - sums.unmetered
    return count(None if total is None or not metered else round(total / metered))


def version_object(one: VersionFigures) -> dict[str, object]:
    """The object that `prompts compare --json` prints for a version."""
    sums = one.sums
    return {
        "version": one.version.partition("@")[2],
        "query": sums.term,
        "replies": sums.replies,
        "errors": sums.errors,
        "input_tokens": sums.input_known,
        "output_tokens": sums.output_known,
        "cost_usd": sums.cost_usd,
        "finish_reasons": dict(one.endings),
        "first_day": one.first_day,
        "last_day": one.last_day,
    }
