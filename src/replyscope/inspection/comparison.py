"""Compares two replies: their facts, their texts word by word, their tool calls. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from replyscope.domain.exchange import Choice, Exchange, ToolCall
from replyscope.domain.json_text import read_json
from replyscope.inspection.difference import differences
from replyscope.inspection.explain import explain
from replyscope.inspection.figures import UNKNOWN, cost, count, rate, seconds
from replyscope.inspection.siblings import Reply
from replyscope.inspection.structure import Change, DiffNode, compare_values

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class DiffPart:
    """A section of text that one reply has, or both."""

    change: Change
    text: str


@dataclass(frozen=True, slots=True)
class FactRow:
    """A labelled value of both replies, formatted."""

    label: str
    first: str
    second: str

    @property
    def differs(self) -> bool:
        """Whether the formatted values differ."""
        return self.first != self.second


@dataclass(frozen=True, slots=True)
class CallRow:
    """A tool call of one or both replies. JSON arguments are compared by path, other
    arguments word by word.
    """

    name: str
    change: Change
    places: tuple[DiffNode, ...] = ()
    pieces: tuple[DiffPart, ...] = ()


def compare_facts(first: Reply, second: Reply) -> tuple[FactRow, ...]:
    """The finish reason, usage, cost, timing and calls of both."""
    columns = [_facts(exchange, choice) for exchange, choice in (first, second)]
    return tuple(
        FactRow(label, a, b) for (label, a), (_, b) in zip(columns[0], columns[1], strict=True)
    )


def _facts(exchange: Exchange, index: int) -> list[tuple[str, str]]:
    usage, timing, choice = exchange.usage, exchange.timing, exchange.choice(index)
    number = f" · choice {index + 1}" if len(exchange.choices) > 1 else ""
    return [
        ("model", _model(exchange) + number),
        ("api", exchange.api.value),
        ("asked", f"{exchange.started_at.astimezone():%Y-%m-%d %H:%M:%S}"),
        ("finish", explain(exchange, index).word),
        ("tokens in", count(usage.input_tokens if usage else None)),
        ("tokens out", count(usage.output_tokens if usage else None)),
        ("reasoning", count(usage.reasoning_tokens if usage else None)),
        ("cost", cost(exchange)),
        ("first token", seconds(timing.first_token_ms)),
        ("duration", seconds(timing.duration_ms)),
        ("rate", rate(exchange)),
        ("characters", f"{len(choice.text):,}"),
        ("tool calls", ", ".join(call.name for call in choice.tool_calls) or UNKNOWN),
    ]


def _model(exchange: Exchange) -> str:
    asked, answered = exchange.model, exchange.answered_model
    return asked if answered in (None, asked) else f"{asked} ({answered})"


def compare_texts(first: str, second: str) -> tuple[DiffPart, ...]:
    """The differences between two texts, word by word."""
    a, b = _TOKEN.findall(first), _TOKEN.findall(second)
    found: list[DiffPart] = []
    for stretch in differences(a, b):
        text, other = "".join(a[slice(*stretch.first)]), "".join(b[slice(*stretch.second)])
        if stretch.is_same:
            found.append(DiffPart(Change.BOTH, text))
            continue
        found += [DiffPart(Change.FIRST, text)] if text else []
        found += [DiffPart(Change.SECOND, other)] if other else []
    return tuple(found)


def compare_calls(first: Choice, second: Choice) -> tuple[CallRow, ...]:
    """Pair the calls of two replies: first identical calls, then calls of the same name in
    their order. Unpaired calls of the second reply are last.
    """
    waiting = list(second.tool_calls)
    paired: dict[int, ToolCall] = {}
    for is_exact in (True, False):
        for number, call in enumerate(first.tool_calls):
            fitting = (
                one
                for one in waiting
                if one.name == call.name and (not is_exact or one.arguments == call.arguments)
            )
            other = next(fitting, None) if number not in paired else None
            if other is not None:
                paired[number] = other
                waiting = [one for one in waiting if one is not other]
    rows = [_call_row(call, paired.get(n)) for n, call in enumerate(first.tool_calls)]
    return (*rows, *(_call_row(None, call) for call in waiting))


def _call_row(first: ToolCall | None, second: ToolCall | None) -> CallRow:
    call = first or second
    assert call is not None
    if first is None or second is None:
        change = Change.FIRST if second is None else Change.SECOND
        places = _places(call.arguments, call.arguments)
        alone = [DiffPart(change, call.arguments)] if places is None else []
        return CallRow(call.name, change, tuple(_only(places or (), change)), tuple(alone))
    change = Change.BOTH if first.arguments == second.arguments else Change.CHANGED
    found = _places(first.arguments, second.arguments)
    if found is not None:
        return CallRow(call.name, change, found)
    return CallRow(call.name, change, (), compare_texts(first.arguments, second.arguments))


def _only(places: Sequence[DiffNode], change: Change) -> list[DiffNode]:
    is_first = change is Change.FIRST
    return [
        DiffNode(
            place.depth,
            place.name,
            change,
            place.first if is_first else "",
            "" if is_first else place.second,
        )
        for place in places
    ]


def _places(first: str, second: str) -> tuple[DiffNode, ...] | None:
    """The differences between JSON arguments, or None if either is not JSON."""
    try:
        values = read_json(first), read_json(second)
    except ValueError:
        return None
    return compare_values(*values)
