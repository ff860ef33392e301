"""Cells as strings with one character for each cell, so that rows are compared at C speed.

A grapheme cluster of several code points gets a code of plane 16. The second cell of a wide
character is `FILLER`.
"""

import re

from rich.cells import split_graphemes

from replyscope.domain.printable import PLACEHOLDER

FILLER = "\0"
UNKNOWN = "\1"
"""A cell whose content on the terminal is unknown. It differs from every wanted cell."""
BLANK = " "
_FIRST_CODE = 0x100000
_MOST_CODES = 60_000
_MOST_CACHED = 2_000
_SINGLE = re.compile(
    "[\x20-\x7e\xa0-\xac\xae-\u02ff\u0370-\u0482\u2010-\u2027\u2500-\u25fc\u2800-\u28ff]*"
).fullmatch
_CODE = re.compile("[\U00100000-\U0010ffff\0]")
_UNSURE = re.compile("[\U0001f000-\U000fffff]")


class GlyphsFull(Exception):
    """There are more different clusters than codes."""


class Glyphs:
    """The codes of clusters, in both directions."""

    def __init__(self) -> None:
        self._codes: dict[str, str] = {}
        self._clusters: dict[str, str] = {FILLER: ""}
        self._cells: dict[str, str] = {}
        self.unsure: set[str] = set()
        """The codes of clusters that some terminals draw in another width than Rich computes."""
        self.pictured: set[str] = set()
        """The codes of cells of pictures."""

    def cells(self, text: str) -> str:
        """A text as cells. Characters of no width at its start are left out.

        Raises GlyphsFull.
        """
        if text.isascii() or _SINGLE(text):
            return text
        found = self._cells.get(text)
        if found is None:
            if len(self._cells) >= _MOST_CACHED:
                self._cells.clear()
            found = self._cells[text] = self._split(text)
        return found

    def _split(self, text: str) -> str:
        spans, _ = split_graphemes(text)
        cells = []
        for start, end, width in spans:
            if width:
                cluster = text[start:end]
                is_plain = len(cluster) == 1 and ord(cluster) < _FIRST_CODE
                cells.append(cluster if is_plain else self._code(cluster))
                cells.append(FILLER * (width - 1))
        return "".join(cells)

    def _code(self, cluster: str) -> str:
        code = self._codes.get(cluster)
        if code is None:
            if len(self._codes) >= _MOST_CODES:
                raise GlyphsFull
            code = chr(_FIRST_CODE + len(self._codes))
            self._codes[cluster] = code
            self._clusters[code] = cluster
            (self.pictured if cluster.startswith(PLACEHOLDER) else self.unsure).add(code)
        return code

    def text(self, cells: str) -> str:
        """The text that draws these cells."""
        if cells.isascii() and FILLER not in cells:
            return cells
        return _CODE.sub(lambda code: self._clusters[code[0]], cells)

    def has_picture(self, cells: str) -> bool:
        """Whether some of the cells are of a picture."""
        return bool(self.pictured) and not self.pictured.isdisjoint(cells)

    def unsure_places(self, cells: str) -> list[int]:
        """The columns of cells whose width differs between terminals: emoji and clusters."""
        if cells.isascii():
            return []
        places = [found.start() for found in _UNSURE.finditer(cells)]
        if self.unsure:
            places += [at for at, code in enumerate(cells) if code in self.unsure]
        return sorted(places)
