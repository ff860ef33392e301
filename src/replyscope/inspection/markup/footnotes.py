"""Markdown rules for footnotes: `[^1]` in a text, and a line `[^1]: the note` anywhere.

A note stays where it is written. The definitions are kept with the link definitions, so a
late one changes the earlier text, and `[^a]` without a definition is text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline

REFERENCE = "footnote_reference"
OPEN, CLOSE = "footnote_open", "footnote_close"
_LABEL = r"\[\^([^\]\s^]{1,80})\]"
_MARK = re.compile(_LABEL)
_DEFINITION = re.compile(_LABEL + r":[ \t]*")


def footnote_plugin(parser: MarkdownIt) -> None:
    """Add the rules to a parser."""
    parser.block.ruler.before("reference", OPEN, _definition, {"alt": ["paragraph", "reference"]})
    parser.inline.ruler.before("link", REFERENCE, _reference)


def _key(label: str) -> str:
    from markdown_it.common.utils import normalizeReference

    return normalizeReference(f"^{label}")


def _definition(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    at = state.bMarks[start] + state.tShift[start]
    if not state.src.startswith("[^", at) or state.is_code_block(start):
        return False
    found = _DEFINITION.match(state.src, at, state.eMarks[start])
    if found is None:
        return False
    if silent:
        return True
    last = start + 1
    while last < end and not state.isEmpty(last) and state.sCount[last] >= state.blkIndent:
        line = state.bMarks[last] + state.tShift[last]
        if _DEFINITION.match(state.src, line) or state.sCount[last] <= state.blkIndent:
            break
        last += 1
    state.env.setdefault("references", {}).setdefault(_key(found[1]), {"title": "", "href": "#"})
    text = state.getLines(start, last, state.blkIndent, False)
    opening = state.push(OPEN, "p", 1)
    opening.meta = {"label": found[1]}
    opening.map = [start, last]
    inline = state.push("inline", "", 0)
    inline.content = "\n".join(line.strip() for line in text.split("\n"))[len(found[0]) :].strip()
    inline.map = [start, last]
    inline.children = []
    state.push(CLOSE, "p", -1)
    state.line = last
    return True


def _reference(state: StateInline, silent: bool) -> bool:
    found = _MARK.match(state.src, state.pos, state.posMax)
    if found is None or _key(found[1]) not in state.env.get("references", {}):
        return False
    if not silent:
        state.push(REFERENCE, "", 0).meta = {"label": found[1]}
    state.pos = found.end()
    return True
