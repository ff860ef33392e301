"""The Markdown that replies use: CommonMark with tables, formulas, footnotes and definitions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

ALERTS = ("note", "tip", "important", "warning", "caution")
_ALERT = re.compile(r"\[!(\w+)\][ \t]*(?:\n|$)")
_TASK = re.compile(r"\[([ xX])\][ \t]+")
_TAG = re.compile(r"<(/?)([a-z]+)\s*(/?)>", re.IGNORECASE)
PAIRED_TAGS = frozenset(
    (*"bius", "strong", "em", "ins", "del", "strike", "sub", "sup", "kbd", "mark", "code", "small")
)
"""The HTML elements of inline text that are drawn; all others are text."""


def markdown_parser(**options: Any) -> MarkdownIt:
    """A new parser of this syntax; `options` are options of markdown-it."""
    from markdown_it import MarkdownIt  # after the first paint
    from mdit_py_plugins.deflist import deflist_plugin

    from replyscope.inspection.markup.footnotes import footnote_plugin
    from replyscope.inspection.markup.formula_rules import formula_plugin

    parser = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    for plugin in (formula_plugin, footnote_plugin, deflist_plugin):
        parser.use(plugin)
    return parser


def mark_blocks(tokens: list[Token]) -> None:
    """Note the kinds of alerts, the states of tasks and the known tags in `meta`."""
    for place, token in enumerate(tokens):
        if token.type == "blockquote_open":
            token.meta["alert"] = take_alert(tokens[place + 1 : place + 3])
        elif token.type == "list_item_open":
            is_done = take_task(tokens[place + 1 : place + 3])
            if is_done is not None:
                token.meta["task"] = is_done
        elif token.children:
            for number, name in paired_tags(token.children).items():
                token.children[number].meta["tag"] = name


def take_alert(quote: list[Token]) -> str:
    """The kind of a GitHub alert, from the tokens within a quote; its marker is removed."""
    inline = _first_inline(quote, "paragraph_open")
    found = _ALERT.match(inline.content) if inline is not None else None
    if inline is None or found is None or found[1].lower() not in ALERTS:
        return ""
    inline.content = inline.content[found.end() :]
    _drop_children(inline, "softbreak")
    return found[1].lower()


def take_task(item: list[Token]) -> bool | None:
    """Whether the task of a list item is done; None if it is not a task. The box is removed."""
    inline = _first_inline(item, "paragraph_open")
    found = _TASK.match(inline.content) if inline is not None else None
    if inline is None or found is None:
        return None
    inline.content = inline.content[found.end() :]
    if inline.children:
        first = inline.children[0]
        first.content = first.content[found.end() :]
    return found[1] != " "


def _first_inline(tokens: list[Token], container: str) -> Token | None:
    if len(tokens) < 2 or tokens[0].type != container:
        return None
    return tokens[1]


def _drop_children(inline: Token, until: str) -> None:
    """Remove the first line of a parsed text."""
    children = inline.children or []
    breaks = (n for n, child in enumerate(children) if child.type in (until, "hardbreak"))
    inline.children = children[next(breaks, len(children)) + 1 :]


def tag_of(token: Token) -> tuple[str, bool]:
    """The name of an HTML tag without attributes, and whether it closes; or an empty name."""
    found = _TAG.fullmatch(token.content)
    return (found[2].lower(), bool(found[1])) if found is not None else ("", False)


def paired_tags(tokens: list[Token]) -> dict[int, str]:
    """The names of the HTML tags that are drawn, by their place in an inline text.

    They are balanced: a tag whose partner is missing is text.
    """
    paired: dict[int, str] = {}
    waiting: list[tuple[str, int]] = []
    for place, token in enumerate(tokens):
        if token.type != "html_inline":
            continue
        name, closes = tag_of(token)
        if name == "br":
            paired[place] = name
        elif name in PAIRED_TAGS and not closes:
            waiting.append((name, place))
        elif waiting and closes and waiting[-1][0] == name:
            paired[waiting.pop()[1]] = name
            paired[place] = f"/{name}"
    return paired
