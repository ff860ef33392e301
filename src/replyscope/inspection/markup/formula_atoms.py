"""The kinds of symbols in a formula, and the spaces between them, as TeX has them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


class AtomKind(Enum):
    """The kind of an atom of a formula, which decides the spaces around it."""

    ORDINARY = "ordinary"
    OPERATOR = "operator"
    """A large operator or a named function: a sum, an integral, sin."""
    BINARY = "binary"
    RELATION = "relation"
    OPENING = "opening"
    CLOSING = "closing"
    PUNCTUATION = "punctuation"
    SPACE = "space"


INTEGRALS = frozenset("∫∬∭∮∯∰")
WITH_LIMITS = frozenset("∑∏∐⋃⋂⋁⋀⨁⨂⨀⨄") | {
    *("lim", "max", "min", "sup", "inf", "limsup", "liminf", "lim sup", "lim inf", "gcd"),
    *("argmax", "argmin", "arg max", "arg min", "det", "Pr"),
}
"""Operators that have their limits above and below in a display formula."""
OPENINGS = frozenset("([{⟨⌊⌈")
CLOSINGS = frozenset(")]}⟩⌋⌉")
BARS = frozenset("|∣‖∥")
_RELATIONS = frozenset(
    "=<>≤≥≠≈≡∼~≃≅≇≆∝→←↔⇒⇐⇔⟹⟸⟺⟶⟵⟷↦⟼∈∉∋⊂⊃⊆⊇⊄⊊⊋∣∥⊥⊢⊨≪≫≺≻⪯⪰≲≳≔≜≐≍↪⇌↑↓⇑⇓:∶⩽⩾≰≱≮≯⊳⊲⊴⊵∴∵"
)
_BINARIES = frozenset("+-−±∓×·⋅÷∪∩∧∨⊕⊗⊖⊙∘∗*⋆∖⊎†‡∙⊔⊓△") | {"mod"}
_BEFORE_UNARY = (
    AtomKind.BINARY,
    AtomKind.RELATION,
    AtomKind.OPENING,
    AtomKind.PUNCTUATION,
    AtomKind.OPERATOR,
    None,
)
_AFTER_UNARY = (AtomKind.RELATION, AtomKind.CLOSING, AtomKind.PUNCTUATION, None)
_SCRIPTS = ("msup", "msub", "msubsup", "mover", "munder", "munderover")


def kind_of(element: Element) -> AtomKind:
    """The kind of an element; of one with scripts, that of its base."""
    if element.tag in _SCRIPTS and len(element):
        kind = kind_of(core(element[0]))
        return (
            kind
            if kind in (AtomKind.OPERATOR, AtomKind.RELATION, AtomKind.CLOSING)
            else AtomKind.ORDINARY
        )
    if element.tag == "mspace":
        return AtomKind.SPACE
    if element.tag not in ("mo", "mi"):
        return AtomKind.ORDINARY
    text = element.text or ""
    if element.get("fence") == "true":
        return AtomKind.OPENING if element.get("form") == "prefix" else AtomKind.CLOSING
    for symbols, kind in (
        (_BINARIES, AtomKind.BINARY),
        (_RELATIONS, AtomKind.RELATION),
        (OPENINGS, AtomKind.OPENING),
        (CLOSINGS, AtomKind.CLOSING),
        (frozenset(",;"), AtomKind.PUNCTUATION),
        (WITH_LIMITS | INTEGRALS, AtomKind.OPERATOR),
    ):
        if text in symbols:
            return kind
    is_name = len(text) > 1 and text.replace(" ", "").isalpha()
    return AtomKind.OPERATOR if is_name else AtomKind.ORDINARY


def core(element: Element) -> Element:
    """The one element of a group of one, or the element itself."""
    while element.tag in ("mrow", "mstyle", "mpadded") and len(element) == 1:
        element = element[0]
    return element


def flat(element: Element) -> list[Element]:
    """The atoms of a row; changes of style and size are not groups."""
    atoms: list[Element] = []
    for child in element:
        is_style = child.tag in ("mstyle", "mpadded", "merror") and len(child)
        atoms += flat(child) if is_style else [child]
    return atoms


def spaces(kinds: Sequence[AtomKind], *, is_tight: bool) -> list[int]:
    """The number of spaces before each atom; tight rows, such as scripts, have fewer."""
    solid: list[tuple[int, AtomKind]] = [
        (place, kind) for place, kind in enumerate(kinds) if kind is not AtomKind.SPACE
    ]
    gaps = [0] * len(kinds)
    previous: AtomKind | None = None
    for number, (place, kind) in enumerate(solid):
        following = solid[number + 1][1] if number + 1 < len(solid) else None
        if kind is AtomKind.BINARY and (previous in _BEFORE_UNARY or following in _AFTER_UNARY):
            kind = AtomKind.ORDINARY
        is_beside = place > 0 and kinds[place - 1] is not AtomKind.SPACE
        if previous is not None and is_beside:
            gaps[place] = _gap(previous, kind, is_tight=is_tight)
        previous = kind
    return gaps


def _gap(before: AtomKind, after: AtomKind, *, is_tight: bool) -> int:
    pair = {before, after}
    if pair & {AtomKind.RELATION, AtomKind.BINARY}:
        return int(not is_tight and before is not after)
    if before is AtomKind.PUNCTUATION:
        return int(not is_tight)
    if before is AtomKind.OPERATOR:
        return int(after in (AtomKind.ORDINARY, AtomKind.OPERATOR))
    return int(after is AtomKind.OPERATOR and before in (AtomKind.ORDINARY, AtomKind.CLOSING))


def space_width(element: Element) -> int:
    """The width of a space in cells."""
    width = element.get("width", "")
    try:
        ems = float(width.removesuffix("em")) if width.endswith("em") else 1.0
    except ValueError:
        ems = 1.0
    if ems <= 0:
        return 0
    return 1 if ems < 0.9 else min(8, 1 + round(ems))


def is_newline(element: Element) -> bool:
    """Whether an element begins a new line."""
    return element.tag == "mspace" and element.get("linebreak") == "newline"
