"""Validates numbers from outside: an invalid number becomes unknown. Pure functions.

A count is a whole number from 0 to the greatest integer of SQLite. A measure (a time, a
cost) is finite and not negative. Numbers of events and files are validated on input.
"""

import math
from collections.abc import Iterator
from dataclasses import fields, replace
from operator import attrgetter

from replyscope.domain.exchange import Exchange, Timing, ToolCall, Usage
from replyscope.domain.loose_json import to_json

MOST = 2**63 - 1
MOST_MEASURE = 1e15
"""Thousands of years in milliseconds: sums of these remain exact enough."""

_COSTS = ("reported_cost_usd", "estimated_cost_usd")
_TIMES = tuple(field.name for field in fields(Timing))
REFUSED_MEASURES = frozenset((*_COSTS, *(f"timing.{name}" for name in _TIMES)))
"""The names of extras with an invalid time or cost."""
_COUNTS = tuple(field.name for field in fields(Usage))
_counts_in = attrgetter(*_COUNTS)
_known_times_in = attrgetter("first_event_ms", "first_token_ms", "last_token_ms")
_times_in = attrgetter("duration_ms", "pace_ms", "longest_pause_ms", "longest_pause_at_ms")


def count_of(value: object) -> int | None:
    """The count; None for a value that is not a count."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= MOST else None


def measure_of(value: object) -> float | None:
    """The time or amount of money; None for a value that is neither."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and 0 <= number <= MOST_MEASURE else None


def sound_usage(usage: Usage) -> Usage:
    """The usage, with invalid counts unknown; the same object if all are valid."""
    counts = _counts_in(usage)
    if all(value is None or (type(value) is int and 0 <= value <= MOST) for value in counts):
        return usage
    return Usage(*map(count_of, counts))


def sound_timing(timing: Timing) -> Timing:
    """The timing, with invalid times as not measured; the same object if all are valid."""
    if type(timing.pace) is not tuple:
        return timing  # a file may have any type here; `field_types` validates it later
    if _is_sound_timing(timing):
        return timing
    return Timing(
        first_event_ms=measure_of(timing.first_event_ms),
        first_token_ms=measure_of(timing.first_token_ms),
        last_token_ms=measure_of(timing.last_token_ms),
        duration_ms=measure_of(timing.duration_ms) or 0.0,
        pace=tuple(count_of(value) or 0 for value in timing.pace),
        pace_ms=measure_of(timing.pace_ms) or 0.0,
        longest_pause_ms=measure_of(timing.longest_pause_ms) or 0.0,
        longest_pause_at_ms=measure_of(timing.longest_pause_at_ms) or 0.0,
    )


def _is_sound_timing(timing: Timing) -> bool:
    """Whether every time and count is valid already, and of the type that it is stored with."""
    return (
        all(map(_is_measure_or_none, _known_times_in(timing)))
        and all(map(_is_measure, _times_in(timing)))
        and all(type(value) is int and 0 <= value <= MOST for value in timing.pace)
    )


def _is_measure(value: object) -> bool:
    return type(value) is float and 0 <= value <= MOST_MEASURE  # false for NaN


def _is_measure_or_none(value: object) -> bool:
    return value is None or _is_measure(value)


def sound_call(call: ToolCall) -> ToolCall:
    """The tool call, with an invalid duration unknown."""
    duration_ms = measure_of(call.duration_ms)
    return call if duration_ms == call.duration_ms else replace(call, duration_ms=duration_ms)


def with_sound_numbers(exchange: Exchange) -> Exchange:
    """The exchange with invalid numbers unknown. Their values are kept as extras."""
    if _is_sound(exchange):
        return exchange
    sound = replace(
        exchange,
        usage=None if exchange.usage is None else sound_usage(exchange.usage),
        timing=sound_timing(exchange.timing),
        reported_cost_usd=measure_of(exchange.reported_cost_usd),
        estimated_cost_usd=measure_of(exchange.estimated_cost_usd),
        choices=tuple(
            replace(choice, tool_calls=tuple(map(sound_call, choice.tool_calls)))
            if choice.tool_calls
            else choice
            for choice in exchange.choices
        ),
    )
    refused = tuple(_refused(exchange, sound))
    return replace(sound, extras=(*exchange.extras, *refused)) if refused else sound


def _is_sound(exchange: Exchange) -> bool:
    """Whether `with_sound_numbers` has nothing to change, as for nearly every stored exchange. It
    is called for each reply that is read, and a copy takes longer than all else.
    """
    usage, timing = exchange.usage, exchange.timing
    return (
        (usage is None or sound_usage(usage) is usage)
        and type(timing.pace) is tuple
        and _is_sound_timing(timing)
        and _is_measure_or_none(exchange.reported_cost_usd)
        and _is_measure_or_none(exchange.estimated_cost_usd)
        and all(
            _is_measure_or_none(call.duration_ms)
            for choice in exchange.choices
            for call in choice.tool_calls
        )
    )


def _refused(given: Exchange, sound: Exchange) -> Iterator[tuple[str, str]]:
    """The invalid numbers as extras: the name of the field, and its JSON."""
    places: list[tuple[str, object, object, tuple[str, ...]]] = [
        ("", given, sound, _COSTS),
        ("timing.", given.timing, sound.timing, _TIMES),
        ("usage.", given.usage, sound.usage, _COUNTS),
    ]
    for prefix, before, after, names in places:
        for name in names if before is not None else ():
            value = getattr(before, name)
            if value is not None and value != getattr(after, name):
                text = value.hex() if isinstance(value, bytes) else value
                yield f"{prefix}{name}", to_json(text)
