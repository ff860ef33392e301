"""Markdown rules for LaTeX formulas: `$…$`, `$$…$$`, `\\(…\\)`, `\\[…\\]` and environments.

A token has the LaTeX in `content` and the whole source, with its delimiters, in `meta["raw"]`.
A code span or code block is never a formula, and `$5 and $6` is not one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline

INLINE = "formula_inline"
DISPLAY = "formula_display"
BLOCK = "formula_block"
LONGEST = 4_000
"""The most characters of a formula; a longer one is text."""
MOST_LINES = 100

_ENVIRONMENT = re.compile(
    r"\\begin\{((?:align|alignat|equation|gather|multline|eqnarray|flalign|aligned|cases|"
    r"[pbBvV]?matrix)\*?)\}"
)
_OPENERS = {"\\[": "\\]", "$$": "$$"}
_HINTS = re.compile(r"[\\^_=]")
_PRICE = re.compile(r"\d[\d.,]*\s.*(?:[^\W\d_]{2}|[^\W\d_]\.)", re.DOTALL)
_LATEX_SIGNS = re.compile(r"[\\^_=<>+*/{}]")


def formula_plugin(parser: MarkdownIt) -> None:
    """Add the rules to a parser."""
    parser.block.ruler.before(
        "fence", BLOCK, _block_rule, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )
    parser.inline.ruler.before("escape", INLINE, _inline_rule)
    # The text rule must stop before a dollar sign, which other Markdown does not know.
    parser.inline.add_terminator_char("$")


def _block_rule(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A display formula that begins a line and ends one.

    A formula that is not closed yet is a block of its own too, up to the next blank line, so
    that its lines are never read as lists or headings. Its content is then empty.
    """
    if not state.src.startswith(("$$", "\\"), state.bMarks[start] + state.tShift[start]):
        return False
    if state.is_code_block(start):
        return False
    first = _line(state, start)
    opener, closer = _delimiters(first)
    if not opener:
        return False
    last, is_closed = _find_end(state, start, end, opener, closer)
    rest = first[len(opener) :]
    if not is_closed and (rest.strip() and not _HINTS.search(rest)):
        return False
    if not is_closed and closer in rest:
        return False  # text after the formula: a paragraph
    if silent:
        return True
    raw = state.getLines(start, last, state.blkIndent, False).strip()
    token = state.push(BLOCK, "", 0)
    token.map = [start, last]
    token.content = formula_source(raw) if is_closed else ""
    token.meta = {"raw": raw, "closer": closer}
    state.line = last
    return True


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]


def _delimiters(line: str) -> tuple[str, str]:
    """The opening and closing delimiter of a formula at the start of a line, or empty."""
    for opener, closer in _OPENERS.items():
        if line.startswith(opener):
            return opener, closer
    found = _ENVIRONMENT.match(line)
    return (found[0], f"\\end{{{found[1]}}}") if found is not None else ("", "")


def _find_end(
    state: StateBlock, start: int, end: int, opener: str, closer: str
) -> tuple[int, bool]:
    """The line after the formula, and whether its last line ends with the closing delimiter."""
    length = 0
    for number in range(start, min(end, start + MOST_LINES)):
        is_outside = state.sCount[number] < state.blkIndent
        if number > start and (state.isEmpty(number) or is_outside):
            return number, False
        line = _line(state, number)
        length += len(line)
        inner = line[len(opener) :] if number == start else line
        if closer in inner or length > LONGEST:
            return number + 1, inner.rstrip().endswith(closer) and inner.count(closer) == 1
    return min(end, start + MOST_LINES), False


def formula_source(raw: str) -> str:
    """The LaTeX within the delimiters of a formula. An environment is its own delimiter."""
    for opener, closer in (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$")):
        if raw.startswith(opener) and raw.endswith(closer) and len(raw) >= 2 * len(opener):
            return raw[len(opener) : len(raw) - len(closer)].strip()
    return raw.strip()


def _inline_rule(state: StateInline, silent: bool) -> bool:
    found = _find_inline(state.src, state.pos, state.posMax)
    if found is None:
        return False
    kind, stop = found
    if not silent:
        raw = state.src[state.pos : stop]
        token = state.push(kind, "", 0)
        token.content = formula_source(raw)
        token.meta = {"raw": raw}
    state.pos = stop
    return True


def _find_inline(text: str, at: int, end: int) -> tuple[str, int] | None:
    """The kind of the formula at a position and the position after it, or None."""
    head = text[at : at + 2]
    if head in ("\\(", "\\["):
        closer, kind = ("\\)", INLINE) if head == "\\(" else ("\\]", DISPLAY)
        stop = text.find(closer, at + 2, min(end, at + LONGEST))
        inner = text[at + 2 : stop]
        is_one = stop > 0 and inner.strip() and "`" not in inner and head not in inner
        return (kind, stop + 2) if is_one else None
    if head == "$$":
        stop = text.find("$$", at + 2, min(end, at + LONGEST))
        inner = text[at + 2 : stop]
        is_one = stop > 0 and inner.strip() and "`" not in inner
        return (DISPLAY, stop + 2) if is_one else None
    if head[:1] == "$":
        return _find_dollars(text, at, end)
    return None


def _find_dollars(text: str, at: int, end: int) -> tuple[str, int] | None:
    """The rules of Pandoc, and what tells prices and shell variables from formulas."""
    before = text[at - 1 : at]
    stop = _closing_dollar(text, at + 1, min(end, at + LONGEST))
    if stop < 0 or before.isalnum() or before == "$":
        return None
    inner, after = text[at + 1 : stop], text[stop + 1 : stop + 2]
    if not inner or inner[0].isspace() or inner[-1].isspace():
        return None
    if after.isdigit() or after == "$" or "`" in inner:
        return None
    if after.isalpha() and len(inner) > 2 and not _LATEX_SIGNS.search(inner.rstrip("/_")):
        return None  # shell variables: $HOME/$USER
    if _PRICE.match(inner) and not _LATEX_SIGNS.search(inner):
        return None
    return INLINE, stop + 1


def _closing_dollar(text: str, start: int, end: int) -> int:
    at = text.find("$", start, end)
    while at > 0 and text[at - 1] == "\\":
        at = text.find("$", at + 1, end)
    return at
