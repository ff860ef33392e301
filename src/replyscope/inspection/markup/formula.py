"""Parses a LaTeX formula to MathML: the source of what is drawn and exported.

Only a formula whose letters and digits are all in the result is returned. Time and size are
bounded. Elements hold plain text, and attributes without a meaning for drawing are removed.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache
from html import unescape
from typing import TYPE_CHECKING

from replyscope.inspection.markup.formula_atoms import WITH_LIMITS

if TYPE_CHECKING:  # at run time it is loaded with the first formula
    from xml.etree.ElementTree import Element

_LONGEST = 2_000
_DEEPEST = 24
_UNSUPPORTED = re.compile(
    r"\\(?:def|edef|gdef|xdef|let|newcommand|renewcommand|providecommand|newenvironment|"
    r"DeclareMathOperator|href|url|class|id|cssId|style|unicode|require|input|include)(?![a-z])"
)
_RENAMED = (
    (re.compile(r"\\(begin|end)\{(?:aligned|split|flalign\*?|eqnarray\*?)\}"), r"\\\1{align*}"),
    (re.compile(r"\\(begin|end)\{(?:gathered|gather\*?|multline\*?)\}"), r"\\\1{matrix}"),
    (re.compile(r"\\(begin|end)\{equation\*?\}"), ""),
    (re.compile(r"\\(begin|end)\{[dr]cases\*?\}"), r"\\\1{cases}"),
    (re.compile(r"\\(?:operatorname|mathop)\*"), r"\\operatorname"),
    (re.compile(r"\\not\s*="), r"\\neq "),
    (re.compile(r"\\not\s*\\in(?![a-z])"), r"\\notin "),
    (re.compile(r"\\(?:label|vspace|notag|nonumber)\*?(?:\{[^{}]*\})?"), ""),
    (re.compile(r"\\(?:hline|limits|nolimits|displaylimits|allowbreak)(?![a-z])"), ""),
    (re.compile(r"\\(?:lt)(?![a-z])"), "<"),
    (re.compile(r"\\(?:gt)(?![a-z])"), ">"),
    (re.compile(r"\\argm(ax|in)(?![a-z])"), r"\\operatorname{argm\1}"),
)
_TAG = re.compile(r"\\tag\*?\{([^{}]*)\}")
_UNPRINTED = re.compile(
    r"\\(?:begin|end|color|hspace|vspace|label|phantom|hphantom|vphantom)\*?\s*\{[^{}]*\}"
    r"|\\(?:textcolor|colorbox)\s*\{[^{}]*\}"
    r"|(?<=\\begin\{array\})\s*\{[^{}]*\}"
    r"|\\\\\s*\[[^\]]*\]"
    r"|\\[A-Za-z]+"
)
_COLUMNS = re.compile(r"(\\begin\{(?:array|alignat\*?)\})\s*\{[^{}]*\}")
_KEPT = re.compile(
    "accent|columnalign|fence|form|linebreak|linethickness|mathcolor|mathvariant|maxsize|"
    "minsize|notation|stretchy|width"
)
_LIMITS = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}
_CHILDREN = {
    **dict.fromkeys(("mfrac", "mroot", "msub", "msup", "munder", "mover"), 2),
    **dict.fromkeys(("msubsup", "munderover"), 3),
}
_VALUE = re.compile(r"[\w.%#+ -]*")
_NAMES = re.compile(
    "math|mrow|mi|mn|mo|mtext|mspace|msup|msub|msubsup|mover|munder|munderover|mfrac|msqrt|"
    "mroot|mtable|mtr|mtd|mstyle|mpadded|mphantom|menclose|merror"
)


@lru_cache(maxsize=512)
def parse_formula(latex: str) -> Element | None:
    """The MathML of a formula as an `mrow`, or None if it cannot be shown in full.

    The element is shared by all callers: do not change it.
    """
    source = latex.strip()
    if not source or len(source) > _LONGEST or _depth(source) > _DEEPEST:
        return None
    if _UNSUPPORTED.search(source):
        return None
    try:
        element = _converted(_renamed(source))
    except RecursionError:
        return None
    if element is None or not _holds_all(source, element):
        return None
    return element


def formula_mathml(latex: str, *, is_block: bool) -> str | None:
    """The MathML of a formula, with its LaTeX as the annotation, or None."""
    from xml.etree.ElementTree import Element, SubElement, tostring

    element = parse_formula(latex)
    if element is None:
        return None
    math = Element("math", {"display": "block"} if is_block else {})
    semantics = SubElement(math, "semantics")
    semantics.append(_in_rows(element))
    SubElement(semantics, "annotation", {"encoding": "application/x-tex"}).text = latex
    return tostring(math, encoding="unicode")


def _in_rows(element: Element) -> Element:
    """The element with the lines of its top as rows of a table: browsers break no lines."""
    lines: list[list[Element]] = [[]]
    for child in element:
        if child.tag == "mspace" and child.get("linebreak") == "newline":
            lines.append([])
        else:
            lines[-1].append(child)
    if len(lines) == 1:
        return element
    table = element.makeelement("mtable", {})
    for line in filter(None, lines):
        row, cell = table.makeelement("mtr", {}), table.makeelement("mtd", {"columnalign": "left"})
        cell.extend(line)
        row.append(cell)
        table.append(row)
    return table


def _depth(source: str) -> int:
    """The maximum nesting depth of the source."""
    depth = deepest = 0
    for opened in re.findall(r"\\\\|\\[{}]|\{|\}|\\(?:left|begin|right|end)(?![a-z])", source):
        depth += {"{": 1, "\\left": 1, "\\begin": 1}.get(opened, 0)
        depth -= {"}": 1, "\\right": 1, "\\end": 1}.get(opened, 0)
        deepest = max(deepest, depth)
    return deepest


def _renamed(source: str) -> str:
    """The source in the commands that the library knows. A tag is put at the end."""
    for pattern, instead in _RENAMED:
        source = pattern.sub(instead, source)
    tags = "".join(f"\\qquad\\text{{({tag})}}" for tag in _TAG.findall(source))
    return _TAG.sub("", source) + tags


def _converted(source: str) -> Element | None:
    from latex2mathml.converter import convert_to_element  # at the first formula

    try:
        math = convert_to_element(source)
    except Exception:  # noqa: BLE001 - the library raises many kinds for foreign text
        return None
    return _cleaned(math)


def _cleaned(element: Element) -> Element | None:
    """A copy with plain text and known attributes; None with an element that is not known.

    A command that the library does not know is text with a backslash.
    """
    if not _NAMES.fullmatch(element.tag) or _CHILDREN.get(element.tag, len(element)) != len(
        element
    ):
        return None
    text = unescape(element.text or "").replace("\xa0", " ")
    if text.startswith("\\") or (element.tag == "mi" and text in ("{", "}", "&")):
        return None
    copy = element.makeelement(_tag(element), {})
    copy.text = "".join(" " if unicodedata.category(c) in ("Zs", "Cc", "Cf") else c for c in text)
    for name, value in element.attrib.items():
        if _KEPT.fullmatch(name) and _VALUE.fullmatch(value):
            copy.set(name, value)
    if copy.tag == "mo" and text in WITH_LIMITS:
        copy.set("movablelimits", "true")
    for child in element:
        inner = _cleaned(child)
        if inner is None:
            return None
        copy.append(inner)
    return copy


def _tag(element: Element) -> str:
    """The name of an element. The scripts of a sum are limits, above and below it."""
    if element.tag == "math":
        return "mrow"
    base = unescape(element[0].text or "") if len(element) else ""
    return _LIMITS.get(element.tag, element.tag) if base in WITH_LIMITS else element.tag


def _holds_all(source: str, element: Element) -> bool:
    """Whether the letters and digits of a source are all in the element."""
    written = letters(_UNPRINTED.sub(" ", _COLUMNS.sub(" ", source)))
    return not written - letters("".join(element.itertext()))


def letters(text: str) -> Counter[str]:
    """The letters and digits of a text, without their mathematical styles."""
    plain = unicodedata.normalize("NFKD", text)
    return Counter(c for c in plain if c.isalnum())
