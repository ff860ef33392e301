"""The two Markdown parsers: one for blocks only, one for blocks and inlines."""

from __future__ import annotations

from collections.abc import MutableMapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from replyscope.inspection.markup.syntax import markdown_parser

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

References = dict[str, dict[str, Any]]


@lru_cache(maxsize=1)
def _block_parser() -> MarkdownIt:
    parser = _configured()
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


@lru_cache(maxsize=1)
def _full_parser() -> MarkdownIt:
    parser = _configured()
    parser.enable("linkify")
    linkify = parser.linkify
    if linkify is not None:
        linkify.set({"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
    return parser


def _configured() -> MarkdownIt:
    return markdown_parser(linkify=True, maxNesting=24)


def parse_blocks(text: str) -> tuple[list[Token], References]:
    """Parse the blocks of a text, without inlines. Returns the tokens and link definitions."""
    env: MutableMapping[str, Any] = {}
    tokens = _block_parser().parse(text, env)
    references: References = env.get("references", {})
    return tokens, references


def parse_fully(text: str, references: References, *, keeps_breaks: bool = False) -> list[Token]:
    """Parse blocks and inlines. Links are resolved with the references of the whole text.

    With `keeps_breaks` a line break within a paragraph is a hard break.
    """
    env: MutableMapping[str, Any] = {"references": dict(references)}
    tokens = _full_parser().parse(text, env)
    for child in (c for token in tokens if keeps_breaks for c in token.children or ()):
        if child.type == "softbreak":
            child.type = "hardbreak"
    return tokens
