"""Turns Markdown tables into sentences, line by line while a reply streams. Pure."""

import re

_RULE = re.compile(r"^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
_FENCE = re.compile(r"^\s{0,3}(`{3,}|~{3,})")
SENTENCE_END = re.compile(r"[.!?…:;][)\"'”’]*\s+")
_CELL_END = re.compile(r"(?<!\\)\|")


def cells_of(line: str) -> list[str]:
    """The cells of a table row."""
    inner = line.strip().removeprefix("|")
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    return [cell.strip().replace("\\|", "|") for cell in _CELL_END.split(inner)]


def may_be_row(line: str) -> bool:
    """Whether a line can be a row of a table: it has a bar, at its start or in its first sentence.

    So the beginning of a line decides, however it arrives.
    """
    if line.lstrip().startswith("|"):
        return True
    found = SENTENCE_END.search(line)
    return "|" in (line if found is None else line[: found.start()])


class TableReader:
    """Replaces the rows of tables by sentences; other lines are unchanged.

    A line that can be the head of a table is held until the next line shows whether it is one.
    """

    def __init__(self) -> None:
        self._held: str | None = None
        self._heads: list[str] | None = None
        self._row = 0
        self._fence = ""

    @property
    def is_plain(self) -> bool:
        """Whether the next line cannot belong to a table: it is code, or nothing is held."""
        return bool(self._fence) or (self._held is None and self._heads is None)

    def feed(self, line: str) -> list[str]:
        """The lines to print after a complete line, without its line end."""
        if self._is_code(line):
            return [*self.finish(), line]
        if self._heads is not None:
            if "|" in line:
                self._row += 1
                return [self._sentence(cells_of(line))]
            return [*self.finish(), line]
        held, self._held = self._held, None
        if held is not None and _RULE.match(line) and "-" in line:
            heads = cells_of(held)
            if len(cells_of(line)) == len(heads):
                self._heads, self._row = heads, 0
                return [f"Table with columns: {', '.join(filter(None, heads))}."]
        before = [] if held is None else [held]
        if may_be_row(line):
            self._held = line
            return before
        return [*before, line]

    def _is_code(self, line: str) -> bool:
        """Whether a line is in a fenced code block, or begins or ends one."""
        found = _FENCE.match(line)
        if self._fence:
            if found and found[1].startswith(self._fence) and not line.strip("`~ \t"):
                self._fence = ""
            return True
        if found:
            self._fence = found[1]
        return bool(found)

    def _sentence(self, cells: list[str]) -> str:
        heads = self._heads or []
        named = [
            f"{heads[n]}: {cell}" if n < len(heads) and heads[n] else cell
            for n, cell in enumerate(cells)
            if cell
        ]
        return f"Row {self._row}. {'; '.join(named) or 'empty'}."

    def finish(self) -> list[str]:
        """The lines to print at the end of the text or of the table."""
        if self._heads is not None:
            self._heads = None
            return ["End of table."]
        held, self._held = self._held, None
        return [] if held is None else [held]
