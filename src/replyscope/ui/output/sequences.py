"""Encodes runs of cells as terminal sequences, each in a short form."""

import re
from itertools import groupby
from typing import Protocol

from replyscope.domain.values import dataclass
from replyscope.ui.output.glyphs import BLANK, FILLER, Glyphs
from replyscope.ui.output.pens import Pens
from replyscope.ui.output.rows import ScreenRow

_LEAST_ERASED = 12
"""Fewer blanks than this are not longer than an erase and a move of the cursor."""
_LEAST_REPEATED = 8
_SAME = re.compile(r"(.)\1*", re.DOTALL)
_REPEATED = re.compile(rf"([^\0 ])\1{{{_LEAST_REPEATED - 1},}}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Abilities:
    """The abilities of a terminal: erase with the background of the pen, and repeat (REP)."""

    erases_in_colour: bool = False
    repeats: bool = False


class CellPainter(Protocol):
    """Draws the cells of pictures, where the terminal does not draw them itself."""

    def paint(self, text: str, ansi: str) -> str:
        """The sequence that draws placeholder cells at the cursor and moves it after them; "" if
        it is not known which picture they are of. `ansi` are their SGR codes.
        """


class Sequences:
    """The sequences of one frame. It knows the position and the pen of the terminal, None where
    they are unknown.
    """

    def __init__(
        self,
        glyphs: Glyphs,
        pens: Pens,
        abilities: Abilities,
        width: int,
        pen: str | None,
        painter: CellPainter | None = None,
    ) -> None:
        self._glyphs = glyphs
        self._pens = pens
        self._abilities = abilities
        self._width = width
        self._painter = painter
        self.pen = pen
        self._at: tuple[int, int] | None = None
        self._parts: list[str] = []
        self.size = 0
        """Characters so far."""

    def text(self) -> str:
        """All sequences."""
        return "".join(self._parts)

    def add(self, part: str) -> None:
        """Append a sequence that neither draws nor moves the cursor."""
        self._parts.append(part)
        self.size += len(part)

    def move(self, x: int, y: int) -> None:
        """Move the cursor, by the shortest sequence."""
        if self._at == (x, y):
            return
        forms = [f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H"]
        if self._at is not None and self._at[1] == y:
            by = x - self._at[0]
            if x == 0:
                forms.append("\r")
            elif by == -1:
                forms.append("\x1b[D")
            elif by > 0:
                forms.append("\x1b[C" if by == 1 else f"\x1b[{by}C")
            forms.append(f"\x1b[{x + 1}G")
        self.add(min(forms, key=len))
        self._at = (x, y)

    def scroll(self, top: int, bottom: int, by: int) -> str:
        """Move rows `top` to before `bottom` up, or down where `by` is negative. Returns the pen of
        the blank rows.

        Lines are deleted or inserted, because SU and SD are newer: the Linux console has none.
        """
        self.set_pen(self._pens.blank(self.pen) if self.pen is not None else self._pens.pen(""))
        assert self.pen is not None
        count = "" if abs(by) == 1 else str(abs(by))
        self.add(f"\x1b[{top + 1};{bottom}r\x1b[{top + 1}H\x1b[{count}{'M' if by > 0 else 'L'}")
        self.add("\x1b[r")
        self._at = None
        return self.pen if self._abilities.erases_in_colour else self._pens.pen("")

    def set_pen(self, pen: str) -> None:
        """Change the pen."""
        self.add(self._pens.change(self.pen, pen))
        self.pen = pen

    def run(self, y: int, start: int, end: int, row: ScreenRow) -> None:
        """Draw the columns of a row."""
        self.move(start, y)
        for first, last, pen in self._groups(start, end, row):
            cells = row.cells[first:last]
            is_blank = not cells.strip(BLANK)
            if is_blank and self.pen is not None:
                is_seen = self._pens.blank(self.pen) != self._pens.blank(pen)
            else:
                is_seen = True
            if is_seen:
                self.set_pen(pen)
            if not (is_blank and self._erased(y, first, last, end, row)):
                self.move(first, y)
                self._draw(first, y, cells)

    def _groups(self, start: int, end: int, row: ScreenRow) -> list[tuple[int, int, str]]:
        """Ranges of one pen. Blanks join what follows, where that looks the same."""
        groups = [
            (start + found.start(), start + found.end(), found[1])
            for found in _SAME.finditer(row.pens[start:end])
        ]
        joined: list[tuple[int, int, str]] = []
        for first, last, pen in reversed(groups):
            if joined and not row.cells[first:last].strip(BLANK):
                _, after, next_pen = joined[-1]
                if self._pens.blank(next_pen) == self._pens.blank(pen):
                    joined[-1] = (first, after, next_pen)
                    continue
            joined.append((first, last, pen))
        return joined[::-1]

    def _erased(self, y: int, first: int, last: int, end: int, row: ScreenRow) -> bool:
        """Erase blanks, if the terminal can and that is shorter."""
        assert self.pen is not None
        if not (self._abilities.erases_in_colour and self._pens.erases(self.pen)):
            return False
        if last == end and last - first >= 3 and self._is_blank_to_end(last, row):
            self.move(first, y)
            self.add("\x1b[K")
            return True
        if last - first < _LEAST_ERASED:
            return False
        self.move(first, y)
        self.add(f"\x1b[{last - first}X")
        return True

    def _is_blank_to_end(self, first: int, row: ScreenRow) -> bool:
        assert self.pen is not None
        blank = self._pens.blank(self.pen)
        pens = set(row.pens[first:])
        return not row.cells[first:].strip(BLANK) and all(
            self._pens.blank(pen) == blank for pen in pens
        )

    def _draw(self, x: int, y: int, cells: str) -> None:
        if self._painter is None or not self._glyphs.has_picture(cells):
            self._write(x, y, cells)
            return
        for is_picture, group in groupby(cells, self._glyphs.pictured.__contains__):
            part = "".join(group)
            (self._paint if is_picture else self._write)(x, y, part)
            x += len(part)

    def _paint(self, x: int, y: int, cells: str) -> None:
        """Draw cells of a picture over blanks, which remove the pixels that are there."""
        assert self._painter is not None
        assert self.pen is not None
        self.move(x, y)
        self.add(BLANK * len(cells))
        self._at = None
        painted = self._painter.paint(self._glyphs.text(cells), self._pens.codes(self.pen))
        if painted:
            self.move(x, y)
            self.add(painted)
            self._at = None

    def _write(self, x: int, y: int, cells: str) -> None:
        begin = 0
        for place in self._glyphs.unsure_places(cells):
            self._plain(x + begin, y, cells[begin:place])
            width = 2 if cells[place + 1 : place + 2] == FILLER else 1
            self._unsure(x + place, y, cells[place : place + width])
            begin = place + width
        self._plain(x + begin, y, cells[begin:])

    def _unsure(self, x: int, y: int, cells: str) -> None:
        """Draw a character that may get another width: blanks below it, and a certain position
        after it.
        """
        self.move(x, y)
        if len(cells) > 1:
            self.add(BLANK * len(cells))
            self._at = None if x + len(cells) >= self._width else (x + len(cells), y)
            self.move(x, y)
        self.add(self._glyphs.text(cells))
        self._at = None

    def _plain(self, x: int, y: int, cells: str) -> None:
        if not cells:
            return
        self.move(x, y)
        text = self._glyphs.text(cells)
        if self._abilities.repeats:
            text = _REPEATED.sub(lambda same: f"{same[1]}\x1b[{len(same[0]) - 1}b", text)
        self.add(text)
        # After the last column terminals do not agree where the cursor is.
        self._at = (x + len(cells), y) if x + len(cells) < self._width else None
