"""Draws a comparison as lines: facts, texts as one or in two columns, calls by place."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from rich.style import Style
from rich.text import Text

from replyscope.domain.printable import exact_line, exact_text, printable_line, printable_text
from replyscope.inspection.comparison import (
    CallRow,
    DiffPart,
    FactRow,
    compare_calls,
    compare_facts,
    compare_texts,
)
from replyscope.inspection.difference import differences
from replyscope.inspection.siblings import Reply
from replyscope.inspection.structure import Change, DiffNode
from replyscope.ui.markdown.document import draw_lines
from replyscope.ui.markdown.options import DrawingOptions
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.markdown.wrap import wrap

_LABEL = 13
_WORD = re.compile(r"\w+|[^\w\s\u2500-\u259f•◦▪]")
"""The compared parts of a rendered text: its words, not the lines and bullets around words."""
_GAP = " │ "


@dataclass(frozen=True, slots=True)
class Looks:
    """The styles and the display options."""

    first: Style
    second: Style
    muted: Style
    title: Style
    palette: Palette
    options: DrawingOptions = field(default_factory=DrawingOptions)
    is_rendered: bool = False
    is_side_by_side: bool = False


def draw_comparison(first: Reply, second: Reply, width: int, looks: Looks) -> list[Text]:
    """All lines of the comparison, at most `width` cells wide. Takes about a second for a few
    hundred kilobytes.
    """
    choices = [exchange.choice(index) for exchange, index in (first, second)]
    texts = [choice.text for choice in choices]
    lines = [*_facts(compare_facts(first, second), width, looks), Text()]
    reasoning = [choice.reasoning or "" for choice in choices]
    if any(reasoning):
        pieces = compare_texts(*map(printable_text, reasoning))
        lines += [_said("reasoning", looks.title), *_source(pieces, width, looks), Text()]
        lines.append(_said("text", looks.title))
    if looks.is_rendered:
        lines += _rendered(texts[0], texts[1], width, looks)
    else:
        lines += _source(compare_texts(*map(printable_text, texts)), width, looks)
    for row in compare_calls(*choices):
        lines += [Text(), *_call(row, width, looks)]
    return lines


def _said(text: str, style: Style) -> Text:
    """A text of one style. As a span: a line without any is drawn without its own style."""
    return Text.assemble((text, style))


def stops_in(lines: Sequence[Text], looks: Looks) -> list[int]:
    """The first line of each difference."""
    marked = [
        any(span.style in (looks.first, looks.second) for span in line.spans) for line in lines
    ]
    return [n for n, is_marked in enumerate(marked) if is_marked and not (n and marked[n - 1])]


def _facts(rows: Sequence[FactRow], width: int, looks: Looks) -> Iterator[Text]:
    half = max(8, (width - _LABEL) // 2)
    yield Text.assemble(
        " " * _LABEL, ("first".ljust(half), looks.first), ("second".ljust(half), looks.second)
    )
    for row in rows:
        if row.differs:
            yield Text.assemble(
                (row.label.ljust(_LABEL), looks.muted),
                _cut(row.first, half - 1).ljust(half),
                _cut(row.second, half),
            )
    alike = [f"{row.label} {printable_line(row.first)}" for row in rows if not row.differs]
    if alike:
        yield from wrap(_said(f"same: {' · '.join(alike)}", looks.muted), width)


def _cut(text: str, room: int) -> str:
    text = printable_line(text)
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _source(pieces: Sequence[DiffPart], width: int, looks: Looks) -> list[Text]:
    """The original words, with their Markdown."""
    if not pieces:
        return [_said("(neither says anything)", looks.muted)]
    if looks.is_side_by_side or looks.is_rendered:
        half = (width - len(_GAP)) // 2
        rows = _rows(pieces, looks)
        return [
            line
            for left, right in rows
            for line in _beside(wrap(left, half), wrap(right, half), half, looks)
        ]
    whole = Text()
    for piece in pieces:
        whole.append(piece.text, _look(piece.change, looks))
    return [line for row in whole.split("\n", allow_blank=True) for line in wrap(row, width)]


def _look(change: Change, looks: Looks) -> Style | None:
    return {Change.FIRST: looks.first, Change.SECOND: looks.second}.get(change)


def _rows(pieces: Sequence[DiffPart], looks: Looks) -> Iterator[tuple[Text, Text]]:
    """The rows of both sides, split where both have a line break, so that they stay aligned."""
    left, right = Text(), Text()
    for piece in pieces:
        if piece.change is not Change.BOTH:
            side = left if piece.change is Change.FIRST else right
            side.append(piece.text, _look(piece.change, looks))
            continue
        first, *others = piece.text.split("\n")
        left.append(first)
        right.append(first)
        for text in others:
            yield left, right
            left, right = Text(text), Text(text)
    yield left, right


def _beside(left: Sequence[Text], right: Sequence[Text], half: int, looks: Looks) -> Iterator[Text]:
    for one, other in zip_longest(left, right):
        left_side, right_side = one or Text(), other or Text()
        room = " " * max(0, half - left_side.cell_len)
        yield Text.assemble(left_side, room, (_GAP, looks.muted), right_side)


def _rendered(first: str, second: str, width: int, looks: Looks) -> list[Text]:
    """Both texts rendered side by side, with the words of only one side marked."""
    half = (width - len(_GAP)) // 2
    sides = [draw_lines(text, half, looks.palette, looks.options) for text in (first, second)]
    words = [
        [
            (number, match.start(), match.end(), match[0])
            for number, line in enumerate(side)
            for match in _WORD.finditer(line.plain)
        ]
        for side in sides
    ]
    pads: list[tuple[int, int]] = []
    for stretch in differences([w[3] for w in words[0]], [w[3] for w in words[1]]):
        spans = (stretch.first, stretch.second)
        if stretch.is_same:
            pairs = zip(range(*stretch.first), range(*stretch.second), strict=True)
            pads += [
                (words[0][a][0], words[1][b][0])
                for a, b in pairs
                if _begins_a_line(words[0], a) and _begins_a_line(words[1], b)
            ]
            continue
        for side, known, span, look in zip(
            sides, words, spans, (looks.first, looks.second), strict=True
        ):
            for number, start, end, _ in known[slice(*span)]:
                side[number].stylize(look, start, end)
    left, right = _aligned(sides[0], sides[1], pads)
    return list(_beside(left, right, half, looks))


def _begins_a_line(words: Sequence[tuple[int, int, int, str]], at: int) -> bool:
    return at == 0 or words[at - 1][0] != words[at][0]


def _aligned(
    left: Sequence[Text], right: Sequence[Text], pairs: Sequence[tuple[int, int]]
) -> tuple[list[Text], list[Text]]:
    """Both sides with empty lines inserted, so that lines with the same beginning align."""
    made: tuple[list[Text], list[Text]] = ([], [])
    done_left = done_right = 0
    for at_left, at_right in [*pairs, (len(left), len(right))]:
        if at_left < done_left or at_right < done_right:
            continue
        made[0].extend(left[done_left:at_left])
        made[1].extend(right[done_right:at_right])
        done_left, done_right = at_left, at_right
        for side, other in (made, made[::-1]):
            side.extend(Text() for _ in range(len(other) - len(side)))
    return made


def _call(row: CallRow, width: int, looks: Looks) -> Iterator[Text]:
    notes = {
        Change.BOTH: "called by both, same arguments",
        Change.FIRST: "called by the first only",
        Change.SECOND: "called by the second only",
    }
    style = _look(row.change, looks) or looks.title
    note = notes.get(row.change, "called by both, different arguments")
    yield Text.assemble((f"⚙ {exact_line(row.name)}", style), (f"  {note}", looks.muted))
    for place in row.places:
        yield from _place(place, width, looks)
    if row.pieces:
        yield from _source([DiffPart(p.change, exact_text(p.text)) for p in row.pieces],
                           width, looks)  # fmt: skip


def _place(place: DiffNode, width: int, looks: Looks) -> Iterator[Text]:
    """The label of a row, and the value of each reply, in columns."""
    label = f"  {'  ' * place.depth}{exact_line(place.name)}"
    room = max(14, min(30, width // 4))
    half = max(8, (width - room - len(_GAP)) // 2)
    look = _look(place.change, looks)
    name = looks.muted if place.change is Change.BOTH else look or looks.title
    sides = _place_sides(place, looks, look)
    columns = list(_beside(wrap(sides[0], half), wrap(sides[1], half), half, looks))
    for number, line in enumerate(columns):
        head = _cut(label, room - 1) if number == 0 else ""
        yield Text.assemble((head, name), " " * (room - len(head)), line)


def _place_sides(place: DiffNode, looks: Looks, look: Style | None) -> tuple[Text, Text]:
    first, second = exact_line(place.first), exact_line(place.second)
    if place.change is Change.CHANGED:
        sides = Text(), Text()
        for piece in compare_texts(first, second):
            for side, own in zip(sides, (Change.FIRST, Change.SECOND), strict=True):
                if piece.change in (Change.BOTH, own):
                    side.append(piece.text, _look(piece.change, looks))
        return sides
    style = look or looks.muted
    return _said(first, style), _said(second, style)
