"""The text that a terminal shows, without styles: as little of a terminal as the programs need.

A program that sends only what changed may send a word in pieces, so a measure looks at the screen.
"""

import codecs
import re

from rich.cells import cell_len

PROBE = "\x1b[5n"
"""A request for the status of the terminal, which every terminal answers."""
ANSWER = "\x1b[0n"
_TOKEN = re.compile(
    r"\x1b\[(?P<mark>[?<>=]?)(?P<numbers>[\d;:]*)(?P<between>[ $!]?)(?P<final>[@-~])"
    r"|\x1b[\]_P^][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|\x1b[78=>M]|\x1b[()].|(?P<control>[\x00-\x1a\x1c-\x1f])|(?P<text>[^\x00-\x1f]+)|\x1b"
)
_WHOLE = re.compile(r"\x1b(?:\[[?<>=]?[\d;:]*[ $!]?|[\]_P^][^\x07\x1b]*\x1b?|[()]?)?\Z")
"""A sequence that is not complete at the end of what was read."""


class TextScreen:
    """The characters of each cell, and which columns were written since `forget`."""

    def __init__(self, columns: int, rows: int) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""
        self._columns = columns
        self._rows: list[list[str]] = [self._blank() for _ in range(rows)]
        self._written: dict[int, tuple[int, int]] = {}
        self._x = self._y = 0
        self._margins = (0, rows)
        self.probes = 0
        """Status requests so far."""

    def _blank(self) -> list[str]:
        return [" "] * self._columns

    def text(self) -> str:
        """The rows of the screen."""
        return "\n".join(map("".join, self._rows))

    def forget(self) -> None:
        """Look only at what is written from now on."""
        self._written.clear()

    def shows(self, wanted: str) -> bool:
        """Whether a text is in a row, and a part of it was written since `forget`."""
        for y, (first, last) in self._written.items():
            cells = self._rows[y]
            line = "".join(cells)
            at = line.find(wanted)
            while at >= 0:
                column = at if len(line) == self._columns else _column(cells, at)
                if column < last and column + len(wanted) > first:
                    return True
                at = line.find(wanted, at + 1)
        return False

    def feed(self, data: bytes) -> None:
        """Draw what a program wrote."""
        text = self._rest + self._decode(data)
        cut = _WHOLE.search(text[-4096:])
        end = len(text) if cut is None else len(text) - len(cut[0])
        self._rest = text[end:] if end > len(text) - 4096 else ""
        for token in _TOKEN.finditer(text, 0, end):
            if token["text"]:
                self._draw(token["text"])
            elif token["final"]:
                if not token["mark"] and not token["between"]:
                    self._control(token["final"], token["numbers"])
            elif token["control"] == "\r":
                self._x = 0
            elif token["control"] == "\n":
                self._feed_line()
            elif token["control"] == "\b":
                self._x = max(0, self._x - 1)

    def _feed_line(self) -> None:
        """Go down a row; the last row of the margins scrolls."""
        top, bottom = self._margins
        if self._y == bottom - 1:
            y, self._y = self._y, top
            self._shift(1)
            self._y = y
        else:
            self._y = min(self._y + 1, len(self._rows) - 1)

    def _draw(self, text: str) -> None:
        cells = list(text) if text.isascii() else _cells(text)
        room = self._columns - self._x
        if len(cells) > room:  # without wrapping, the last column is written again
            cells = [*cells[: room - 1], cells[-1]]
        self._put(self._x, cells)
        self._x = min(self._x + len(cells), self._columns - 1)

    def _put(self, x: int, cells: list[str]) -> None:
        end = x + len(cells)
        self._rows[self._y][x:end] = cells
        first, last = self._written.get(self._y, (x, end))
        self._written[self._y] = (min(first, x), max(last, end))

    def _control(self, final: str, numbers: str) -> None:
        values = [int(one) if one.isdigit() else 0 for one in numbers.split(";")]
        count = max(values[0], 1)
        last = len(self._rows) - 1
        match final:
            case "H":
                self._y = min(count - 1, last)
                self._x = min(max(values[1] if len(values) > 1 else 1, 1), self._columns) - 1
            case "G":
                self._x = min(count, self._columns) - 1
            case "C":
                self._x = min(self._x + count, self._columns - 1)
            case "D":
                self._x = max(self._x - count, 0)
            case "A":
                top = self._margins[0]
                self._y = max(self._y - count, top if self._y >= top else 0)
            case "B":
                bottom = self._margins[1] - 1
                self._y = min(self._y + count, bottom if self._y <= bottom else last)
            case "d":
                self._y = min(count - 1, last)
            case "K":
                first = 0 if values[0] else self._x
                end = self._x + 1 if values[0] == 1 else self._columns
                self._put(first, [" "] * (end - first))
            case "X":
                self._put(self._x, [" "] * min(count, self._columns - self._x))
            case "b":
                before = self._rows[self._y][self._x - 1]
                self._draw(before * count)
            case "J" if values[0] == 2:
                self._rows = [self._blank() for _ in self._rows]
            case "r":
                bottom = values[1] if len(values) > 1 else last + 1
                self._margins, self._x, self._y = (count - 1, bottom), 0, 0
            case "M" | "L":
                self._shift(count if final == "M" else -count)
            case "n" if values == [5]:
                self.probes += 1

    def _shift(self, by: int) -> None:
        top, bottom = self._y, self._margins[1]
        rows = self._rows[top:bottom]
        blanks = [self._blank() for _ in range(min(abs(by), len(rows)))]
        self._rows[top:bottom] = [*rows[by:], *blanks] if by > 0 else [*blanks, *rows[:by]]
        self._written = {
            y - by if top <= y < bottom else y: span
            for y, span in self._written.items()
            if not top <= y < bottom or top <= y - by < bottom
        }


def _cells(text: str) -> list[str]:
    cells: list[str] = []
    for character in text:
        width = cell_len(character)
        if width:
            cells += [character, *[""] * (width - 1)]
        elif cells:
            cells[-1] += character
    return cells


def _column(cells: list[str], at: int) -> int:
    """The column of a place in a row's text."""
    length = 0
    for column, cell in enumerate(cells):
        if length >= at and cell:
            return column
        length += len(cell)
    return len(cells)
