"""Draws a formula on one line, with Unicode superscripts and subscripts."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from replyscope.inspection.markup.formula import parse_formula
from replyscope.inspection.markup.formula_atoms import (
    CLOSINGS,
    OPENINGS,
    AtomKind,
    core,
    flat,
    is_newline,
    kind_of,
    space_width,
    spaces,
)
from replyscope.inspection.markup.scripts import ACCENTS, lowered, raised

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SLASH = "\u29f8"
_STRUCK = "\u0338"
_SIMPLE = ("mi", "mn", "msup", "msub", "msubsup", "msqrt", "mroot")


class NotOnOneLine(Exception):
    """A part of a formula cannot be written on one line without loss."""


@lru_cache(maxsize=1_024)
def formula_line(latex: str) -> str | None:
    """The formula on one line, or None if it cannot be drawn so."""
    element = parse_formula(latex)
    if element is None:
        return None
    try:
        return row_text(element).strip() or None
    except (NotOnOneLine, RecursionError):
        return None


def row_text(element: Element, *, is_tight: bool = False) -> str:
    """The text of an element. Raises NotOnOneLine."""
    if element.tag == "mrow":
        return _joined(flat(element), is_tight=is_tight)
    return _atom_text(element, is_tight=is_tight)


def _joined(atoms: Sequence[Element], *, is_tight: bool) -> str:
    gaps = spaces([kind_of(atom) for atom in atoms], is_tight=is_tight)
    pieces: list[str] = []
    is_struck = False
    for atom, gap in zip(atoms, gaps, strict=True):
        if is_newline(atom):
            raise NotOnOneLine
        text = _atom_text(atom, is_tight=is_tight)
        if text == SLASH:
            is_struck = True
            continue
        if is_struck:
            text = unicodedata.normalize("NFC", text[:1] + _STRUCK) + text[1:]
            is_struck = False
        pieces.append(" " * gap + text)
    return "".join(pieces)


def _atom_text(element: Element, *, is_tight: bool) -> str:
    match element.tag:
        case "mrow" | "mstyle" | "mpadded" | "mtd":
            return _joined(flat(element), is_tight=is_tight)
        case "mi" | "mn" | "mo" | "mtext":
            inner = _joined(flat(element), is_tight=is_tight) if len(element) else ""
            return (element.text or "") + inner
        case "mspace":
            return " " * space_width(element)
        case "mphantom":
            return " "
        case "msup":
            return _with_scripts(element[0], None, element[1])
        case "msub":
            return _with_scripts(element[0], element[1], None)
        case "msubsup" | "munderover":
            return _with_scripts(element[0], element[1], element[2])
        case "mover" | "munder":
            return _over_or_under(element)
        case "mfrac":
            return _fraction(element)
        case "msqrt" | "mroot":
            return _root(element)
        case "mtable":
            return _table(element)
        case "menclose":
            return _enclosed(element)
    raise NotOnOneLine


def _with_scripts(base: Element, below: Element | None, above: Element | None) -> str:
    text = row_text(base)
    if below is not None:
        low = row_text(below, is_tight=True)
        text += lowered(low) or _marked("_", low)
    if above is not None:
        high = row_text(above, is_tight=True)
        text += raised(high) or _marked("^", high)
    return text


def _marked(sign: str, script: str) -> str:
    return f"{sign}{script}" if len(script) == 1 else f"{sign}{{{script}}}"


def _over_or_under(element: Element) -> str:
    """An accent over its letters, or limits of an operator."""
    base, mark = element[0], row_text(element[1])
    if element.tag == "mover" and mark in ACCENTS:
        return accented(row_text(base), mark)
    if kind_of(core(base)) is not AtomKind.OPERATOR:
        raise NotOnOneLine
    is_over = element.tag == "mover"
    return _with_scripts(base, None if is_over else element[1], element[1] if is_over else None)


def accented(text: str, mark: str) -> str:
    """A text with an accent; a bar goes over all of its letters. Raises NotOnOneLine."""
    sign = ACCENTS[mark]
    if len(text) == 1:
        return text + sign
    if sign != ACCENTS["¯"] or not text:
        raise NotOnOneLine
    return "".join(char + sign for char in text)


def _fraction(element: Element) -> str:
    above, below = row_text(element[0]), row_text(element[1])
    if element.get("linethickness") == "0":
        high, low = raised(above), lowered(below)
        if high is None or low is None:
            raise NotOnOneLine
        return high + low
    low = grouped(below, element[1])
    # a/bc would be read as a/b times c, but df/dx is what everybody writes.
    if (
        low == below
        and len(low) > 1
        and low.isalnum()
        and not low.isdecimal()
        and low[0] not in "d∂"
    ):
        low = f"({low})"
    return f"{grouped(above, element[0])}/{low}"


def grouped(text: str, element: Element) -> str:
    """The text in parentheses, unless it is one number, letter or group already."""
    atoms = flat(element) if element.tag == "mrow" else [element]
    is_simple = len(atoms) == 1 and core(atoms[0]).tag in _SIMPLE
    plain = text.replace(" ", "")
    is_name = len(plain) <= 3 and plain.isalnum()
    is_in_brackets = text[:1] in OPENINGS and text[-1:] in CLOSINGS and _is_one_group(text)
    return text if is_simple or is_name or is_in_brackets else f"({text})"


def _is_one_group(text: str) -> bool:
    depth = 0
    for place, char in enumerate(text):
        depth += (char in OPENINGS) - (char in CLOSINGS)
        if depth == 0:
            return place == len(text) - 1
    return False


def _root(element: Element) -> str:
    if element.tag == "mroot":
        inner, index = element[0], raised(row_text(element[1], is_tight=True))
        if index is None:
            raise NotOnOneLine
    else:
        inner = element[0] if len(element) == 1 else element
        index = ""
    text = row_text(inner) if inner is not element else _joined(flat(element), is_tight=False)
    is_short = len(text) == 1 or text.isdecimal()
    return f"{index}√{text if is_short else f'({text})'}"


def _table(element: Element) -> str:
    """The rows of a matrix, divided by semicolons."""
    return "; ".join(" ".join(filter(None, map(_cell, row))) for row in element)


def _cell(element: Element) -> str:
    """The text of a cell. An empty cell of a matrix keeps its place."""
    return row_text(element).strip() or ("" if element.get("columnalign") else "·")


def _enclosed(element: Element) -> str:
    inner = _joined(flat(element), is_tight=False)
    notation = element.get("notation", "")
    if "strike" in notation:
        return "".join(char + "\u0336" for char in inner)
    if notation == "box":
        return f"▕ {inner} ▏"
    raise NotOnOneLine
