"""A view of JSON in colours; objects and arrays fold. Other text is shown line by line."""

from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType

from replyscope.domain.json_text import read_json
from replyscope.inspection.json_lines import JsonLine, Token, json_lines
from replyscope.ui.reading.line_view import LineView, Pieces

_MOST_PARSED = 4_000_000
_STYLES = {
    Token.KEY: "key",
    Token.STRING: "string",
    Token.NUMBER: "number",
    Token.WORD: "word",
    Token.MARK: "muted",
    Token.PLAIN: "",
}


class JsonTree(LineView):
    """Shows a text. Enter or a double click folds the object or array under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "open", "Fold", id="json.fold"),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[JsonLine] = []
        self._folded: set[int] = set()
        self._shown: list[int] = []

    def show_text(self, text: str) -> None:
        """Show another text from its beginning."""
        self._lines = lines_of_text(text)
        self._folded = set()
        self.row = 0
        self._list_shown()
        self.scroll_to(0, 0, animate=False, immediate=True, force=True)

    def _list_shown(self) -> None:
        self._shown = []
        number = 0
        while number < len(self._lines):
            self._shown.append(number)
            end = self._lines[number].end
            number = end + 1 if number in self._folded and end is not None else number + 1
        self.fit_rows()

    @property
    def row_count(self) -> int:
        """The number of lines that no fold hides."""
        return len(self._shown)

    @property
    def widest(self) -> int:
        """The length of the longest line in characters."""
        return 2 + max((cell_len(line.text) for line in self._lines), default=0)

    def pieces_of(self, row: int) -> Pieces:
        """The text of a line, indented."""
        number = self._shown[row]
        line = self._lines[number]
        mark = "  " if line.end is None else "▸ " if number in self._folded else "▾ "
        return [(mark, "muted"), *json_pieces(line, is_folded=number in self._folded)]

    def open_row(self, row: int) -> None:
        """Fold or unfold the object or array of a line."""
        number = self._shown[row]
        if self._lines[number].end is not None:
            self._folded ^= {number}
            self._list_shown()


def lines_of_text(text: str) -> list[JsonLine]:
    """The lines of a text: coloured and foldable if it is JSON."""
    if len(text) <= _MOST_PARSED and text.lstrip()[:1] in ("{", "["):
        try:
            return json_lines(read_json(text))
        except ValueError:
            pass  # not JSON: shown as it is
    return [JsonLine(0, ((line, Token.PLAIN),)) for line in text.split("\n")]


def json_pieces(line: JsonLine, *, is_folded: bool = False) -> Pieces:
    """The styled pieces of a line with its indentation."""
    pieces = [("  " * line.depth, "")]
    pieces += [(text, _STYLES[token]) for text, token in line.pieces]
    return [*pieces, (line.folded, "muted")] if is_folded else pieces
