"""What all replies come to, as bars; each row opens the replies behind it."""

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.printable import printable_line
from replyscope.domain.query import QueryError
from replyscope.engine.review import Review
from replyscope.inspection.figures import UNKNOWN, count, dollars, seconds
from replyscope.inspection.stats import Stats, Sums, stats_of

_MUTED = "$foreground 60%"
_DAYS = 30


class StatsScreen(ModalScreen[str | None]):
    """Returns the query of the row that was opened."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f9", "dismiss(None)", "Close")]

    def __init__(self, review: Review) -> None:
        super().__init__()
        self._review = review
        self._queries: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog stats"):
            yield Input(placeholder="all replies; a query narrows", id="stats-query", compact=True)
            yield Static(id="stats-total")
            yield OptionList(id="stats-rows")
            yield Static("Enter opens the replies of a row, Esc closes", classes="hint")

    def on_mount(self) -> None:
        self.query_one("#stats-rows").focus()
        self._ask()

    @on(Input.Changed)
    def _ask(self) -> None:
        job: Any = partial(self._load, self.query_one("#stats-query", Input).value)
        self.run_worker(job, exclusive=True, exit_on_error=False)

    async def _load(self, text: str) -> None:
        total = self.query_one("#stats-total", Static)
        try:
            search = self._review.read(text)
            await self._review.take_in()
            stats = stats_of(await self._review.figures(search))
        except (QueryError, ReplyscopeError) as error:
            total.update(Content.styled(printable_line(str(error)), "$text-error"))
            return
        total.update(_total(stats.total))
        self._draw(stats, text)

    def _draw(self, stats: Stats, text: str) -> None:
        rows = self.query_one("#stats-rows", OptionList)
        rows.clear_options()
        self._queries.clear()
        is_narrow = rows.size.width < 90
        width = max(8, rows.size.width - (52 if is_narrow else 70))
        groups: Sequence[tuple[str, str, Sequence[Sums]]] = (
            ("by day", "on", stats.days[-_DAYS:]),
            ("by model", "model", stats.models[:12]),
            ("by ending", "finish", stats.finishes),
            ("by tool", "tool", stats.tools[:12]),
        )
        for title, field, sums in groups:
            if not sums:
                continue
            rows.add_option(Option(Content.styled(f"\n{title}", f"bold {_MUTED}"), disabled=True))
            most = max(one.replies for one in sums)
            for one in sums:
                key = f"row-{len(self._queries)}"
                value = f'"{one.name}"' if " " in one.name else one.name
                self._queries[key] = f"{text} {field}:{value}".strip()
                rows.add_option(Option(_row(one, most, width, is_narrow=is_narrow), id=key))
        rows.highlighted = 1 if rows.option_count > 1 else None

    @on(OptionList.OptionSelected)
    def _open(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._queries.get(event.option.id or ""))


def _time(value_s: float | None) -> str:
    return UNKNOWN if value_s is None else seconds(value_s * 1000)


def _total(total: Sums) -> Content:
    cost = UNKNOWN if total.cost_usd is None else dollars(total.cost_usd)
    lines = [
        f"{total.replies:,} replies · {total.errors:,} errors · "
        f"{count(total.input_known)} tokens in · {count(total.output_known)} out"
        + (f" ({total.unmetered:,} without usage)" if total.unmetered else ""),
        f"cost {cost}: reported {dollars(total.reported_usd)}, "
        f"estimated {dollars(total.estimated_usd)}, unknown of {total.unpriced:,}",
        f"first token {_time(total.ttft_p50)}, 95% within {_time(total.ttft_p95)} · "
        f"whole reply {_time(total.duration_p50)}, 95% within {_time(total.duration_p95)}",
    ]
    return Content("\n".join(lines))


def _row(sums: Sums, most: int, width: int, *, is_narrow: bool) -> Content:
    good = round((sums.replies - sums.errors) / most * width)
    bad = round(sums.errors / most * width)
    cost = UNKNOWN if sums.cost_usd is None else dollars(sums.cost_usd)
    out = "" if is_narrow else f"  {count(sums.output_known):>11} out"
    return Content.assemble(
        f" {printable_line(sums.name)[:18]:<19}",
        ("█" * max(0 if bad else 1, good), "$primary"),
        ("█" * (max(1, bad) if sums.errors else 0), "$error"),
        " " * max(0, width - good - bad),
        f" {sums.replies:>7,}",
        (f"{out}  {cost:>9}  {_time(sums.ttft_p50):>7}", _MUTED),
    )
