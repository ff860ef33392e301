"""The columns and rows of the table of calls, as pure functions."""

from dataclasses import dataclass, replace

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from replyscope.domain.exchange import Usage
from replyscope.domain.printable import printable_line
from replyscope.engine.watching.call_log import LoggedCall
from replyscope.inspection.explain import ending_word
from replyscope.inspection.figures import UNKNOWN, count, dollars, seconds, size
from replyscope.ui.review.result_rows import cut
from replyscope.ui.styles.muted import MUTED
from replyscope.ui.watch.waterfall import MOODS, BarSpan, Scale, bar, mood_of

_MARGIN = 2
_MARK = "◆ "
_LEAST_BAR = 14
_MOST_BAR = 60


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column: its title, its width in cells, and its place in the order of leaving out; the
    least `worth` is left out first. `grows` is its share of the room that is left.
    """

    title: str
    width: int
    worth: int
    is_right: bool = False
    grows: int = 0

    @property
    def gap(self) -> int:
        """The cells before it: numbers have room of their own at the left."""
        return 1 if self.is_right else 2


COLUMNS = (
    TableColumn("time", 8, 8),
    TableColumn("client", 12, 4, grows=2),
    TableColumn("model", 14, 9, grows=3),
    TableColumn("ending", 12, 10),
    TableColumn("in → out", 13, 6, is_right=True),
    TableColumn("cost", 8, 3, is_right=True),
    TableColumn("first", 7, 2, is_right=True),
    TableColumn("total", 7, 7, is_right=True),
)
_WIDEST = 28


@dataclass(frozen=True, slots=True)
class CallColumns:
    """The columns that fit a width, and the width of the waterfall; 0 without one."""

    columns: tuple[TableColumn, ...]
    bar: int


def table_of(width: int) -> CallColumns:
    """The columns for a width in cells."""
    columns = list(COLUMNS)
    while len(columns) > 2 and _room(columns, width) < _LEAST_BAR:
        columns.remove(min(columns, key=lambda column: column.worth))
    spare = max(0, _room(columns, width) - _LEAST_BAR)
    shares = sum(column.grows for column in columns) or 1
    wide = [
        replace(c, width=min(max(c.width, _WIDEST), c.width + spare * c.grows // shares))
        if c.grows
        else c
        for c in columns
    ]
    return CallColumns(tuple(wide), min(_MOST_BAR, max(0, _room(wide, width))))


def _room(columns: list[TableColumn], width: int) -> int:
    """The width that remains for the waterfall."""
    return width - _MARGIN - sum(column.width + column.gap for column in columns)


def head_row(table: CallColumns, scale: Scale) -> Content:
    """The titles of the columns, and the length of the time scale."""
    titles = [" " * column.gap + _fitted(column.title, column) for column in table.columns]
    line = "".join(titles) + " " * _MARGIN
    words = scale.words
    if table.bar > len(words) + 2:
        line += "0" + words.rjust(table.bar - 1)
    return Content.styled(line, MUTED)


def call_row(
    call: LoggedCall,
    table: CallColumns,
    span: BarSpan,
    scale: Scale,
    *,
    is_marked: bool,
    is_highlighted: bool,
) -> Content:
    """A row of the table. Calls that do not request a reply are dimmed; nothing is dimmed on the
    background of the highlight.
    """
    cells = _cells(call, span)
    pieces: list[tuple[str, str]] = []
    for column in table.columns:
        text, look = cells[column.title]
        is_mark = is_marked and not pieces
        pieces.append((_MARK if is_mark else " " * column.gap, "$text-accent"))
        look = look if call.is_for_reply else MUTED
        look = "" if is_highlighted and look == MUTED else look
        pieces.append((_fitted(printable_line(text), column), look))
    return Content.assemble(*pieces, " " * _MARGIN, bar(call, span, scale, table.bar))


def _fitted(text: str, column: TableColumn) -> str:
    text = cut(text, column.width)
    if column.is_right:
        return " " * (column.width - cell_len(text)) + text
    return set_cell_size(text, column.width)


def _cells(call: LoggedCall, span: BarSpan) -> dict[str, tuple[str, str]]:
    """The text and the colour of each cell, by the title of its column."""
    request = call.request
    first_ms = span.wait_ms if span.wait_ms < span.length_ms else None
    cells = {
        "time": (request.at.astimezone().strftime("%H:%M:%S"), MUTED),
        "client": (request.client.name or UNKNOWN, ""),
        "model": (f"{request.method} {request.path}", ""),
        "ending": ("● running" if call.is_running else "○ lost", MOODS[mood_of(call)]),
        "in → out": ("", ""),
        "cost": ("", ""),
        "first": (seconds(first_ms), MUTED),
        "total": (seconds(span.length_ms), ""),
    }
    if call.listed is not None:
        status = str(call.listed.status or "broken")
        return {
            **cells,
            "ending": (f"○ {status}", MUTED),
            "in → out": (size(call.listed.received), MUTED),
        }
    exchange = call.exchange
    if exchange is None:
        return cells
    usage = exchange.usage or Usage()
    word = ending_word(exchange)
    cost = dollars(exchange.cost_usd) if exchange.cost_usd is not None else UNKNOWN
    return {
        **cells,
        "model": (exchange.model, ""),
        "ending": (f"● {'lost' if call.is_lost else word}", MOODS[mood_of(call)]),
        "in → out": (f"{_tokens(usage.input_tokens)} → {_tokens(usage.output_tokens)}", ""),
        "cost": (cost, MUTED),
        "first": (seconds(exchange.timing.first_token_ms), MUTED),
    }


def _tokens(value: int | None) -> str:
    return count(value) if value is None or value < 100_000 else f"{value / 1_000:,.0f}k"
