"""Lays the facts of an exchange out as text: the overview and the tools tab."""

from collections import Counter
from collections.abc import Sequence
from textwrap import wrap

from textual.content import Content

from replyscope.domain.exchange import APPROVAL, Exchange, ToolCall
from replyscope.domain.printable import printable_line
from replyscope.domain.tool import ToolCallState
from replyscope.inspection.explain import Mood, Remedy, explain
from replyscope.inspection.figures import (
    UNKNOWN,
    cost,
    count,
    rate,
    rate_limits,
    seconds,
    sparkline,
    usage_rows,
)
from replyscope.inspection.findings import find_oddities

MUTED = "$text-muted"
FAINT = MUTED
_LABEL = 9
_DIFF = {"+": "$text-success", "-": "$text-error"}
_SHOWN_ELSEWHERE = ("message", "reasoning", APPROVAL)
_MOST_ARGUMENTS = 20_000
_MOODS = {
    Mood.GOOD: "$text-success bold",
    Mood.NOTE: "$text-warning bold",
    Mood.BAD: "$text-error bold",
    Mood.LIVE: "$text-accent bold",
}
_REMEDIES = {
    Remedy.CONTINUE: ("c", "continue"),
    Remedy.RESUME: ("c", "resume"),
    Remedy.RETRY: ("r", "retry"),
    Remedy.RAISE_LIMIT: ("m", "raise limit"),
    Remedy.RUN_TOOLS: ("t", "run tools"),
}


def _count_calls(calls: Sequence[ToolCall]) -> str:
    """How many calls there are, by what became of them."""
    if not calls:
        return "none"
    states = Counter(_SAID.get(call.state, call.state.value) for call in calls)
    return " · ".join(f"{count} {state}" for state, count in states.items())


_SAID = {
    ToolCallState.ASSEMBLING: "coming",
    ToolCallState.REQUESTED: "asked for",
    ToolCallState.RUNNING: "running",
    ToolCallState.COMPLETED: "done",
}


class Sheet:
    """Draws for one width; values that are too long go on under themselves.

    `can_act` says whether the keys that remedy an ending do so where it is shown.
    """

    def __init__(self, width: int, *, can_act: bool = True) -> None:
        self._room = max(8, width - _LABEL)
        self._can_act = can_act

    def overview(self, exchange: Exchange, choice: int, *, part: str = "") -> Content:
        """The overview tab."""
        rows = self._ending(exchange, choice)
        if part:
            rows += [
                self.row("" if number else "reply", line)
                for number, line in enumerate(part.split("\n"))
            ]
        rows += [Content(""), *self._usage(exchange), self.row("cost", cost(exchange))]
        rows += [Content(""), *self._times(exchange), Content("")]
        calls = exchange.choice(choice).tool_calls
        rows.append(self.row("tools", _count_calls(calls)))
        findings = find_oddities(exchange)
        if findings:
            rows += [Content(""), self.row("findings", findings[0], "$text-warning")]
            rows += [self.row("", finding, "$text-warning") for finding in findings[1:]]
        if exchange.firings:
            rows.append(Content(""))
            rows += [
                self.row("" if number else "rules", firing, "$text-accent")
                for number, firing in enumerate(exchange.firings)
            ]
        return Content("\n").join([*rows, Content(""), *self._identity(exchange)])

    def row(self, label: str, value: str, style: str = "") -> Content:
        """A label and a value, which goes on under itself."""
        first, *rest = wrap(printable_line(value), self._room) or [""]
        rows = [Content.assemble((label.ljust(_LABEL), MUTED), (first, style))]
        rows += [Content.assemble(" " * _LABEL, (line, style)) for line in rest]
        return Content("\n").join(rows)

    def _ending(self, exchange: Exchange, choice: int) -> list[Content]:
        ending = explain(exchange, choice)
        raw = exchange.choice(choice).finish_reason_raw
        word = f"● {ending.word}"
        rows = [self.row("finish", word, _MOODS[ending.mood])]
        if raw is not None and raw != ending.word:
            said = Content.styled(f"  “{printable_line(raw)[:60]}”", MUTED)
            rows = [rows[0] + said]
        rows.append(self.row("", ending.sentence))
        keys = [_REMEDIES[remedy] for remedy in ending.remedies]
        if keys and self._can_act:
            words = [f"[{key}] {name}" for key, name in keys]
            line = "   ".join(words)
            lines = [line] if len(line) <= self._room else words
            rows += [self.row("", text, "$text-accent") for text in lines]
        return rows

    def _usage(self, exchange: Exchange) -> list[Content]:
        rows = []
        for number, (label, value) in enumerate(usage_rows(exchange.usage)):
            head = "tokens" if number == 0 else ""
            rows.append(
                Content.assemble(
                    (head.ljust(_LABEL), MUTED), (label.ljust(11), MUTED), value.rjust(9)
                )
            )
        source = "reported by the server" if exchange.usage is not None else "not reported"
        if exchange.usage is None and not exchange.state.is_terminal:
            source = "comes with the end"
        return [*rows, self.row("", source, FAINT)]

    def _times(self, exchange: Exchange) -> list[Content]:
        timing = exchange.timing
        rows = [
            self.row("time", f"{seconds(timing.first_token_ms)} to first token"),
            self.row("", f"{seconds(timing.duration_ms)} in all"),
            self.row("", rate(exchange)),
        ]
        bars = sparkline(timing, min(40, self._room - 1))
        return [*rows, self.row("", bars, "$text-accent")] if bars else rows

    def _identity(self, exchange: Exchange) -> list[Content]:
        status = str(exchange.status) if exchange.status is not None else UNKNOWN
        rows = [
            ("asked", exchange.model),
            ("answered", exchange.answered_model or UNKNOWN),
            ("provider", f"{exchange.endpoint} · {exchange.api.value}"),
            ("response", exchange.response_id or UNKNOWN),
            ("request", exchange.request_id or UNKNOWN),
            ("tier", exchange.service_tier or UNKNOWN),
            ("system", exchange.fingerprint or UNKNOWN),
            ("http", f"{status} · {count(exchange.frame_count)} frames"),
            ("exchange", exchange.id),
        ]
        limits = [f"{value} {name}" for name, value in rate_limits(exchange)]
        rows += [("limits", text) for text in limits]
        rows += [("extra", f"{name} {value}"[:400]) for name, value in exchange.extras]
        return [self.row(label, value) for label, value in rows]
