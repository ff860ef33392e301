"""Pens: the styles of cells as numbers, and the shortest sequence from one to another."""

import sys
from collections.abc import Iterable

from replyscope.domain.values import dataclass

_OFF = {
    "1": "22",
    "2": "22",
    "3": "23",
    "4": "24",
    "21": "24",
    "5": "25",
    "6": "25",
    "7": "27",
    "8": "28",
    "9": "29",
    "51": "54",
    "52": "54",
    "53": "55",
}
"""The code that ends each attribute."""
_SEEN_ON_BLANK = {"4", "7", "9", "21", "51", "52", "53"}
_ROOM = 4_000
"""New pens before those that are not on the screen are dropped. A picture drawn with blocks has a
pen for each cell, and each rendering of a link has one of its own."""
_MOST_CHANGES = 4_000
PLAIN = "\0"
"""The pen of a terminal after a reset."""


class PensFull(Exception):
    """There is no room for another pen. `Pens.kept` makes some."""


@dataclass(frozen=True, slots=True)
class Pen:
    """A style as SGR codes; `link` is the parameters and target of a hyperlink (OSC 8)."""

    attributes: tuple[str, ...] = ()
    colour: str = ""
    background: str = ""
    link: str = ""

    @property
    def codes(self) -> list[str]:
        """All codes, to be sent after a reset."""
        return [*self.attributes, *filter(None, (self.colour, self.background))]


def parse_pen(ansi: str, link: str = "") -> Pen:
    """The pen of SGR codes."""
    attributes: list[str] = []
    colour = background = ""
    codes = ansi.split(";") if ansi else []
    at = 0
    while at < len(codes):
        code = codes[at]
        if code in ("38", "48"):
            length = 5 if codes[at + 1 : at + 2] == ["2"] else 3
            whole = ";".join(codes[at : at + length])
            at += length
        else:
            whole = code
            at += 1
        if code in _OFF:
            attributes.append(code)
        elif code.startswith(("4", "10")):
            background = "" if code == "49" else whole
        else:
            colour = "" if code == "39" else whole
    return Pen(tuple(attributes), colour, background, link)


class Pens:
    """The pens seen lately. Each is a character, so that rows of them are strings.

    `room` is the number of new pens after which they are full.
    """

    def __init__(self, room: int = _ROOM) -> None:
        self._most = room
        self._keys: dict[tuple[str, str], str] = {}
        self._pens: list[Pen] = []
        self._of: dict[Pen, str] = {}
        self._blanks: list[str | None] = []
        self._changes: dict[tuple[str, str], str] = {}
        self.pen("")

    def __len__(self) -> int:
        return len(self._pens)

    def kept(self, used: Iterable[str], room: int = 0) -> tuple["Pens", dict[int, str]]:
        """Pens with only those that are used, and room for at least that many others. Returns
        also the new characters by the old ones, for `str.translate`.
        """
        pens = Pens()
        pens._most = sys.maxsize
        moved = {ord(pen): pens._number(self._pens[ord(pen)]) for pen in used}
        pens._most = len(pens._pens) + max(room, _ROOM)
        return pens, moved

    def pen(self, ansi: str, link: str = "") -> str:
        """The pen of SGR codes and a link. Raises PensFull."""
        found = self._keys.get((ansi, link))
        if found is None:
            if len(self._keys) >= self._most:
                raise PensFull
            found = self._keys[ansi, link] = self._number(parse_pen(ansi, link))
        return found

    def _number(self, pen: Pen) -> str:
        found = self._of.get(pen)
        if found is not None:
            return found
        if len(self._pens) >= self._most:
            raise PensFull
        number = self._of[pen] = chr(len(self._pens))
        self._pens.append(pen)
        self._blanks.append(None)
        if pen.link or _SEEN_ON_BLANK.intersection(pen.attributes):
            self._blanks[ord(number)] = number
        else:
            self._blanks[ord(number)] = self._number(Pen(background=pen.background))
        return number

    def blank(self, pen: str) -> str:
        """The simplest pen that draws the same blank. Blanks of pens with the same one look the
        same.
        """
        found = self._blanks[ord(pen)]
        assert found is not None
        return found

    def codes(self, pen: str) -> str:
        """The SGR codes of a pen."""
        return ";".join(self._pens[ord(pen)].codes)

    def erases(self, pen: str) -> bool:
        """Whether an erased cell looks like a blank of this pen: it has a background only."""
        number = self._pens[ord(self.blank(pen))]
        return not (number.attributes or number.link)

    def change(self, old: str | None, new: str) -> str:
        """The shortest sequence that changes the pen; an `old` of None is unknown."""
        if old == new:
            return ""
        if old is None:
            pen = self._pens[ord(new)]
            return f"\x1b]8;;\x1b\\{_reset(pen)}{_link(pen)}"
        found = self._changes.get((old, new))
        if found is None:
            if len(self._changes) >= _MOST_CHANGES:
                self._changes.clear()
            found = _change(self._pens[ord(old)], self._pens[ord(new)])
            self._changes[old, new] = found
        return found


def _link(pen: Pen) -> str:
    return f"\x1b]8;{pen.link}\x1b\\" if pen.link else ""


def _reset(pen: Pen) -> str:
    codes = pen.codes
    return f"\x1b[0;{';'.join(codes)}m" if codes else "\x1b[m"


def _change(old: Pen, new: Pen) -> str:
    link = ""
    if old.link != new.link:
        link = _link(new) or "\x1b]8;;\x1b\\"
    ended = dict.fromkeys(_OFF[code] for code in old.attributes if code not in new.attributes)
    codes = list(ended)
    # One code may end two attributes, such as bold and dim.
    codes += [code for code in new.attributes if code not in old.attributes or _OFF[code] in ended]
    if old.colour != new.colour:
        codes.append(new.colour or "39")
    if old.background != new.background:
        codes.append(new.background or "49")
    if not codes:
        return link
    changed = f"\x1b[{';'.join(codes)}m"
    return link + min(changed, _reset(new), key=len)
