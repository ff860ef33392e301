"""The lines above the results: count, order, marks, and a chip for each facet with its key."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.search import Sort
from replyscope.ui.review.result_rows import cut
from replyscope.ui.styles.muted import MUTED

_CHIP_LINES = 2
_WIDEST_VALUE = 14
_WIDEST_QUERY = 16

ORDERS = {
    Sort.RANK: "by relevance",
    Sort.TIME: "newest first",
    Sort.TOKENS: "most tokens first",
    Sort.COST: "highest cost first",
    Sort.TTFT: "slowest first token first",
    Sort.DURATION: "longest first",
}
"""The words on screen for each order."""


@dataclass(frozen=True, slots=True)
class Chip:
    """A facet with a key: the digit, the value, the number of replies, and whether the query
    has its term.
    """

    number: int
    value: str
    count: int
    is_on: bool


@dataclass(frozen=True, slots=True)
class ListSummary:
    """The list that the head describes. `total` is None while its end is not loaded; `place` is
    the highlighted row, from 1. `query` is set when the list is older than the typed query,
    because that one has a mistake. With a `bound` only that many replies were counted.
    """

    total: int | None
    place: int
    sessions: int | None
    shows_sessions: bool
    sort: Sort
    marked: int = 0
    left: int = 0
    query: str | None = None
    chips: Sequence[Chip] = ()
    bound: int | None = None


class ResultsHead(Static):
    """Draws the head. A click on a chip or on the order runs the command of its key."""

    def show(self, listed: ListSummary, *, is_typing: bool) -> None:
        """Draw. While the query is typed, the chips name the keys that work then."""
        width = max(20, self.size.width)
        lines = [_summary(listed, width), *_chip_lines(listed.chips, width, is_typing=is_typing)]
        self.update(Content("\n").join(lines), layout=False)


def _summary(listed: ListSummary, width: int) -> Content:
    """One line; entries that do not fit are omitted, the least important first."""
    noun = "session" if listed.shows_sessions else "reply"
    place = f"{listed.place:,}/" if listed.place else ""
    total = f"{place}…" if listed.total is None else f"{place}{plural(listed.total, noun)}"
    pieces: list[tuple[int, Content]] = []
    total = _at_least(total, listed)
    if listed.query is not None:
        shown = f"“{cut(printable_line(listed.query), _WIDEST_QUERY)}”" if listed.query else "all"
        pieces.append((1, Content.styled(f"for {shown}", "$text-warning")))
    if listed.left:
        pieces.append((4, Content(f"indexing, {listed.left:,} left")))
    pieces.append((0, Content.styled(total, "bold")))
    if listed.bound is not None:
        pieces.append((1, Content(f"of the newest {listed.bound:,}")))
    if listed.marked:
        pieces.append((2, Content.styled(f"{listed.marked:,} marked", "bold $text-accent")))
    pieces.append((3, _clickable(Content(ORDERS[listed.sort]), "sort")))
    if listed.sessions is not None and not listed.shows_sessions:
        pieces.append((5, Content(_at_least(plural(listed.sessions, "session"), listed))))
    separator = Content(" · ")
    while len(pieces) > 1 and separator.join(piece for _, piece in pieces).cell_length > width:
        pieces.remove(max(pieces, key=lambda piece: piece[0]))
    return separator.join(piece for _, piece in pieces)


def _at_least(number: str, listed: ListSummary) -> str:
    """A number with its noun, and a plus when only some of the replies were counted."""
    return number if listed.bound is None else number.replace(" ", "+ ", 1)


def _chip_lines(chips: Sequence[Chip], width: int, *, is_typing: bool) -> list[Content]:
    """The chips in at most two lines; those without room are left out."""
    if not chips:
        return []
    lines = [Content.styled("Alt+", MUTED) if is_typing else Content("")]
    for chip in chips:
        drawn = _chip(chip)
        gap = Content("  " if lines[-1] else "")
        if lines[-1].cell_length + gap.cell_length + drawn.cell_length <= width:
            lines[-1] += gap + drawn
        elif len(lines) < _CHIP_LINES:
            lines.append(drawn)
        else:
            break
    return lines


def _chip(chip: Chip) -> Content:
    value = cut(printable_line(chip.value), _WIDEST_VALUE)
    content = Content.assemble(
        (f"[{chip.number}] ", "$text-accent"),
        (value, "bold $text-accent" if chip.is_on else ""),
        (f" {chip.count:,}", MUTED),
    )
    return _clickable(content, f"narrow {chip.number}")


def _clickable(content: Content, command: str) -> Content:
    return content.stylize(Style.from_meta({"@click": f"screen.run({command!r})"}))
