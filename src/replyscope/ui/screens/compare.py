"""Two replies side by side, and what differs between them."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from replyscope.domain.exchange import Exchange
from replyscope.domain.printable import printable_line, printable_text
from replyscope.inspection.comparison import (
    Change,
    Piece,
    compare_calls,
    compare_facts,
    compare_texts,
)

Side = tuple[Exchange, int]
"""A reply: its exchange, and which choice of it."""
_LOOKS = {Change.FIRST: "$text-error on $error 20%", Change.SECOND: "$text-success on $success 20%"}
_MUTED = "$foreground 60%"


class CompareScreen(ModalScreen[None]):
    """Shows one of three views: facts with the difference, or each text whole."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Close"),
        Binding("x", "swap", "Swap"),
        Binding("j", "scroll(1)", show=False),
        Binding("k", "scroll(-1)", show=False),
        Binding("s", "side_by_side", "Side by side"),
    ]

    def __init__(self, first: Side, second: Side) -> None:
        super().__init__()
        self._sides = (first, second)
        self._is_side_by_side = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog compare"):
            with VerticalScroll():
                yield Static(id="compare-text")
            yield Static("x swaps · s side by side or as one · j k scroll · Esc closes",
                         classes="hint")  # fmt: skip

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()
        self.call_after_refresh(self._draw)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        width = max(40, self.query_one(VerticalScroll).size.width - 2)
        rows = [self._facts(width), Content("")]
        choices = [exchange.choice(index) for exchange, index in self._sides]
        if self._is_side_by_side:
            rows.append(_columns(choices[0].text, choices[1].text, width))
        else:
            rows.append(_drawn(compare_texts(choices[0].text, choices[1].text)))
        for name, pieces in compare_calls(*choices):
            rows += [Content(""), Content.styled(f"⚙ {printable_line(name)}", "bold")]
            rows.append(_drawn(pieces))
        self.query_one("#compare-text", Static).update(Content("\n").join(rows))

    def _facts(self, width: int) -> Content:
        column = (width - 13) // 2
        lines = [
            Content.assemble(
                ("".ljust(13)),
                ("first".ljust(column), "bold $text-error"),
                ("second", "bold $text-success"),
            )
        ]
        for row in compare_facts(*self._sides):
            look = "" if row.differs else _MUTED
            lines.append(
                Content.assemble(
                    (row.label.ljust(13), _MUTED),
                    (printable_line(row.first)[: column - 1].ljust(column), look),
                    (printable_line(row.second)[:column], look),
                )
            )
        return Content("\n").join(lines)

    def action_swap(self) -> None:
        """The second becomes the first."""
        self._sides = (self._sides[1], self._sides[0])
        self._draw()

    def action_side_by_side(self) -> None:
        """Show the texts beside each other, or as one."""
        self._is_side_by_side = not self._is_side_by_side
        self._draw()

    def action_scroll(self, step: int) -> None:
        """Scroll."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)


def _drawn(pieces: tuple[Piece, ...]) -> Content:
    if not pieces:
        return Content.styled("(neither says anything)", _MUTED)
    return Content.assemble(
        *((printable_text(piece.text), _LOOKS.get(piece.change, "")) for piece in pieces)
    )


def _columns(first: str, second: str, width: int) -> Content:
    """Both texts, each in its half, its own words marked."""
    half = (width - 3) // 2
    pieces = compare_texts(first, second)
    sides = [
        _drawn(tuple(p for p in pieces if p.change in (Change.BOTH, change))).wrap(half)
        if any(p.change in (Change.BOTH, change) for p in pieces)
        else []
        for change in (Change.FIRST, Change.SECOND)
    ]
    lines = []
    for number in range(max(len(side) for side in sides)):
        left, right = (side[number] if number < len(side) else Content("") for side in sides)
        pad = " " * max(0, half - left.cell_length)
        lines.append(Content.assemble(left, pad, (" │ ", _MUTED), right))
    return Content("\n").join(lines)
