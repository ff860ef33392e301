"""Renders inline Markdown as styled text. Control characters become visible symbols here."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rich.style import Style
from rich.text import Text

from replyscope.domain.printable import printable_line
from replyscope.ui.markdown.palette import Palette

if TYPE_CHECKING:
    from markdown_it.token import Token

_OPENABLE = ("http", "https", "mailto")


def inline_text(tokens: list[Token], palette: Palette, base: Style) -> Text:
    """Render the children of an inline token as one text, hard breaks as line breaks."""
    text = Text(end="")
    styles = [base]
    for token in tokens:
        match token.type:
            case "text":
                text.append(printable_line(token.content), styles[-1])
            case "softbreak":
                text.append(" ", styles[-1])
            case "hardbreak":
                text.append("\n", styles[-1])
            case "code_inline":
                text.append(printable_line(token.content), styles[-1] + palette.inline_code)
            case "image":
                alt = printable_line(token.content) or "image"
                text.append(f"[{alt}]", styles[-1] + link_style(token, "src", palette))
            case "html_inline":
                text.append(printable_line(token.content), styles[-1] + palette.muted)
            case "em_open":
                styles.append(styles[-1] + Style(italic=True))
            case "strong_open":
                styles.append(styles[-1] + Style(bold=True))
            case "s_open":
                styles.append(styles[-1] + Style(strike=True))
            case "link_open":
                styles.append(styles[-1] + link_style(token, "href", palette))
            case "em_close" | "strong_close" | "s_close" | "link_close":
                styles.pop()
    return text


def link_style(token: Token, attribute: str, palette: Palette) -> Style:
    """The style of a link. A click opens it when its scheme is allowed.

    It is not a terminal hyperlink: the target of one would be invisible.
    """
    target = str(token.attrs.get(attribute, ""))
    try:
        is_openable = urlsplit(target).scheme in _OPENABLE
    except ValueError:
        is_openable = False
    if not is_openable:
        return palette.link
    return palette.link + Style(meta={"@click": ("screen.open_link", (target,))})
