"""Lays the facts of an exchange out as text: the overview tab."""

from collections import Counter
from collections.abc import Container, Sequence
from textwrap import wrap

from textual.content import Content

from replyscope.domain.exchange import Exchange, ToolCall
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.tool import ToolCallState
from replyscope.inspection.asked_rows import asked_rows, is_asked
from replyscope.inspection.explain import Explanation, Mood, Remedy, explain
from replyscope.inspection.figures import (
    UNKNOWN,
    api_words,
    cost,
    dollars,
    rate,
    rate_limits,
    seconds,
    sparkline,
    usage_rows,
)
from replyscope.inspection.findings import find_oddities
from replyscope.inspection.stats import short_version
from replyscope.ui.styles.muted import MUTED
from replyscope.ui.transcript.content import REMEDY_COMMANDS

_LABEL = 9
_MOST_EXTRAS = 30
_MOODS = {
    Mood.GOOD: "$text-success bold",
    Mood.NOTE: "$text-warning bold",
    Mood.BAD: "$text-error bold",
    Mood.LIVE: "$text-accent bold",
}
_STATES = {ToolCallState.ASSEMBLING: "incomplete", ToolCallState.REQUESTED: "waiting"}


def _count_calls(calls: Sequence[ToolCall]) -> str:
    """The number of calls in each state."""
    states = Counter(_STATES.get(call.state, call.state.value) for call in calls)
    return f"{plural(len(calls), 'call')}: " + " · ".join(
        f"{number} {state}" for state, number in states.items()
    )


