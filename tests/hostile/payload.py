"""Texts that try everything a text can try at a terminal, and the search for what got out.

Every planted sequence carries numbers over 7,000 that no terminal program writes, so that
what reaches a terminal is known for ours, or for theirs.
"""

import re

from replyscope.ui.terminal.emoji_width import MEASURE

_ESCAPES = (
    "\x1b]0;{m} owned title\x07",
    "\x1b]2;{m} owned title\x1b\\",
    "\x1b]52;c;b3duZWQ={m}\x07",
    "\x1b]8;id=7001;http://evil.example/{m}\x07safe.example\x1b]8;;\x07",
    "\x1b]9;{m} owned\x07",
    "\x1b]1337;File={m}\x07",
    "\x1bP7002;1|{m}\x1b\\",
    "\x1b_{m}\x1b\\",
    "\x1b^{m}\x1b\\",
    "\x1bX{m}\x1b\\",
    "\x1b[7003m",
    "\x1b[7004;7004H",
    "\x1b[?7005h",
    "\x1b[7006J",
    "\x1bc\x1b#8\x1b(0",
    "\x9b7007m",
    "\x9d0;{m}\x9c",
    "\x907008|{m}\x9c",
    "\x8e\x8f\x84\x8d",
    "\x07\x08\x7f\v\f\x0e\x0f\x00\x05",
    "\x85\u2028\u2029",
)
_SPELLS = (
    "\u202e{m}\u202c\u202a\u202b\u202d",
    "\u2066\u2067\u2068\u2069\u200e\u200f\u061c",
    "\ufeff\ufff9\ufffa\ufffb",
    "\U000e0001\U000e0041\U000e007f",
)
_MARKUP = (
    "[b]{m}mk[/b]",
    "[@click=app.quit]{m}mk[/]",
    "[link=http://evil.example/{m}]{m}mk[/link]",
    "[/nope]",
    "[on $error]{m}mk[/]",
    "[red",
)


def hostile(mark: str, first: int = 0, *, without: str = "") -> str:
    """All of it, the `first`th piece to the front: narrow columns show only a beginning."""
    pieces = [*_ESCAPES, *_SPELLS, *_MARKUP]
    at = first % len(pieces)
    text = " ".join([*pieces[at:], *pieces[:at]]).replace("{m}", mark)
    return text.translate(dict.fromkeys(map(ord, without))) if without else text


def hostile_pieces(mark: str, *, without: str = "") -> list[str]:
    """Each piece on its own, short enough for a file's name or a narrow column."""
    texts = [piece.replace("{m}", mark) for piece in (*_ESCAPES, *_SPELLS, *_MARKUP)]
    if without:
        texts = [text.translate(dict.fromkeys(map(ord, without))) for text in texts]
    return [f"{text}{mark}" for text in texts]


_CSI = re.compile(r"\x1b\[([0-9;:?<>=]*)([ -/]*)([@-~])")
_OURS = {
    "m": re.compile(r"[0-9;:]*"),
    "H": re.compile(r"[0-9]*(;[0-9]*)?"),
    "h": re.compile(r"\?[0-9;]+"),
    "l": re.compile(r"\?[0-9;]+"),
    "u": re.compile(r"[<>=][0-9]*"),
    "p": re.compile(r"\?[0-9]+"),
    "K": re.compile(r"[0-2]?"),
    "J": re.compile(r"[0-2]?"),
    "c": re.compile(""),
    "r": re.compile(r"([0-9]+;[0-9]+)?"),
    "n": re.compile("5"),
    **dict.fromkeys("CDGLMX", re.compile("[0-9]*")),
    "b": re.compile("[0-9]+"),
}
"""What Textual, Rich, our output of changed cells and our own progress lines write."""
_TEXTUALS = re.compile(r"\x1b\](22;[a-z-]+|52;c;[A-Za-z0-9+/]*={0,2})\x07" r"|\x1b\]8;;\x1b\\")
"""The shape of the mouse pointer, a copy that a person asked for, which is base64, and the end
of a link.
"""
_MOST = 3_000
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


_BEGUN = re.compile(r"\x1b(\[[0-9;:?<>=]*)?$")


def escaped(raw: bytes) -> list[str]:
    """Whatever a terminal would obey of these bytes and that no program of ours writes.

    A sequence of which the end has not come yet is left for the next look.
    """
    text = _BEGUN.sub("", raw.decode("utf-8", "surrogateescape"))
    text = _TEXTUALS.sub("", text).replace(MEASURE, "", 1)  # once, at the start
    bare = _CSI.sub(lambda match: "" if _is_ours(match) else match[0], text)
    return [
        f"{bare[max(0, found.start() - 30) : found.end() + 40]!r}"
        for found in re.finditer(f"{_UNSAFE.pattern}|[\ud800-\udfff]", bare)
    ]


def _is_ours(match: re.Match[str]) -> bool:
    parameters, between, final = match.groups()
    form = _OURS.get(final)
    if form is None or between not in ("", "$") or not form.fullmatch(parameters):
        return False
    return all(int(number) < _MOST for number in re.findall("[0-9]+", parameters))


def parsed_as_markup(screen: str, mark: str) -> list[str]:
    """Places where planted markup was obeyed: its word stands there without its brackets."""
    found = []
    for line in screen.split("\n"):
        for match in re.finditer(f"{mark}mk", line):
            before = line[: match.start()]
            if before and not before.endswith(("]", " ", "│", "▌", "…", "┃", "▎", "“")):
                found.append(line.strip())
    return found
