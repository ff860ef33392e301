"""The cells of the parts of an entry: passages of text and reasoning, refusals, tool calls.

Each part caches its cells: while a reply streams, only the parts that changed are built again.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from replyscope.domain.exchange import RunKind, ToolCall
from replyscope.domain.printable import printable_text
from replyscope.inspection.reply_parts import Passage, ReplyPart
from replyscope.ui.markdown.options import DrawingOptions
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.transcript.block_cells import BlockCells, Words
from replyscope.ui.transcript.cells import (
    Cell,
    DrawPicture,
    estimate_height,
    line_cell,
    text_cell,
)
from replyscope.ui.transcript.tool_calls import call_cells

_PIECE = 4_096
"""The most characters of plain text in one cell."""


@dataclass(frozen=True, slots=True, eq=False)
class CellLook:
    """The style of cells, on which they depend besides their content. It is compared by identity.
    `fold` is the style of a line that folds at a click.
    """

    width: int
    palette: Palette
    is_unfolded: bool
    fold: Style


class PartCells(ABC):
    """A cache of the cells of one part."""

    def __init__(self) -> None:
        self.cells: list[Cell] = []
        """The cells, after the last `lay_out`."""
        self._look: CellLook | None = None

    @property
    def is_behind(self) -> bool:
        """Whether the cells show less than the part, because a frame's time was over."""
        return False

    @property
    def parsed(self) -> int:
        """The number of characters parsed for the cells, as a measure of the cost."""
        return 0

    @abstractmethod
    def update(self, part: ReplyPart, *, only_grows: bool) -> bool:
        """Replace the part by a newer version. Returns False for another part."""

    @abstractmethod
    def lay_out(self, look: CellLook) -> int:
        """Update the cells. Returns the index of the first cell whose height may have changed."""

    @property
    def is_one_line(self) -> bool:
        """Whether a passage of text follows without a blank line."""
        return False

    def needs_gap(self, before: "PartCells | None", look: CellLook) -> bool:
        """Whether a blank line is above the part. `before` is laid out."""
        del look
        return before is not None

    def grow(self) -> None:
        """Parse more of the part, at most the work of one frame."""
        assert not self.is_behind  # parts that parse nothing are complete


class TextCells(PartCells):
    """The cells of a passage of text, one for each Markdown block."""

    def __init__(
        self,
        text: str,
        options: DrawingOptions,
        draw_picture: DrawPicture | None,
        *,
        is_live: bool,
    ) -> None:
        super().__init__()
        self._text = text
        self._blocks = BlockCells(options, draw_picture)
        if not is_live:
            self._blocks.show(text)

    @property
    def is_behind(self) -> bool:
        """Whether the end of the text is not parsed yet."""
        return self._blocks.length < len(self._text)

    @property
    def parsed(self) -> int:
        """The number of characters parsed."""
        return self._blocks.parsed

    def update(self, part: ReplyPart, *, only_grows: bool) -> bool:
        """Replace the text by one that equals or extends it."""
        before, self._text = self._text, _text_of(part, RunKind.TEXT)
        return _goes_on(before, self._text, only_grows=only_grows)

    def grow(self) -> None:
        """Parse more of the text."""
        self._blocks.grow(self._text)

    def needs_gap(self, before: PartCells | None, look: CellLook) -> bool:
        """The folded line of the reasoning is directly above the text."""
        del look
        return before is not None and not before.is_one_line

    def lay_out(self, look: CellLook) -> int:
        """Update the cells."""
        if look is not self._look:
            self._look = look
            self._blocks.forget_look()
        first = self._blocks.lay_out(look.width)
        self.cells = self._blocks.cells
        return first


