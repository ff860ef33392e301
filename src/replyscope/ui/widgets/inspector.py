"""What the reply under the cursor is made of: overview, tools and wire."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.reactive import var
from textual.widgets import ContentSwitcher, Static, Tab, Tabs

from replyscope.domain.event import WireFrame
from replyscope.domain.exchange import Exchange
from replyscope.domain.ports import WireRecord
from replyscope.domain.printable import printable_line, printable_text
from replyscope.inspection.arguments import pretty_arguments
from replyscope.inspection.explain import Mood, Remedy, explain
from replyscope.inspection.figures import (
    UNKNOWN,
    cost,
    count,
    rate,
    seconds,
    sparkline,
    usage_rows,
)
from replyscope.inspection.findings import find_oddities
from replyscope.inspection.wire import request_lines, response_lines
from replyscope.ui.widgets.wire_view import WireView

_MOOD_COLOURS = {
    Mood.GOOD: "$text-success bold",
    Mood.NOTE: "$text-warning bold",
    Mood.BAD: "$text-error bold",
    Mood.LIVE: "$text-accent bold",
}
_REMEDIES = {
    Remedy.CONTINUE: ("c", "continue"),
    Remedy.RETRY: ("r", "retry"),
    Remedy.RAISE_LIMIT: ("m", "raise limit"),
}
_LABEL = 8


class Inspector(Vertical):
    """Draws one exchange at a time; asks nobody for anything."""

    ascii_only: var[bool] = var(False)

    def compose(self) -> ComposeResult:
        yield Tabs(Tab("overview", id="overview"), Tab("tools", id="tools"), Tab("wire", id="wire"))
        with ContentSwitcher(initial="pane-overview"):
            with VerticalScroll(id="pane-overview"):
                yield Static(id="overview-text")
            with VerticalScroll(id="pane-tools"):
                yield Static(id="tools-text")
            yield WireView(id="pane-wire")

    @property
    def tab(self) -> str:
        """Which tab is open."""
        return self.query_one(Tabs).active or "overview"

    def open_tab(self, name: str) -> None:
        """Open a tab by name."""
        self.query_one(Tabs).active = name

    def on_tabs_tab_activated(self, event: Tabs.TabActivated) -> None:
        event.stop()
        self.query_one(ContentSwitcher).current = f"pane-{event.tab.id}"

    def show_nothing(self) -> None:
        """There is no reply to show."""
        self.query_one("#overview-text", Static).update(
            Content.styled("Send a message to see what its reply is made of.", "$text-muted")
        )
        self.query_one("#tools-text", Static).update("")
        self.show_wire([], ())

    def show_exchange(self, exchange: Exchange, choice: int, *, part: str = "") -> None:
        """Draw an exchange; `part` says which one of a continued reply it is."""
        width = max(20, self.size.width - 4)
        if self.tab == "tools":
            self.query_one("#tools-text", Static).update(tools_content(exchange, choice))
        else:
            content = overview_content(
                exchange, choice, width, part=part, ascii_only=self.ascii_only
            )
            self.query_one("#overview-text", Static).update(content)

    def show_record(self, exchange: Exchange, record: WireRecord) -> None:
        """Show a saved exchange's wire."""
        head = wire_head(exchange, record)
        self.show_wire(head, record.frames)

    def show_wire(self, head: list[str], frames: Sequence[WireFrame]) -> None:
        """Show head lines and frames."""
        self.query_one(WireView).show_wire(head, frames)

    def grow_wire(self) -> None:
        """More frames came to the ones shown."""
        self.query_one(WireView).grow()


def wire_head(exchange: Exchange, record: WireRecord) -> list[str]:
    """What stands above the frames."""
    lines = request_lines(record.request) if record.request is not None else []
    answer = response_lines(exchange)
    return [*lines, *([""] if lines else []), *answer, *([""] if answer else [])]


