"""Explains why a request missed the server's prompt cache. Pure.

A server reuses the beginning of an earlier request: tools, system prompt, then the messages, up
to the first difference. The earlier request is compared with the later one part by part.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile, zip_longest
from typing import Any

from replyscope.domain.exchange import Exchange
from replyscope.domain.json_text import read_json
from replyscope.inspection.asked_rows import asked_rows
from replyscope.inspection.cache_use import LEAST_CACHED, is_cache_miss
from replyscope.inspection.difference import differences

_BESIDE = (
    *("model", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"),
    *("reasoning", "reasoning_effort", "service_tier", "tool_choice", "parallel_tool_calls"),
)
"""Fields outside the prefix that may select another cache."""
_MOST_LINES = 200
_LONGEST_LINE = 400
"""In characters; an image is a single line of a request."""
_LEAD = 40
"""The equal characters that are shown before the first difference in long lines."""
_CONTEXT = 2

Segment = tuple[str, str]
"""A part of a request's prefix: its name, and its text."""


@dataclass(frozen=True, slots=True)
class FirstDifference:
    """The first part of two requests that differs. An empty text: the request lacks the part.

    `same` is the number of characters that both requests have in common before it.
    """

    name: str
    before: str
    after: str
    same: int

    def lines(self) -> list[str]:
        """The difference line by line: "- " before, "+ " after, "  " the same."""
        return diff_lines(self.before.splitlines(), self.after.splitlines())


@dataclass(frozen=True, slots=True)
class CacheReport:
    """The use of the prompt cache by one request.

    `cached` are the input tokens that the server read from its cache, `reusable` the input
    tokens of the earlier request; None if they were not reported. `diagnosis` quotes the server.
    `fields` names other fields of the two requests that differ.
    """

    cached: int | None
    reusable: int | None
    diagnosis: str = ""
    difference: FirstDifference | None = None
    fields: tuple[str, ...] = ()
    chains: bool = False

    @property
    def is_miss(self) -> bool:
        """Whether fewer tokens were cached than the earlier request had."""
        return is_cache_miss(self.cached, self.reusable)

    def sentences(self) -> list[str]:
        """The report, the most important sentence first."""
        return [*self._figures(), *self._causes()]

    def _figures(self) -> list[str]:
        cached = "not reported" if self.cached is None else f"{self.cached:,}"
        if self.reusable is None:
            return [f"Cached input tokens: {cached}."]
        said = [f"Cached input tokens: {cached}; the request before had {self.reusable:,}."]
        if self.reusable < LEAST_CACHED:
            said.append(f"Servers rarely cache fewer than {LEAST_CACHED:,} tokens.")
        elif not self.is_miss:
            said.append("The request before was read from the cache.")
        return said

    def _causes(self) -> list[str]:
        said = [f"The server says: {self.diagnosis}."] if self.diagnosis else []
        if self.difference is not None:
            what = "differs from" if self.difference.after else "is missing; it was in"
            said.append(f"First difference: {self.difference.name} {what} the request before.")
        elif self.chains:
            said.append("The server keeps the earlier messages; the rest of the request is equal.")
        else:
            said.append("This request begins with all of the request before.")
        if self.fields:
            said.append(f"Other fields that differ: {', '.join(self.fields)}.")
        elif self.difference is None and self.is_miss:
            said.append("The cache may have expired, or another machine answered.")
        return said


def cache_report(
    exchange: Exchange, body: bytes, earlier: Exchange, earlier_body: bytes
) -> CacheReport:
    """Compare a request with the one before it."""
    after, before = _read(body), _read(earlier_body)
    usage, known = exchange.usage, earlier.usage
    return CacheReport(
        usage.cached_input_tokens if usage is not None else None,
        known.input_tokens if known is not None else None,
        diagnosis_of(exchange),
        first_difference(before, after),
        tuple(name for name in _BESIDE if before.get(name) != after.get(name)),
        _chains(after),
    )


def diagnosis_of(exchange: Exchange) -> str:
    """The server's diagnosis of its prompt cache, if it was requested; else empty."""
    found = [text for name, text in exchange.extras if name.endswith("prompt_cache_diagnostics")]
    rows = asked_rows([("prompt_cache_diagnostics", text) for text in found])
    return "; ".join(text for _, text in rows)


