"""Formats counts, durations, sizes, rates and costs. An unknown value is "—"."""

from collections.abc import Iterable
from itertools import pairwise
from math import floor, isfinite, log10

from replyscope.domain.exchange import SENDABLE, Exchange, ReplyImage, Timing, Usage, output_rate

UNKNOWN = "—"
_BARS = "▁▂▃▄▅▆▇█"


def count(value: int | None) -> str:
    """A count with thousands separators."""
    return UNKNOWN if value is None else f"{value:,}"


def image_line(image: ReplyImage) -> str:
    """Describes a file of a reply: kind, name, type, size, and path or URL."""
    parts = [image.kind, *([image.name] if image.name else [])]
    parts += [image.media_type or "of an unknown type"]
    parts += [size(image.size)] if image.size is not None else []
    parts += [where] if (where := image.path or image.url or image.fault) else []
    return " · ".join(parts)


def seconds(value_ms: float | None) -> str:
    """A duration in milliseconds, seconds or minutes."""
    if value_ms is None:
        return UNKNOWN
    if value_ms < 1_000:
        return f"{value_ms:.0f} ms"
    if value_ms < 100_000:
        return f"{value_ms / 1_000:.1f} s"
    minutes, rest = divmod(round(value_ms / 1_000), 60)
    return f"{minutes} min {rest} s"


def whole_time(exchange: Exchange) -> str:
    """The duration of an exchange; "—" if it was not measured."""
    return seconds(exchange.timing.duration_ms or None)


def size(value: int) -> str:
    """A number of bytes in B, kB, MB or GB."""
    if value < 1_000:
        return f"{value} B"
    if value < 999_950:  # larger values would be rounded to 1000.0 kB
        return f"{value / 1_000:.1f} kB"
    if value < 999_950_000:
        return f"{value / 1_000_000:.1f} MB"
    return f"{value / 1_000_000_000:.2f} GB"


def rate(exchange: Exchange) -> str:
    """Output tokens per second."""
    value = output_rate(exchange.usage, exchange.timing)
    return UNKNOWN if value is None else f"{value:,.0f} tok/s"


def cost(exchange: Exchange) -> str:
    """The cost of an exchange, and whether it is reported or estimated."""
    source = "estimated" if exchange.reported_cost_usd is None else "reported"
    return UNKNOWN if exchange.cost_usd is None else f"{dollars(exchange.cost_usd)} {source}"


def cost_of_all(exchanges: Iterable[Exchange]) -> str:
    """The total cost of several exchanges; "≥" marks a sum that lacks an unknown cost."""
    costs = [exchange.cost_usd for exchange in exchanges]
    known = [value for value in costs if value is not None]
    if not known:
        return UNKNOWN
    return f"{'' if len(known) == len(costs) else '≥ '}{dollars(sum(known))}"


def dollars(value: float | None) -> str:
    """An amount in dollars: cents, or three significant figures below ten cents."""
    if value is None or not isfinite(value):
        return UNKNOWN
    if value < 0:  # only in imported files
        return f"-{dollars(-value)}"
    if value >= 0.09995 or value == 0:
        return f"${value:,.2f}"
    if value < 0.0000005:
        return "< $0.000001"
    places = min(6, 2 - floor(log10(value)))
    return f"${value:.{places}f}".rstrip("0")


def rate_limits(exchange: Exchange) -> list[tuple[str, str]]:
    """The remaining rate limits from the response headers, as (label, value)."""
    start = "x-ratelimit-remaining-"
    return [
        (f"{name.lower().removeprefix(start)} left", value)
        for name, value in exchange.headers
        if name.lower().startswith(start)
    ]


def usage_rows(usage: Usage | None) -> list[tuple[str, str]]:
    """Token counts as (label, value); details that were not reported are left out."""
    usage = usage or Usage()
    rows = [("in", count(usage.input_tokens)), ("out", count(usage.output_tokens))]
    details = (
        ("cached", usage.cached_input_tokens),
        ("cache write", usage.cache_write_tokens),
        ("reasoning", usage.reasoning_tokens),
    )
    rows += [(label, count(value)) for label, value in details if value is not None]
    return [*rows, ("total", count(usage.total_tokens))]


def sparkline(timing: Timing, width: int) -> str:
    """The output rate over time as a sparkline of at most `width` characters."""
    pace = timing.pace
    if not pace or width < 1:
        return ""
    shown = min(width, len(pace))
    edges = [len(pace) * i // shown for i in range(shown + 1)]
    means = [sum(pace[a:b]) / (b - a) for a, b in pairwise(edges)]
    top = max(means)
    if top <= 0:
        return _BARS[0] * shown
    return "".join(_BARS[round(mean / top * (len(_BARS) - 1))] for mean in means)


def api_words(exchange: Exchange) -> str:
    """The API of an exchange; with a note if requests can't be sent over it."""
    if exchange.api in SENDABLE:
        return exchange.api.value
    return f"{exchange.api.value} (recorded only: continue with another provider)"