def overview_content(
    exchange: Exchange, choice: int, width: int, *, part: str = "", ascii_only: bool = False
) -> Content:
    """The overview tab."""
    rows: list[Content] = [_ending(exchange, choice, ascii_only=ascii_only)]
    if part:
        rows.append(_row("part", part))
    rows += [Content(""), *_usage(exchange), _row("cost", cost(exchange)), Content("")]
    rows += _times(exchange, width, ascii_only=ascii_only)
    chosen = exchange.choice(choice)
    calls = f"{len(chosen.tool_calls)} asked for" if chosen.tool_calls else "none"
    rows += [Content(""), _row("tools", calls), Content(""), *_identity(exchange)]
    findings = find_oddities(exchange)
    if findings:
        rows += [Content(""), Content.styled("findings", "$text-muted")]
        rows += [Content.styled(f"- {printable_line(f)}", "$text-warning") for f in findings]
    return Content("\n").join(rows)


def _row(label: str, value: str, style: str = "") -> Content:
    text = printable_line(value)
    return Content.assemble((label.ljust(_LABEL), "$text-muted"), (text, style))


def _ending(exchange: Exchange, choice: int, *, ascii_only: bool) -> Content:
    ending = explain(exchange, choice)
    raw = exchange.choice(choice).finish_reason_raw
    dot = "*" if ascii_only else "●"
    word = f"{dot} {ending.word}"
    if raw is not None and raw != ending.word:
        word += f" (server said {printable_line(raw)})"
    lines = [
        _row("finish", word, _MOOD_COLOURS[ending.mood]),
        Content(" " * _LABEL + printable_line(ending.sentence)),
    ]
    keys = [_REMEDIES[remedy] for remedy in ending.remedies]
    if keys:
        text = "   ".join(f"[{key}] {name}" for key, name in keys)
        lines.append(Content.styled(" " * _LABEL + text, "$text-accent"))
    return Content("\n").join(lines)


def _usage(exchange: Exchange) -> list[Content]:
    rows = usage_rows(exchange.usage)
    lines = []
    for number, (label, value) in enumerate(rows):
        head = "tokens" if number == 0 else ""
        text = Content.assemble(
            (head.ljust(_LABEL), "$text-muted"), (label.ljust(12), "$text-muted"), value.rjust(9)
        )
        lines.append(text)
    source = "reported" if exchange.usage is not None else "not reported"
    return [*lines, Content.styled(" " * _LABEL + source, "$text-disabled")]


def _times(exchange: Exchange, width: int, *, ascii_only: bool) -> list[Content]:
    timing = exchange.timing
    lines = [
        _row("time", f"{seconds(timing.first_token_ms)} to first token"),
        _row("", f"{seconds(timing.duration_ms)} in all"),
        _row("", rate(exchange)),
    ]
    bars = sparkline(timing, min(40, width - _LABEL), ascii_only=ascii_only)
    if bars:
        lines.append(Content.assemble(" " * _LABEL, (bars, "$text-accent")))
    return lines


def _identity(exchange: Exchange) -> list[Content]:
    answered = exchange.answered_model or UNKNOWN
    rows = [
        ("asked", exchange.model),
        ("answered", answered),
        ("provider", exchange.endpoint),
        ("api", exchange.api.value),
        ("response", exchange.response_id or UNKNOWN),
        ("request", exchange.request_id or UNKNOWN),
        ("tier", exchange.service_tier or UNKNOWN),
        ("print", exchange.fingerprint or UNKNOWN),
        ("status", str(exchange.status) if exchange.status is not None else UNKNOWN),
        ("frames", count(exchange.frame_count)),
        ("id", exchange.id),
    ]
    lines = [
        Content.assemble((label.ljust(_LABEL + 1), "$text-muted"), printable_line(value))
        for label, value in rows
    ]
    extras = [f"{name} {value}"[:400] for name, value in exchange.extras]
    return lines + [_row("extra", extra) for extra in extras]


def tools_content(exchange: Exchange, choice: int) -> Content:
    """The tools tab: each call with its arguments, as far as they have come."""
    calls = exchange.choice(choice).tool_calls
    if not calls:
        return Content.styled("This reply asked for no tools.", "$text-muted")
    lines: list[Content] = []
    for number, call in enumerate(calls, start=1):
        lines.append(Content.styled(f"{number}. {printable_line(call.name)}", "$text-primary bold"))
        lines.append(_row("id", call.id))
        lines.append(_row("kind", call.kind))
        lines.append(_row("state", call.state.value))
        pretty = printable_text(pretty_arguments(call.arguments[:20_000]))
        lines += [Content("  " + line) for line in pretty.split("\n")]
        lines.append(Content(""))
    return Content("\n").join(lines)
