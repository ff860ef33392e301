"""Converts a fragment of HTML to Markdown. Scripts are not run, and nothing is loaded."""

import re
from html.parser import HTMLParser

_BLOCKS = frozenset(
    ("p", "div", "ul", "ol", "table", "tr", "blockquote", "section", "h1", "h2", "h3", "h4", "h5",
     "h6", "pre", "hr")
)  # fmt: skip
_MARKS = {"strong": "**", "b": "**", "em": "*", "i": "*", "code": "`"}
_HIDDEN = ("script", "style", "head", "title")


class _Writer(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._link = ""
        self._is_code = False
        self._hidden = 0

    @property
    def text(self) -> str:
        lines = (line.rstrip() for line in "".join(self._pieces).split("\n"))
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _HIDDEN
        if tag == "pre":
            self._write("\n\n```\n")
            self._is_code = True
        elif tag in _BLOCKS:
            self._write("\n\n" + ("#" * int(tag[1]) + " " if re.fullmatch("h[1-6]", tag) else ""))
        elif tag == "li":
            self._write("\n- ")
        elif tag == "br":
            self._write("\n")
        elif tag in ("td", "th"):
            self._write("| ")
        elif tag in _MARKS and not self._is_code:
            self._write(_MARKS[tag])
        elif tag == "a":
            self._link = dict(attrs).get("href") or ""
            self._write("[" if self._link else "")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in _HIDDEN))
        if tag == "pre":
            self._write("\n```\n\n")
            self._is_code = False
        elif tag in _BLOCKS:
            self._write("\n")
        elif tag in _MARKS and not self._is_code:
            self._write(_MARKS[tag])
        elif tag == "a" and self._link:
            self._write(f"]({self._link})")
            self._link = ""

    def handle_data(self, data: str) -> None:
        self._write(data if self._is_code else re.sub(r"\s+", " ", data))

    def _write(self, text: str) -> None:
        if not self._hidden and text:
            self._pieces.append(text)


def text_of_html(html: str) -> str:
    """The text of a fragment."""
    writer = _Writer()
    writer.feed(html)
    writer.close()
    return writer.text
