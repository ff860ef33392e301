"""Two replies side by side: their facts, their texts word by word, their calls. Pure."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from replyscope.domain.exchange import Choice, Exchange, ToolCall
from replyscope.inspection.arguments import pretty_arguments
from replyscope.inspection.explain import explain
from replyscope.inspection.figures import UNKNOWN, cost, count, rate, seconds

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
_MOST_TOKENS = 20_000


class Change(StrEnum):
    """Which of the two has a piece."""

    BOTH = "both"
    FIRST = "first"
    SECOND = "second"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text, and who has it."""

    change: Change
    text: str


@dataclass(frozen=True, slots=True)
class FactRow:
    """One figure of both; `differs` is about what is shown."""

    label: str
    first: str
    second: str

    @property
    def differs(self) -> bool:
        """Whether they are not the same."""
        return self.first != self.second


def compare_facts(first: tuple[Exchange, int], second: tuple[Exchange, int]) -> tuple[FactRow, ...]:
    """Ending, usage, cost, timing and calls of both."""
    columns = [_facts(exchange, choice) for exchange, choice in (first, second)]
    return tuple(
        FactRow(label, a, b) for (label, a), (_, b) in zip(columns[0], columns[1], strict=True)
    )


def _facts(exchange: Exchange, index: int) -> list[tuple[str, str]]:
    usage, timing, choice = exchange.usage, exchange.timing, exchange.choice(index)
    return [
        ("model", _model(exchange)),
        ("api", exchange.api.value),
        ("finish", explain(exchange, index).word),
        ("tokens in", count(usage.input_tokens if usage else None)),
        ("tokens out", count(usage.output_tokens if usage else None)),
        ("reasoning", count(usage.reasoning_tokens if usage else None)),
        ("cost", cost(exchange)),
        ("first token", seconds(timing.first_token_ms)),
        ("in all", seconds(timing.duration_ms)),
        ("pace", rate(exchange)),
        ("characters", f"{len(choice.text):,}"),
        ("tool calls", ", ".join(call.name for call in choice.tool_calls) or UNKNOWN),
    ]


def _model(exchange: Exchange) -> str:
    asked, answered = exchange.model, exchange.answered_model
    return asked if answered in (None, asked) else f"{asked} ({answered})"


def compare_texts(first: str, second: str) -> tuple[Piece, ...]:
    """The texts word by word. Very long ones are compared line by line."""
    a, b = _TOKEN.findall(first), _TOKEN.findall(second)
    if len(a) + len(b) > _MOST_TOKENS:
        a, b = first.splitlines(keepends=True), second.splitlines(keepends=True)
    return _pieces(a, b)


def _pieces(a: Sequence[str], b: Sequence[str]) -> tuple[Piece, ...]:
    found: list[Piece] = []
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=len(a) + len(b) > 4_000)
    for tag, a1, a2, b1, b2 in matcher.get_opcodes():
        if tag == "equal":
            found.append(Piece(Change.BOTH, "".join(a[a1:a2])))
            continue
        if a2 > a1:
            found.append(Piece(Change.FIRST, "".join(a[a1:a2])))
        if b2 > b1:
            found.append(Piece(Change.SECOND, "".join(b[b1:b2])))
    return tuple(found)


def compare_calls(first: Choice, second: Choice) -> tuple[tuple[str, tuple[Piece, ...]], ...]:
    """Calls paired by name and place, each with its arguments line by line."""
    rows = []
    waiting = list(second.tool_calls)
    for call in first.tool_calls:
        other = next((one for one in waiting if one.name == call.name), None)
        if other is not None:
            waiting.remove(other)
        rows.append((call.name, _call_pieces(call, other)))
    return (*rows, *((call.name, _call_pieces(None, call)) for call in waiting))


def _call_pieces(first: ToolCall | None, second: ToolCall | None) -> tuple[Piece, ...]:
    a, b = (
        f"{pretty_arguments(call.arguments)}\n".splitlines(keepends=True) if call else []
        for call in (first, second)
    )
    return _pieces(a, b)
