"""Draws a display formula in two dimensions: fractions, roots, limits, matrices, brackets."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from replyscope.inspection.markup.formula import parse_formula
from replyscope.inspection.markup.formula_atoms import (
    BARS,
    CLOSINGS,
    OPENINGS,
    WITH_LIMITS,
    AtomKind,
    core,
    flat,
    is_newline,
    kind_of,
    space_width,
    spaces,
)
from replyscope.inspection.markup.formula_box import (
    Box,
    aligned,
    beside,
    delimiter,
    stacked,
    text_box,
    with_base,
)
from replyscope.inspection.markup.formula_line import (
    SLASH,
    NotOnOneLine,
    accented,
    formula_line,
    row_text,
)
from replyscope.inspection.markup.scripts import ACCENTS, lowered, raised

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_MOST_CELLS = 20_000
_HANGING = 4
_Form = Callable[[str], str | None]
_BRACES = {"⏟": ("╰", "┬", "╯"), "⏞": ("╭", "┴", "╮")}


class _TooLarge(Exception):
    """A drawing with more cells than a screen has."""


def formula_rows(latex: str, width: int) -> list[str] | None:
    """The rows of a formula, at most `width` cells wide, or None if it cannot be drawn so.

    A wide formula is broken before its relations, or written on one line.
    """
    lines = _lines(latex)
    if lines is None:
        return None
    rows: list[str] = []
    for number, (whole, pieces) in enumerate(lines):
        fitted = [whole] if whole.width <= width else _broken(pieces, width)
        if fitted is None:
            line = formula_line(latex)
            return [line] if line is not None and len(line) <= width else None
        is_tall = len(lines) > 1 and any(box.height > 1 for box in fitted)
        if number and is_tall:
            rows.append("")
        for box in fitted:
            rows += [row.rstrip() for row in box.rows]
    return rows


@lru_cache(maxsize=256)
def _lines(latex: str) -> list[tuple[Box, list[Box]]] | None:
    """The lines of a formula: each as a whole, and in pieces that begin with relations."""
    element = parse_formula(latex)
    if element is None:
        return None
    lines: list[list[Element]] = [[]]
    for atom in flat(_unwrapped(element)):
        if is_newline(atom):
            lines.append([])
        else:
            lines[-1].append(atom)
    try:
        return [_line(line) for line in lines if line]
    except (NotOnOneLine, _TooLarge, RecursionError):
        return None


def _unwrapped(element: Element) -> Element:
    while len(element) == 1 and element[0].tag in ("mrow", "mstyle"):
        element = element[0]
    return element


def _line(atoms: Sequence[Element]) -> tuple[Box, list[Box]]:
    boxes = _row(atoms, is_tight=False)
    starts = [0]
    for number, atom in enumerate(atoms[1:], start=1):
        if kind_of(atom) is AtomKind.RELATION:
            starts.append(number)
    ends = [*starts[1:], len(boxes)]
    pieces = [beside(boxes[start:end]) for start, end in zip(starts, ends, strict=True)]
    return beside(boxes), pieces


def _broken(pieces: Sequence[Box], width: int) -> list[Box] | None:
    """The pieces of a line in lines that fit; later lines are indented."""
    lines: list[list[Box]] = [[]]
    indent = text_box(" " * _HANGING)
    for piece in pieces:
        if lines[-1] and sum(box.width for box in lines[-1]) + piece.width > width:
            lines.append([indent])
        lines[-1].append(piece)
    boxes = [beside(line) for line in lines]
    return boxes if all(box.width <= width for box in boxes) else None


def _drawn(element: Element, *, is_tight: bool = False) -> Box:
    """The box of an element. Raises NotOnOneLine, _TooLarge."""
    box = _DRAWERS.get(element.tag, _group)(element, is_tight)
    if box.width * box.height > _MOST_CELLS:
        raise _TooLarge
    return box


def _group(element: Element, is_tight: bool) -> Box:
    return beside(_row(flat(element), is_tight=is_tight))


def _row(atoms: Sequence[Element], *, is_tight: bool) -> list[Box]:
    """The boxes of a row, one for each atom, with the spaces before them."""
    boxes = [_drawn(atom, is_tight=is_tight) for atom in atoms]
    _strike(boxes)
    _stretch(atoms, boxes)
    gaps = spaces([kind_of(atom) for atom in atoms], is_tight=is_tight)
    return [
        beside([text_box(" " * gap), box]) if gap else box
        for gap, box in zip(gaps, boxes, strict=True)
    ]


def _strike(boxes: list[Box]) -> None:
    """Replace a slash of no width and the sign after it by the negated sign."""
    for number in range(len(boxes) - 1):
        following = boxes[number + 1].rows[0]
        if boxes[number].rows == (SLASH,) and following:
            negated = unicodedata.normalize("NFC", f"{following[0]}\u0338") + following[1:]
            boxes[number : number + 2] = [text_box(""), text_box(negated)]


def _stretch(atoms: Sequence[Element], boxes: list[Box]) -> None:
    """Make brackets as high as what they enclose."""
    open_at: list[int] = []
    for number, atom in enumerate(atoms):
        sign = atom.text or ""
        if atom.tag != "mo" or atom.get("stretchy") == "false":
            continue
        is_fence = atom.get("fence") == "true"
        is_opening = atom.get("form") == "prefix" if is_fence else sign in OPENINGS
        if is_opening or (sign in BARS and not is_fence and not open_at):
            open_at.append(number)
        elif open_at and (is_fence or sign in CLOSINGS or sign in BARS):
            start = open_at.pop()
            inner = boxes[start + 1 : number]
            if inner and max(box.height for box in inner) > 1:
                whole = beside(inner)
                for place in (start, number):
                    text = atoms[place].text or ""
                    boxes[place] = delimiter(text, whole.height, whole.base)
    for start in open_at:  # a brace that nothing closes, as in cases
        inner = boxes[start + 1 : start + 2]
        if inner and inner[0].height > 1:
            sign = atoms[start].text or ""
            boxes[start] = delimiter(sign, inner[0].height, inner[0].base)


def _text(element: Element, is_tight: bool) -> Box:
    if len(element):
        return _group(element, is_tight)
    return text_box(element.text or "")


def _space(element: Element, _is_tight: bool) -> Box:
    return text_box(" " * space_width(element))


def _phantom(element: Element, is_tight: bool) -> Box:
    inner = _group(element, is_tight)
    return Box((" " * inner.width,), inner.width, 0)


def _scripts(element: Element, _is_tight: bool) -> Box:
    base = element[0]
    has_two = element.tag in ("msubsup", "munderover")
    below = element[1] if element.tag in ("msub", "munder") or has_two else None
    above = element[-1] if element.tag in ("msup", "mover") or has_two else None
    name = core(base).text or ""
    if name in WITH_LIMITS or element.tag in ("munder", "munderover"):
        return _with_limits(_drawn(base), below, above)
    if name == "∫":
        return _integral(below, above)
    return _with_scripts(_drawn(base), below, above)


def _with_limits(base: Box, below: Element | None, above: Element | None) -> Box:
    boxes = [base]
    if above is not None:
        boxes.insert(0, _drawn(above, is_tight=True))
    place = len(boxes) - 1
    if below is not None:
        boxes.append(_drawn(below, is_tight=True))
    return stacked(boxes, place)


def _integral(below: Element | None, above: Element | None) -> Box:
    """An integral sign with its limits at its ends."""
    high = _drawn(above, is_tight=True) if above is not None else text_box("")
    low = _drawn(below, is_tight=True) if below is not None else text_box("")
    limits = stacked([high, text_box(""), low], 1, "left")
    sign = Box(("⌠", *["⎮"] * (limits.height - 2), "⌡"), 1, limits.base)
    return beside([sign, limits])


def _with_scripts(base: Box, below: Element | None, above: Element | None) -> Box:
    """A base with its scripts: as small characters where they exist, else above and below."""
    small_below = _small(below, lowered) if below is not None else ""
    small_above = _small(above, raised) if above is not None else ""
    if base.height == 1 and small_below is not None and small_above is not None:
        return text_box(base.rows[0] + small_below + small_above)
    high = _smallest(above, raised) if above is not None else text_box("")
    low = _smallest(below, lowered) if below is not None else text_box("")
    # Small characters stand beside a tall base, other scripts above and below it.
    above_rows = 0 if above is None or (small_above and base.height > 1) else high.height
    below_rows = 0 if below is None or (small_below and base.height > 1) else low.height
    blanks = above_rows + base.height + below_rows - high.height - low.height
    column = stacked([high, *[text_box("")] * max(0, blanks), low], 0, "left")
    return beside([base, with_base(column, above_rows + base.base)])


def _small(element: Element, form: _Form) -> str | None:
    try:
        return form(row_text(element, is_tight=True))
    except NotOnOneLine:
        return None


def _smallest(element: Element, form: _Form) -> Box:
    small = _small(element, form)
    return text_box(small) if small else _drawn(element, is_tight=True)


def _over_or_under(element: Element, is_tight: bool) -> Box:
    """An accent, a brace, or a text above or below."""
    is_over = element.tag == "mover"
    mark = core(element[1]).text or ""
    base = _drawn(element[0], is_tight=is_tight)
    if is_over and mark in ACCENTS and base.height == 1 and len(base.rows[0]) == 1:
        return text_box(accented(base.rows[0], mark))
    if mark in _BRACES:
        wing, middle, end = _BRACES[mark]
        room = max(3, base.width) - 3
        text = wing + "─" * (room // 2) + middle + "─" * (room - room // 2) + end
        line = text_box(text)
    elif mark in ACCENTS:
        line = text_box("▁" * base.width if ACCENTS[mark] == "\u0305" else mark)
    elif kind_of(core(element[0])) is AtomKind.OPERATOR:
        return _scripts(element, is_tight)
    else:
        line = _drawn(element[1], is_tight=True)
        if base.rows[0].strip() in ("→", "←", "↔") and base.height == 1:
            arrow = base.rows[0].strip()
            shaft = "─" * max(0, line.width - 1)
            base = text_box(f"{arrow}{shaft}" if arrow == "←" else f"{shaft}{arrow}")
    return stacked([line, base], 1) if is_over else stacked([base, line], 0)


def _fraction(element: Element, _is_tight: bool) -> Box:
    above, below = _drawn(element[0]), _drawn(element[1])
    width = max(above.width, below.width)
    if element.get("linethickness") == "0":
        box = stacked([above, below], 0)
        return with_base(box, box.height - 1 if box.height < 2 else above.height - 1)
    bar = text_box("─" * (width + 2))
    return stacked([above, bar, below], 1)


def _root(element: Element, is_tight: bool) -> Box:
    is_square = element.tag == "msqrt"
    inner = _group(element, is_tight) if is_square else _drawn(element[0], is_tight=is_tight)
    index = text_box("") if is_square else _smallest(element[1], raised)
    if inner.height == 1 and (len(inner.rows[0]) == 1 or inner.rows[0].isdecimal()):
        return beside([index, text_box(f"√{inner.rows[0]}")])
    rows = [f" ┌{'─' * inner.width}", *(f" │{row}" for row in inner.rows)]
    rows[-1] = "╲" + rows[-1][1:]
    root = Box(tuple(rows), inner.width + 2, inner.base + 1)
    foot = root.height - 1
    whole = beside([with_base(index, index.height - 1), with_base(root, foot)])
    return with_base(whole, whole.height - 1 - foot + root.base)


def _table(element: Element, _is_tight: bool) -> Box:
    rows = [[_drawn(cell) for cell in row] for row in element]
    sides = [[cell.get("columnalign", "center") for cell in row] for row in element]
    count = max((len(row) for row in rows), default=0)
    widths = [max((row[c].width for row in rows if c < len(row)), default=0) for c in range(count)]
    lines: list[Box] = []
    for row, alignments in zip(rows, sides, strict=True):
        cells: list[Box] = []
        for number, (cell, side) in enumerate(zip(row, alignments, strict=True)):
            if number:
                is_pair = alignments[number - 1] == "right" and side == "left"
                cells.append(text_box("" if is_pair else "  "))
            cells.append(aligned(cell, widths[number], side))
        lines.append(beside(cells))
    if not lines:
        return text_box("")
    is_tall = any(line.height > 1 for line in lines)
    box = stacked(lines, 0, "left", gap=int(is_tall))
    return with_base(box, (box.height - 1) // 2)


def _enclosed(element: Element, is_tight: bool) -> Box:
    inner = _group(element, is_tight)
    notation = element.get("notation", "")
    if notation == "box":
        line = "─" * (inner.width + 2)
        rows = (f"┌{line}┐", *(f"│ {row} │" for row in inner.rows), f"└{line}┘")
        return Box(rows, inner.width + 4, inner.base + 1)
    return text_box(row_text(element))


_DRAWERS = {
    **dict.fromkeys(("mi", "mn", "mo", "mtext"), _text),
    **dict.fromkeys(("msup", "msub", "msubsup", "munderover"), _scripts),
    **dict.fromkeys(("mover", "munder"), _over_or_under),
    **dict.fromkeys(("msqrt", "mroot"), _root),
    "mspace": _space,
    "mphantom": _phantom,
    "mfrac": _fraction,
    "mtable": _table,
    "menclose": _enclosed,
}
