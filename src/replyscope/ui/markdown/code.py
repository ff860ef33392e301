"""Syntax highlighting of code, in pieces of bounded size."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rich.style import Style
from rich.text import Text

from replyscope.domain.printable import printable_text
from replyscope.ui.markdown.palette import Palette

if TYPE_CHECKING:
    from pygments.lexer import Lexer

_LONGEST_LINE = 1_000


@lru_cache(maxsize=32)
def _lexer(language: str) -> Lexer | None:
    from pygments.lexers import get_lexer_by_name  # at the first code block
    from pygments.util import ClassNotFound

    if not language or language.lower() in ("text", "plain", "txt"):
        return None
    try:
        lexer: Lexer = get_lexer_by_name(language.lower(), stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
    return lexer


def highlight(source: str, language: str, context: str, palette: Palette) -> list[Text]:
    """Highlight the lines of `source`. The lexer reads `context` first; its lines are not
    returned.

    Code with a very long line is returned without colours: a lexer can take quadratic time.
    """
    source, context = printable_text(source), printable_text(context)
    lexer = _lexer(language)
    is_long = any(len(line) > _LONGEST_LINE for line in source.split("\n"))
    if lexer is None or is_long:
        return [Text(line, palette.code, end="") for line in source.split("\n")]
    whole = f"{context}\n{source}" if context else source
    skipped = len(whole) - len(source)
    text = Text(source, palette.code, end="")
    for start, kind, value in lexer.get_tokens_unprocessed(whole):
        style = _style_of(kind, palette)
        if style is not None and start + len(value) > skipped:
            text.stylize(style, max(0, start - skipped), start + len(value) - skipped)
    return list(text.split("\n", allow_blank=True))


def _style_of(kind: Any, palette: Palette) -> Style | None:
    from pygments.token import Comment, Keyword, Literal, Name, Operator, String, Token

    if kind in Comment:
        return palette.comment
    if kind in Keyword or kind in Operator.Word or kind in Token.Generic.Deleted:
        return palette.keyword
    if kind in String or kind in Token.Generic.Inserted:
        return palette.string
    if kind in Literal:
        return palette.number
    if kind in Name.Function or kind in Name.Class or kind in Name.Builtin or kind in Name.Tag:
        return palette.name
    if kind in Name.Decorator or kind in Name.Attribute:
        return palette.number
    return None