class ReasoningCells(PartCells):
    """The cells of a passage of reasoning: a line, and unfolded its blocks."""

    def __init__(
        self, text: str, options: DrawingOptions, draw_picture: DrawPicture | None
    ) -> None:
        super().__init__()
        self._text = text
        self._options = options
        self._draw_picture = draw_picture
        self._words = Words()
        self._blocks: TextCells | None = None

    @property
    def is_behind(self) -> bool:
        """Whether words are not counted, or the end of the text is not parsed yet."""
        is_counted = self._words.length == len(self._text)
        return not is_counted or (self._blocks is not None and self._blocks.is_behind)

    @property
    def parsed(self) -> int:
        """The number of characters parsed."""
        return 0 if self._blocks is None else self._blocks.parsed

    def update(self, part: ReplyPart, *, only_grows: bool) -> bool:
        """Replace the text by one that equals or extends it."""
        before, self._text = self._text, _text_of(part, RunKind.REASONING)
        if self._blocks is not None:
            self._blocks.update(Passage(RunKind.TEXT, self._text), only_grows=only_grows)
        return _goes_on(before, self._text, only_grows=only_grows)

    def grow(self) -> None:
        """Count and parse more of the text."""
        self._words.grow(self._text)
        if self._blocks is not None:
            self._blocks.grow()

    @property
    def is_one_line(self) -> bool:
        """Whether it is folded."""
        return len(self.cells) == 1

    def lay_out(self, look: CellLook) -> int:
        """Update the cells. The height of the first one never changes."""
        mark = "▾" if look.is_unfolded else "▸"
        words = f"{mark} reasoning · {self._words.count:,} words"
        line = line_cell(Text(words, look.palette.muted + look.fold))
        self.cells = [line]
        if not look.is_unfolded:
            return 1
        if self._blocks is None:
            self._blocks = TextCells(self._text, self._options, self._draw_picture, is_live=True)
            self._blocks.grow()
        first = self._blocks.lay_out(look)
        self.cells = [line, *self._blocks.cells]
        return 1 + first


class RefusalCells(PartCells):
    """The cells of a refusal, one for each few thousand characters: only the last one changes
    while it streams, and only the visible ones are drawn.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text
        self._closed = 0
        """The number of characters in all cells except the last."""
        self._shown = 0

    def update(self, part: ReplyPart, *, only_grows: bool) -> bool:
        """Replace the text by one that equals or extends it."""
        before, self._text = self._text, _text_of(part, RunKind.REFUSAL)
        return _goes_on(before, self._text, only_grows=only_grows)

    def lay_out(self, look: CellLook) -> int:
        """Build the last cell again, and the cells of new text."""
        if look is not self._look:
            self._look, self.cells, self._closed = look, [], 0
        elif self._shown == len(self._text):
            return len(self.cells)
        first = max(0, len(self.cells) - 1)
        del self.cells[first:]
        while True:
            end = _end_of_piece(self._text, self._closed)
            text = Text(printable_text(self._text[self._closed : end]), look.palette.note)
            text.rstrip()
            self.cells.append(text_cell(text, estimate=estimate_height(text.plain, look.width)))
            if end == len(self._text):
                self._shown = end
                return first
            self._closed = end


def _end_of_piece(text: str, start: int) -> int:
    """The end of a piece: at a line break or space if there is one."""
    end = start + _PIECE
    if end >= len(text):
        return len(text)
    found = max(text.rfind("\n", start, end), text.rfind(" ", start, end))
    return end if found < start else found + 1


class CallCells(PartCells):
    """The cells of a tool call."""

    def __init__(self, call: ToolCall) -> None:
        super().__init__()
        self._call = call
        self._drawn: ToolCall | None = None

    def update(self, part: ReplyPart, *, only_grows: bool) -> bool:
        """Replace the call by any other."""
        del only_grows
        if isinstance(part, ToolCall):
            self._call = part
        return isinstance(part, ToolCall)

    def needs_gap(self, before: PartCells | None, look: CellLook) -> bool:
        """The lines of calls follow each other; the first one has a blank line above."""
        return look.is_unfolded or not isinstance(before, CallCells)

    def lay_out(self, look: CellLook) -> int:
        """Build the cells again if the call changed."""
        if look is self._look and self._call == self._drawn:
            return len(self.cells)
        self._look, self._drawn = look, self._call
        self.cells = call_cells(self._call, look.palette, look.fold, is_unfolded=look.is_unfolded)
        return 0


def part_cells(
    part: ReplyPart,
    options: DrawingOptions,
    draw_picture: DrawPicture | None = None,
    *,
    is_live: bool,
) -> PartCells:
    """The cache of a part. Text is parsed at once, or by `grow` while its reply streams."""
    if isinstance(part, ToolCall):
        return CallCells(part)
    if part.kind is RunKind.REASONING:
        return ReasoningCells(part.text, options, draw_picture)
    if part.kind is RunKind.REFUSAL:
        return RefusalCells(part.text)
    return TextCells(part.markdown, options, draw_picture, is_live=is_live)


def _text_of(part: ReplyPart, kind: RunKind) -> str:
    """The text of a passage of a kind; empty for any other part."""
    return part.markdown if isinstance(part, Passage) and part.kind is kind else ""


def _goes_on(before: str, now: str, *, only_grows: bool) -> bool:
    """Whether a text equals or extends the earlier one."""
    return now == before or (only_grows and len(now) > len(before))
