"""A column of the parts of an entry, in the order of their arrival."""

from collections.abc import Sequence

from replyscope.inspection.reply_parts import ReplyPart
from replyscope.ui.markdown.options import EFFORT, DrawingOptions
from replyscope.ui.transcript.cells import Cell, DrawPicture, blank_cell
from replyscope.ui.transcript.part_cells import CellLook, PartCells, part_cells


class PartColumn:
    """The cells of all parts. Parts that did not change keep their cells."""

    def __init__(
        self,
        parts: Sequence[ReplyPart],
        options: DrawingOptions,
        draw_picture: DrawPicture | None = None,
        *,
        is_live: bool,
    ) -> None:
        self._options = options
        self._draw_picture = draw_picture
        self._parts = [self._cells_of(part, is_live=is_live) for part in parts]
        self._shape: list[int] = []
        self._gap = blank_cell()
        self.grow()

    @property
    def is_behind(self) -> bool:
        """Whether the cells show less than the parts, because a frame's time was over."""
        return any(part.is_behind for part in self._parts)

    @property
    def parsed(self) -> int:
        """The number of characters parsed for the cells, as a measure of the cost."""
        return sum(part.parsed for part in self._parts)

    def update(self, parts: Sequence[ReplyPart], *, only_grows: bool, is_live: bool) -> None:
        """Replace the parts. While a reply streams they only grow, and others follow."""
        del self._parts[len(parts) :]
        for number, part in enumerate(parts):
            known = self._parts[number] if number < len(self._parts) else None
            if known is None or not known.update(part, only_grows=only_grows):
                self._parts[number : number + 1] = [self._cells_of(part, is_live=is_live)]
                self._shape = self._shape[:number]

    def _cells_of(self, part: ReplyPart, *, is_live: bool) -> PartCells:
        return part_cells(part, self._options, self._draw_picture, is_live=is_live)

    def grow(self) -> None:
        """Parse more of the parts, at most the work of one frame and the end of a part."""
        spent = 0
        for part in self._parts:
            if part.is_behind and spent < EFFORT:
                before = part.parsed
                part.grow()
                spent += part.parsed - before

    def lay_out(self, look: CellLook) -> tuple[list[Cell], int]:
        """The cells, and the index of the first one whose height may have changed."""
        cells: list[Cell] = []
        changed: int | None = None
        shape: list[int] = []
        before: PartCells | None = None
        for number, part in enumerate(self._parts):
            start = len(cells)
            first = part.lay_out(look)
            if part.needs_gap(before, look):
                cells.append(self._gap)
            first += len(cells)
            cells += part.cells
            shape.append(len(cells) - start)
            is_known = number < len(self._shape) and self._shape[number] == shape[number]
            if changed is None and not (is_known and first == len(cells)):
                changed = first if number < len(self._shape) else start
            before = part
        self._shape = shape
        return cells, len(cells) if changed is None else changed
