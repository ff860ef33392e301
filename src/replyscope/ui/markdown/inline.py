"""Renders inline Markdown as styled text. Control characters become visible symbols here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rich.style import Style
from rich.text import Text

from replyscope.domain.printable import printable_line
from replyscope.inspection.markup.scripts import lowered, raised
from replyscope.inspection.markup.syntax import paired_tags
from replyscope.ui.markdown.palette import Palette

if TYPE_CHECKING:
    from markdown_it.token import Token

_OPENABLE = ("http", "https", "mailto")
_SCRIPTS: dict[str, tuple[str, Callable[[str], str | None]]] = {
    "sub": ("_", lowered),
    "sup": ("^", raised),
}
_EMPHASIS = {
    "em_open": Style(italic=True),
    "strong_open": Style(bold=True),
    "s_open": Style(strike=True),
}
_TAG_STYLES = {
    **dict.fromkeys(("b", "strong"), Style(bold=True)),
    **dict.fromkeys(("i", "em"), Style(italic=True)),
    **dict.fromkeys(("u", "ins"), Style(underline=True)),
    **dict.fromkeys(("s", "del", "strike"), Style(strike=True)),
}


def inline_text(tokens: list[Token], palette: Palette, base: Style) -> Text:
    """Render the children of an inline token as one text, hard breaks as line breaks."""
    writer = _Writer(palette, base, paired_tags(tokens))
    for place, token in enumerate(tokens):
        writer.write(token, place)
    return writer.text


def formula_text(token: Token, palette: Palette) -> str:
    """A formula on one line, or its source."""
    from replyscope.inspection.markup.formula_line import formula_line  # at the first formula

    drawn = formula_line(token.content)
    if drawn is None or (palette.ascii_only and not drawn.isascii()):
        drawn = " ".join(token.meta["raw"].split())
    return printable_line(drawn)


def footnote_mark(label: str, palette: Palette) -> str:
    """The mark of a footnote: a raised number, or its label in brackets."""
    small = None if palette.ascii_only or not label.isdecimal() else raised(label)
    return small or f"[{printable_line(label)}]"


class _Writer:
    """Writes one inline text. `_styles` is the stack of the open styles."""

    def __init__(self, palette: Palette, base: Style, tags: dict[int, str]) -> None:
        self.text = Text(end="")
        self._palette = palette
        self._styles = [base]
        self._tags = tags
        self._script_starts: list[int] = []

    def write(self, token: Token, place: int) -> None:
        """Append a token; `place` is its place in the inline text."""
        style = self._styles[-1]
        match token.type:
            case "text":
                self.text.append(printable_line(token.content), style)
            case "softbreak":
                self.text.append(" ", style)
            case "hardbreak":
                self.text.append("\n", style)
            case "code_inline":
                code = style + self._palette.inline_code
                self.text.append(printable_line(token.content), code)
            case "image":
                alt = printable_line(token.content) or "image"
                self.text.append(f"[{alt}]", style + link_style(token, "src", self._palette))
            case "formula_inline" | "formula_display":
                self.text.append(formula_text(token, self._palette), style)
            case "footnote_reference":
                mark = footnote_mark(token.meta["label"], self._palette)
                self.text.append(mark, style + self._palette.marker)
            case "html_inline":
                self._write_tag(token, self._tags.get(place, ""))
            case "link_open":
                self._styles.append(style + link_style(token, "href", self._palette))
            case "em_open" | "strong_open" | "s_open":
                self._styles.append(style + _EMPHASIS[token.type])
            case "em_close" | "strong_close" | "s_close" | "link_close":
                self._styles.pop()

    def _write_tag(self, token: Token, name: str) -> None:
        style = self._styles[-1]
        if name == "br":
            self.text.append("\n", style)
        elif not name:
            self.text.append(printable_line(token.content), style + self._palette.muted)
        elif name.startswith("/"):
            self._close_tag(name[1:])
        else:
            self._styles.append(style + self._tag_style(name))
            if name == "kbd":
                self.text.append("[", self._styles[-1])
            elif name in _SCRIPTS:
                self._script_starts.append(len(self.text))

    def _tag_style(self, name: str) -> Style:
        if name in ("kbd", "code"):
            return self._palette.inline_code
        return self._palette.match if name == "mark" else _TAG_STYLES.get(name, Style())

    def _close_tag(self, name: str) -> None:
        style = self._styles.pop() if len(self._styles) > 1 else self._styles[-1]
        if name == "kbd":
            self.text.append("]", style)
        elif name in _SCRIPTS and self._script_starts:
            self._shift(self._script_starts.pop(), *_SCRIPTS[name])

    def _shift(self, start: int, sign: str, form: Callable[[str], str | None]) -> None:
        """Make the end of the text a script: small characters, or a sign before it."""
        inner = self.text.plain[start:]
        small = None if self._palette.ascii_only else form(inner)
        if small is not None:
            self.text.plain = self.text.plain[:start] + small
            return
        tail = self.text[start:]
        self.text = self.text[:start].append(sign if len(inner) == 1 else f"{sign}(")
        self.text.append_text(tail).append("" if len(inner) == 1 else ")")
        self.text.end = ""


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