class Sheet:
    """Lays out for one width; a value that is too long continues in its column.

    `possible` are the remedies whose keys work now on this screen.
    """

    def __init__(self, width: int, possible: Container[Remedy] = ()) -> None:
        self._width = max(_LABEL + 8, width)
        self._room = self._width - _LABEL
        self._possible = possible

    def overview(
        self, exchange: Exchange, choice: int, *, part: str = "", is_begun: bool = False
    ) -> Content:
        """The overview tab, without the rows behind "more". `is_begun` as for `explain`."""
        ending = explain(exchange, choice, is_begun=is_begun)
        rows = [self._summary(exchange, ending), *self._cause(exchange, choice, ending)]
        rows += self.rows("reply", part.split("\n") if part else [])
        rows += [Content(""), *self._usage(exchange)]
        if exchange.cost_usd is not None:
            rows.append(self.row("cost", cost(exchange)))
        rows += [Content(""), *self._times(exchange)]
        asked = asked_rows(exchange.extras)
        if asked:
            rows += [Content(""), *(self.row(*pair) for pair in asked)]
        calls = exchange.choice(choice).tool_calls
        if calls:
            rows += [Content(""), self.row("tools", _count_calls(calls))]
        for label, values, style in (
            ("findings", find_oddities(exchange), "$text-warning"),
            ("rules", exchange.firings, "$text-accent"),
            ("prompt", [*map(short_version, exchange.prompt_versions)], ""),
        ):
            if values:
                rows += [Content(""), *self.rows(label, values, style)]
        known = [(label, value) for label, value in _identity(exchange) if value != UNKNOWN]
        return Content("\n").join([*rows, Content(""), *(self.row(*pair) for pair in known)])

    def more(self, exchange: Exchange, *, is_open: bool) -> Content:
        """The rows without a value, folded to their labels unless `is_open`."""
        labels = [label for label, value in _identity(exchange) if value == UNKNOWN]
        labels += [] if exchange.cost_usd is not None else ["cost"]
        if not labels:
            return Content("")
        rows = [self.row(label, UNKNOWN) for label in labels] if is_open else []
        head = "▾ unknown" if is_open else f"▸ {len(labels)} more without a value"
        return Content("\n").join([Content.styled(f"{head}  [Space]", MUTED), *rows])

    def rows(self, label: str, values: Sequence[str], style: str = "") -> list[Content]:
        """A row for each value, with the label in the first."""
        return [
            self.row("" if number else label, value, style) for number, value in enumerate(values)
        ]

    def row(self, label: str, value: str, style: str = "") -> Content:
        """A label and a value, which continues in its column."""
        first, *rest = wrap(printable_line(value), self._room) or [""]
        rows = [Content.assemble((label.ljust(_LABEL), MUTED), (first, style))]
        rows += [Content.assemble(" " * _LABEL, (line, style)) for line in rest]
        return Content("\n").join(rows)

    def _summary(self, exchange: Exchange, ending: Explanation) -> Content:
        """The finish reason, the output tokens, the rate and the cost, as far as known."""
        usage = exchange.usage
        out = usage.output_tokens if usage is not None else None
        parts = [f"● {ending.word}", plural(out, "token") if out is not None else UNKNOWN]
        parts += [rate(exchange), dollars(exchange.cost_usd)]
        lines = [""]
        for part in (part for part in parts if part != UNKNOWN):
            longer = f"{lines[-1]} · {part}" if lines[-1] else part
            if len(longer) > self._width and lines[-1]:
                lines.append(f"  {part}")
            else:
                lines[-1] = longer
        return Content.styled("\n".join(lines), _MOODS[ending.mood])

    def _cause(self, exchange: Exchange, choice: int, ending: Explanation) -> list[Content]:
        """The explanation of the ending, the finish reason if it differs, and the remedies."""
        raw = exchange.choice(choice).finish_reason_raw
        rows = [Content(line) for line in wrap(printable_line(ending.sentence), self._width)]
        if raw is not None and raw != ending.word:
            rows.append(self.row("finish", f"“{printable_line(raw)[:60]}”", MUTED))
        commands = [REMEDY_COMMANDS[one] for one in ending.remedies if one in self._possible]
        line = "  ".join(commands)
        lines = [line] if len(line) <= self._width else commands
        return [*rows, *(Content.styled(text, "$text-accent") for text in lines if text)]

    def _usage(self, exchange: Exchange) -> list[Content]:
        is_live = not exchange.state.is_terminal
        if exchange.usage is None:
            wait = "reported at the end" if is_live else "not reported by the server"
            return [self.row("tokens", wait, MUTED)]
        given = [(label, value) for label, value in usage_rows(exchange.usage) if value != UNKNOWN]
        rows = [Content.assemble(("tokens", MUTED))] if not given else []
        for number, (label, value) in enumerate(given):
            head = "" if number else "tokens"
            rows.append(
                Content.assemble(
                    (head.ljust(_LABEL), MUTED), (label.ljust(11), MUTED), value.rjust(9)
                )
            )
        return [*rows, self.row("", "reported by the server", MUTED)]

    def _times(self, exchange: Exchange) -> list[Content]:
        timing = exchange.timing
        first = timing.first_token_ms
        values = [f"{seconds(first)} to first token"] if first is not None else []
        values.append(f"{seconds(timing.duration_ms)} total")
        rows = self.rows("time", values)
        bars = sparkline(timing, min(40, self._room - 1))
        return [*rows, self.row("", bars, "$text-accent")] if bars else rows


def _identity(exchange: Exchange) -> list[tuple[str, str]]:
    """The rows that identify the exchange, as (label, value)."""
    status = f"{exchange.status} · " if exchange.status is not None else ""
    limits = " · ".join(f"{value} {name}" for name, value in rate_limits(exchange))
    return [
        ("asked", exchange.model),
        ("answered", exchange.answered_model or UNKNOWN),
        ("provider", f"{exchange.endpoint} · {api_words(exchange)}"),
        ("response", exchange.response_id or UNKNOWN),
        ("request", exchange.request_id or UNKNOWN),
        ("tier", exchange.service_tier or UNKNOWN),
        ("system", exchange.fingerprint or UNKNOWN),
        ("http", f"{status}{plural(exchange.frame_count, 'frame')}"),
        ("exchange", exchange.id),
        ("limits", limits or UNKNOWN),
        *_extra_rows(exchange),
    ]


def _extra_rows(exchange: Exchange) -> list[tuple[str, str]]:
    """A row for each field that is shown nowhere else. A hostile reply may have 100,000."""
    others = [(name, value) for name, value in exchange.extras if not is_asked(name)]
    rows = [("extra", f"{name} {value[:400]}"[:400]) for name, value in others[:_MOST_EXTRAS]]
    more = len(others) - _MOST_EXTRAS
    return rows if more <= 0 else [*rows, ("extra", f"{more:,} more; see the wire")]
