"""An observation of Langfuse as a row: its fields under either spelling, its usage and cost.

Field names are in camel case from the screen and the API, and with underscores in exports to
storage. In a CSV a value other than a text is JSON.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from replyscope.domain.exchange import Usage
from replyscope.domain.leftovers import Extras, as_extras
from replyscope.domain.loose_json import from_json, mapping_of
from replyscope.domain.sound_numbers import count_of, measure_of
from replyscope.readers.chat_tables import time_of_text

Fields = Mapping[str, Any]
_CACHED = ("input_cached_tokens", "cache_read_input_tokens", "input_cache_read", "cached_tokens",
           "prompt_tokens_cached")  # fmt: skip
_WRITTEN = ("cache_creation_input_tokens", "input_cache_creation", "input_cache_write",
            "cache_write_tokens")  # fmt: skip
_REASONING = ("output_reasoning_tokens", "reasoning_tokens", "output_reasoning", "reasoning")
_INTO = ("input", "prompt", "cache", "cached")
_OUT = ("output", "completion", "reasoning")
_KEPT = ("metadata", "scores", "comments", "traceTags", "promptName", "promptVersion")


class LangfuseRow:
    """An observation."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def get(self, *names: str) -> Any:
        """The first of the named fields that is set. Names are in camel case."""
        for name in names:
            for spelling in (name, _snake(name)):
                if self._fields.get(spelling) not in (None, ""):
                    return self._fields[spelling]
        return None

    def object(self, name: str) -> Fields:
        """A field with an object, or with the JSON of one."""
        value = self.get(name)
        return mapping_of(from_json(value) if isinstance(value, str) else value)

    def time(self, name: str) -> datetime | None:
        """A field with a time in ISO 8601."""
        return time_of_text(self.get(name))

    @property
    def is_failed(self) -> bool:
        """Whether the request failed."""
        return bool(self.get("level") == "ERROR")

    @property
    def is_generation(self) -> bool:
        """Whether the observation is a request to a model. Older exports have no other kinds."""
        kind = self.get("type")
        is_request = kind == "GENERATION" if kind else bool(self.get("model", "providedModelName"))
        return is_request and self.get("startTime") is not None

    @property
    def first_token_ms(self) -> float | None:
        """The time to the first token."""
        found = between(self.time("startTime"), self.time("completionStartTime"))
        seconds = measure_of(number(self.get("timeToFirstToken")))
        return found if found is not None or seconds is None else seconds * 1000

    @property
    def cost_usd(self) -> float | None:
        """The cost in US dollars; None for 0, which is also written if the price is unknown."""
        given = self.get("totalCost", "calculatedTotalCost")
        value = given if given is not None else self.object("costDetails").get("total")
        return measure_of(number(value)) or None

    @property
    def extras(self) -> Extras:
        """What people and programs noted at the observation."""
        noted = {name: self.get(name) for name in _KEPT}
        if not self.is_failed:
            noted["statusMessage"] = self.get("statusMessage")
        return as_extras({name: one for name, one in noted.items() if one not in _NOTHING})

    @property
    def usage(self) -> Usage | None:
        """The usage; unknown if all counts are zero, which is also written without a usage."""
        details = self._counts("usageDetails") or self._counts("usage")
        plain = {
            "input": count_of(number(self.get("inputUsage", "promptTokens"))),
            "output": count_of(number(self.get("outputUsage", "completionTokens"))),
            "total": count_of(number(self.get("totalUsage", "totalTokens"))),
        }
        counts = details or {name: one for name, one in plain.items() if one is not None}
        return _usage_of(counts) if any(counts.values()) else None

    def _counts(self, name: str) -> dict[str, int]:
        given = self.object(name).items()
        return {key: one for key, value in given if (one := count_of(number(value))) is not None}


_NOTHING: tuple[object, ...] = (None, "", {}, [], "{}", "[]", "null")


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def between(began: datetime | None, ended: datetime | None) -> float | None:
    """The milliseconds between two times."""
    if began is None or ended is None:
        return None
    return measure_of((ended - began).total_seconds() * 1000)


def number(value: Any) -> Any:
    """A number, or the number in a text of a CSV."""
    if not isinstance(value, str):
        return value
    try:
        return float(value) if "." in value or "e" in value.lower() else int(value)
    except ValueError:
        return None


def _usage_of(counts: Mapping[str, int]) -> Usage:
    """The usage from counts by kind. The logging program names the kinds.

    Where the total is the sum of all kinds, they are apart, and belong to the input or the output
    by their names; else the input and the output have the other kinds in them.
    """
    total = counts.get("total")
    kinds = {name: one for name, one in counts.items() if name != "total"}
    into, out = counts.get("input"), counts.get("output")
    if len(kinds) > 1 and total == sum(kinds.values()):
        into = _sum(kinds, _INTO)
        out = _sum(kinds, _OUT)
    cached, written, thought = (
        next((kinds[name] for name in names if name in kinds), None)
        for names in (_CACHED, _WRITTEN, _REASONING)
    )
    return Usage(into, out, total, cached, written, thought)


def _sum(kinds: Mapping[str, int], beginnings: tuple[str, ...]) -> int | None:
    found = [one for name, one in kinds.items() if name.startswith(beginnings)]
    return sum(found) if found else None
