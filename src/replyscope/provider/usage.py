"""Parses token counts and costs, with all field names and places that servers use. Pure.

A count is valid if it is a non-negative integer that SQLite can store; otherwise it is None.
"""

from collections.abc import Iterator

from replyscope.domain.event import UsageReported
from replyscope.domain.exchange import Usage
from replyscope.domain.sound_numbers import count_of, measure_of
from replyscope.provider.plain import Fields, fields_of

_INPUT = (
    "prompt_tokens",
    "input_tokens",
    "prompt_eval_count",
    "promptTokenCount",
    "inputTokens",
    "promptTokens",
    "prompt_token_count",
    "input_token_count",
    "tokens_evaluated",
)
_OUTPUT = (
    "completion_tokens",
    "output_tokens",
    "eval_count",
    "candidatesTokenCount",
    "outputTokens",
    "completionTokens",
    "candidates_token_count",
    "generated_tokens",
    "output_token_count",
    "tokens_predicted",
)
_TOTAL = ("total_tokens", "totalTokenCount", "totalTokens", "total_token_count")
_CACHED = (
    "cached_tokens",
    "prompt_cache_hit_tokens",
    "cache_read_input_tokens",
    "cachedContentTokenCount",
    "cached_content_token_count",
    "cached_input_tokens",
    "num_cached_tokens",
)
_WRITTEN = ("cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens")
_REASONING = ("reasoning_tokens", "thoughtsTokenCount", "thoughts_token_count", "thinking_tokens")
_INPUT_DETAILS = ("prompt_tokens_details", "input_tokens_details", "input_token_details")
_OUTPUT_DETAILS = (
    "completion_tokens_details",
    "output_tokens_details",
    "output_token_details",
)
_COSTS = ("cost", "total_cost", "cost_usd", "estimated_cost")
_TOTAL_COSTS = ("total_cost", "total", "amount", "amount_usd", "usd")


def read_usage(usage: object) -> UsageReported | None:
    """The counts and the cost in a usage object; None when it has no count."""
    given = fields_of(usage)
    into, out = _details(given, _INPUT_DETAILS), _details(given, _OUTPUT_DETAILS)
    counts = Usage(
        input_tokens=_first((given,), _INPUT),
        output_tokens=_first((given,), _OUTPUT),
        total_tokens=_first((given,), _TOTAL),
        cached_input_tokens=_first((into, given), _CACHED),
        cache_write_tokens=_first((into, given), _WRITTEN),
        reasoning_tokens=_first((out, given), _REASONING),
    )
    if counts == Usage():
        return None
    return UsageReported(counts, read_cost(given))


def find_usage(places: Fields) -> UsageReported | None:
    """The usage in a chunk: in a field such as `usage`, or directly among its fields."""
    for name in ("usage", "x_groq", "usageMetadata", "usage_metadata", "metrics", "token_usage"):
        place = fields_of(places.get(name))
        found = read_usage(place.get("usage")) or read_usage(place)
        if found is not None:
            return found
    return read_usage(places)


_READ = {
    *(*_INPUT, *_OUTPUT, *_TOTAL, *_CACHED, *_WRITTEN, *_REASONING, *_COSTS),
    *(*_INPUT_DETAILS, *_OUTPUT_DETAILS),
}


def unread_usage(usage: object) -> Iterator[tuple[str, object]]:
    """The unknown fields of a usage object, as `usage.FIELD`, and counts that are invalid.

    Fields that are zero or empty are left out.
    """
    given = fields_of(usage)
    for name, value in given.items():
        if name in (*_INPUT_DETAILS, *_OUTPUT_DETAILS) and fields_of(value):
            yield from ((f"usage.{name}.{n}", v) for n, v in _unread(fields_of(value)))
    yield from ((f"usage.{name}", value) for name, value in _unread(given))


def _unread(given: Fields) -> Iterator[tuple[str, object]]:
    for name, value in given.items():
        is_count = name in _READ and name not in _COSTS and not fields_of(value)
        is_odd = is_count and count_of(value) is None
        is_other = name not in _READ and value not in (0, "", [], {})
        if is_odd or is_other:
            yield name, value


def _details(usage: Fields, names: tuple[str, ...]) -> Fields:
    return next((found for name in names if (found := fields_of(usage.get(name)))), {})


def _first(places: tuple[Fields, ...], names: tuple[str, ...]) -> int | None:
    found = (count_of(place.get(name)) for place in places for name in names)
    return next((count for count in found if count is not None), None)


def read_cost(usage: Fields) -> float | None:
    """The cost in US dollars that a usage object states; None when it states none."""
    for name in _COSTS:
        value = usage.get(name)
        if parts := fields_of(value):
            value = next((parts[inner] for inner in _TOTAL_COSTS if inner in parts), None)
        if (amount := measure_of(value)) is not None:
            return amount
    return None