def first_difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> FirstDifference | None:
    """The first part of two request bodies that differs; None if the later one begins with all
    of the earlier one. Messages that a server keeps are not compared.
    """
    skips = _chains(before) or _chains(after)
    old, new = segments_of(before, skips=skips), segments_of(after, skips=skips)
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
    if common == len(old):
        return None
    name, text = old[common]
    other = new[common][1] if common < len(new) else ""
    if common < len(new) and new[common][0] != name:
        text, other, name = "", new[common][1], f"{new[common][0]}, which is new,"
    same = sum(len(part) for _, part in old[:common]) + _common_start(text, other)
    return FirstDifference(name, text, other, same)


def segments_of(body: Mapping[str, Any], *, skips: bool = False) -> list[Segment]:
    """The parts of a request in the order in which servers cache them. With `skips` without the
    messages.
    """
    segments = [(f"tool {_tool_name(tool)}", _pretty(tool)) for tool in _list(body, "tools")]
    for name, label in (("response_format", "the reply schema"), ("text", "the reply schema")):
        if body.get(name):
            segments.append((label, _pretty(body[name])))
    if body.get("instructions"):
        segments.append(("the system prompt", str(body["instructions"])))
    if skips:
        return segments
    given = body.get("input")
    messages = (
        [given] if isinstance(given, str) else _list(body, "messages") or _list(body, "input")
    )
    for number, message in enumerate(messages, start=1):
        role = message.get("role") or message.get("type") if isinstance(message, dict) else "user"
        label = f"message {number} ({role})"
        is_system = role in ("system", "developer") and number == 1
        segments.append(("the system prompt" if is_system else label, _pretty(message)))
    return segments


def diff_lines(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """A diff with a few equal lines around each difference; at most 200 lines."""
    lines: list[str] = []
    stretches = differences(before, after)
    for number, stretch in enumerate(stretches):
        (a1, a2), (b1, b2) = stretch.first, stretch.second
        if stretch.is_same:
            equal = [f"  {_shortened(line)}" for line in before[a1:a2]]
            head = equal[:_CONTEXT] if number else []
            tail = equal[-_CONTEXT:] if number < len(stretches) - 1 else []
            is_short = len(equal) <= len(head) + len(tail)
            lines += equal if is_short else [*head, "  …", *tail]
        else:
            lines += _changed("- ", before[a1:a2], after[b1:b2])
            lines += _changed("+ ", after[b1:b2], before[a1:a2])
    rest = len(lines) - _MOST_LINES
    return lines if rest <= 0 else [*lines[:_MOST_LINES], f"  … {rest:,} more lines"]


def _changed(sign: str, lines: Sequence[str], others: Sequence[str]) -> list[str]:
    """The lines of one side. Long ones begin shortly before the difference to the other side."""
    drawn = lines[:_MOST_LINES]
    pairs = zip_longest(drawn, others[: len(drawn)], fillvalue="")
    shown = [sign + _shortened(line, _common_start(line, other)) for line, other in pairs]
    return shown + [sign] * (len(lines) - len(drawn))  # only their number is shown


def _shortened(line: str, same: int = 0) -> str:
    """A line of at most 400 characters, and the numbers of those left out on both sides."""
    if len(line) <= _LONGEST_LINE:
        return line
    start = min(max(0, same - _LEAD), len(line) - _LONGEST_LINE)
    rest = len(line) - start - _LONGEST_LINE
    head = f"({start:,} characters)… " if start else ""
    tail = f" …({rest:,} more characters)" if rest else ""
    return f"{head}{line[start : start + _LONGEST_LINE]}{tail}"


def _read(body: bytes) -> dict[str, Any]:
    try:
        value = read_json(body.decode("utf-8", errors="replace"))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _chains(body: Mapping[str, Any]) -> bool:
    """Whether the server has the earlier messages."""
    return bool(body.get("previous_response_id") or body.get("conversation"))


def _list(body: Mapping[str, Any], name: str) -> list[Any]:
    value = body.get(name)
    return value if isinstance(value, list) else []


def _tool_name(tool: Any) -> str:
    if not isinstance(tool, dict):
        return "?"
    function = tool.get("function")
    inner = function.get("name") if isinstance(function, dict) else None
    return str(inner or tool.get("name") or tool.get("type") or "?")


def _pretty(value: Any) -> str:
    """A value as indented JSON, with its texts broken at their lines."""
    if isinstance(value, str):
        return value
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return text.replace("\\n", "\\n\n")


def _common_start(first: str, second: str) -> int:
    low, high = 0, min(len(first), len(second))
    while low < high:  # comparing slices is much faster than comparing characters
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
