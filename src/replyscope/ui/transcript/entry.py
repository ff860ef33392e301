"""An entry of the transcript: the cells of one message, and the positions of their lines."""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate

from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from replyscope.domain.message import Role
from replyscope.domain.printable import printable_line, printable_text
from replyscope.inspection.explain import Mood
from replyscope.inspection.figures import image_line
from replyscope.ui.markdown.options import DrawingOptions
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.transcript.block_cells import BlockCells, Words
from replyscope.ui.transcript.cells import (
    Cell,
    blank_cell,
    estimate_height,
    line_cell,
    split_cell,
    text_cell,
)
from replyscope.ui.transcript.content import EntryContent
from replyscope.ui.transcript.details import (
    citation_cell,
    distinct,
    mood_style,
    tab_line,
)
from replyscope.ui.transcript.tool_calls import call_cells

_DEFAULT = DrawingOptions()
_MOST_DRAWN = 256
_UNSEEN_HEIGHT = 8


class Entry:
    """The cells of one message. The content is loaded, and the cells are built, when the entry
    is first visible; before, its height is an estimate.
    """

    def __init__(
        self, key: str, make: Callable[[], EntryContent], options: DrawingOptions = _DEFAULT
    ) -> None:
        self.key = key
        """The message's id."""
        self._make = make
        self._content: EntryContent | None = None
        self._options = options
        self.is_unfolded = False
        self._text: BlockCells | None = None
        self._reasoning: BlockCells | None = None
        self._words = Words()
        self._head_count = 0
        self._cells: list[Cell] | None = None
        self._tops: list[int] = [0]
        self._width = 0
        self._palette: Palette | None = None
        self._known_height: int | None = None
        self._drawn: deque[Cell] = deque()

    @property
    def content(self) -> EntryContent:
        """The content of the message, loaded on first use."""
        if self._content is None:
            self._content = self._make()
        return self._content

    def renew(self) -> None:
        """Load the content again, if it was loaded before."""
        if self._content is not None:
            self.update(self._make())

    @property
    def is_foldable(self) -> bool:
        """Whether the entry has parts that fold."""
        return bool(self.content.reasoning or self.content.calls)

    @property
    def is_behind(self) -> bool:
        """Whether the cells show less than the content, because a frame's time was over."""
        content = self._content
        if content is None or self._cells is None or self._text is None:
            return False
        if self._text.length < len(content.text):
            return True
        reasoning = self._reasoning
        is_counted = self._words.length == len(content.reasoning)
        return not is_counted or (
            reasoning is not None and reasoning.length < len(content.reasoning)
        )

    @property
    def parsed(self) -> int:
        """The number of characters parsed for the cells, as a measure of the cost."""
        shown = filter(None, (self._text, self._reasoning))
        return sum(blocks.parsed for blocks in shown)

    def update(self, content: EntryContent) -> None:
        """Replace the content. While a reply streams its text only grows."""
        before, self._content = self.content, content
        if not _goes_on(before, before.text, content.text):
            self._text = None
        if not _goes_on(before, before.reasoning, content.reasoning):
            self._reasoning, self._words = None, Words()
        if before.calls and not content.calls:
            self._cells = None
        if self._text is None:
            self._cells = None
        elif self._cells is not None:
            self.go_on()

    def go_on(self) -> None:
        """Show more of the content, at most the work of one frame."""
        if self._text is not None:
            self._text.grow(self.content.text)
        if self._reasoning is not None:
            self._reasoning.grow(self.content.reasoning)
        self._words.grow(self.content.reasoning)
        self._build()

    def toggle_fold(self) -> None:
        """Unfold or fold reasoning and tool calls."""
        self.is_unfolded = not self.is_unfolded
        self._cells = None

    @property
    def is_source(self) -> bool:
        """Whether the text is shown as it was written."""
        return self._options.is_source

    def toggle_source(self) -> None:
        """Show the text as it was written, or as it is meant."""
        self._options = replace(self._options, is_source=not self.is_source)
        self._cells = self._text = self._reasoning = None

    def forget_diagrams(self) -> bool:
        """Draw the diagrams again when they are next visible. Returns whether there are some."""
        cells = [cell for cell in self._cells or () if cell.has_diagram]
        for cell in cells:
            cell.strips = None
        return bool(cells)

    def release(self) -> None:
        """Release the cells; the height is kept."""
        self._known_height = self.height(self._width) if self._cells is not None else None
        self._cells = None
        self._text = None
        self._reasoning = None

    def lay_out(self, width: int, palette: Palette) -> None:
        """Build the cells for a width and theme, unless they exist."""
        if self._cells is not None and width == self._width and palette is self._palette:
            return
        if width != self._width or palette is not self._palette:
            self._cells = None
            self._known_height = None
        self._width, self._palette = width, palette
        self._build()

    def height(self, width: int) -> int:
        """The height in lines, exact for the cells that were visible."""
        if self._cells is not None and width == self._width:
            return self._tops[-1]
        if self._known_height is not None and width == self._width:
            return self._known_height
        if self._content is None:
            return _UNSEEN_HEIGHT
        return 2 + estimate_height(self._content.text, width) + bool(self._content.notice)

    def locate(self, line: int) -> tuple[int, int]:
        """The cell of a line, and the line within that cell."""
        cell = min(max(0, bisect_right(self._tops, line) - 1), len(self._tops) - 2)
        return cell, line - self._tops[cell]

    def top_of(self, cell: int) -> int:
        """The line where a cell begins."""
        return self._tops[min(cell, len(self._tops) - 1)]

    @property
    def cell_count(self) -> int:
        """The number of cells."""
        return len(self._cells or ())

    def strips(self, cell: int) -> list[Strip]:
        """Return the strips of a cell, drawn if necessary. Drawing may move the lines below it."""
        assert self._cells is not None
        assert self._palette is not None
        drawn = self._cells[cell]
        before = drawn.height
        if drawn.strips is None:
            self._remember(drawn)
        strips = drawn.drawn(self._width, self._palette)
        if len(strips) != before:
            self._retop(cell)
        return strips

    def _remember(self, cell: Cell) -> None:
        """Queue a drawn cell, and release the strips of the oldest one; its height is kept."""
        self._drawn.append(cell)
        if len(self._drawn) > _MOST_DRAWN:
            self._drawn.popleft().strips = None

    def settle(self, first: int, last: int) -> bool:
        """Draw the cells of lines `first` to `last`. Returns whether a height changed."""
        assert self._cells is not None
        changed = False
        cell, _ = self.locate(first)
        while cell < len(self._cells) and self._tops[cell] <= last:
            before = self._cells[cell].height
            changed |= len(self.strips(cell)) != before
            cell += 1
        return changed

    def _retop(self, cell: int) -> None:
        assert self._cells is not None
        heights = (c.height for c in self._cells[cell:])
        self._tops[cell:] = accumulate(heights, initial=self._tops[cell])

    def _build(self) -> None:
        """Build the cells: all, or only the cells that changed since the last time."""
        content, palette = self.content, self._palette
        assert palette is not None
        if self._text is None:
            keeps_breaks = self._options.keeps_breaks or content.role is Role.USER
            self._text = BlockCells(replace(self._options, keeps_breaks=keeps_breaks))
            if content.is_live:
                self._text.grow(content.text)
            else:
                self._text.show(content.text)
        if self._cells is None:
            self._tops = [0]
            for blocks in filter(None, (self._text, self._reasoning)):
                blocks.forget_look()
        head, changed = self._head(palette)
        first_text = self._text.lay_out(self._width)
        if changed is None:
            changed = len(head) + first_text
        self._cells = [*head, *self._text.cells, *self._tail(palette)]
        changed = min(changed, len(self._tops) - 1)
        del self._tops[changed + 1 :]
        self._retop(changed)

    def _head(self, palette: Palette) -> tuple[list[Cell], int | None]:
        """The cells above the text, and the index of the first cell whose height changed."""
        content = self.content
        quiet, changed = self._reasoning_cells(palette)
        cells = [self._header(palette), *quiet]
        for name in content.attachments:
            cells.append(line_cell(Text(f"📎 {name}", palette.muted)))
        if content.lead:
            cells += [*self._call_cells(0, content.lead, palette), blank_cell()]
            changed = 1  # a call that goes on changes its height
        if len(cells) != self._head_count:
            self._head_count, changed = len(cells), 1
        return cells, changed

    def _tail(self, palette: Palette) -> list[Cell]:
        """The cells below the text."""
        content = self.content
        cells: list[Cell] = []
        if content.refusal:
            refusal = Text(printable_text(content.refusal), palette.note)
            cells.append(text_cell(refusal, gap=bool(content.text)))
        cells += self._call_cells(content.lead, len(content.calls), palette)
        for number, image in enumerate(content.images):
            line = Text(f"▣ {printable_line(image_line(image))}", palette.muted)
            cells.append(text_cell(line, gap=number == 0))
        for number, citation in enumerate(distinct(content.citations), start=1):
            cells.append(citation_cell(number, citation, palette, gap=number == 1))
        if content.notice:
            style = palette.bad if content.mood is Mood.BAD else palette.note
            cells.append(text_cell(Text(content.notice, style), gap=bool(content.text)))
        if content.summary:
            cells.append(text_cell(Text(content.summary, palette.muted)))
        return [*cells, blank_cell()]

    def _header(self, palette: Palette) -> Cell:
        content = self.content
        style = palette.you if content.role is Role.USER else palette.model
        left = Text(content.title, style)
        left.append_text(tab_line(content.tabs, palette))
        if self.is_source:
            left.append("  source", palette.muted)
        return split_cell(left, badge(content.word, content.mood, palette))

    def _reasoning_cells(self, palette: Palette) -> tuple[list[Cell], int | None]:
        """The cells of the reasoning, and the index of the first cell that changed."""
        content = self.content
        if not content.reasoning:
            return [], None
        if self._words.length == 0:
            self._words.grow(content.reasoning)
        click = Style(meta={"@click": ("toggle_fold", (content.key,))})
        mark = "▾" if self.is_unfolded else "▸"
        line = Text(f"{mark} reasoning · {self._words.count:,} words", palette.muted + click)
        cells = [line_cell(line)]
        if not self.is_unfolded:
            return cells, None
        if self._reasoning is None:
            self._reasoning = BlockCells(self._options)
            self._reasoning.grow(content.reasoning)
        quiet = self._reasoning
        first = quiet.lay_out(self._width)
        changed = None if first == len(quiet.cells) else 2 + first
        return [*cells, *quiet.cells, blank_cell()], changed

    def _call_cells(self, first: int, last: int, palette: Palette) -> list[Cell]:
        """The cells of some of the calls."""
        click = Style(meta={"@click": ("toggle_fold", (self.content.key,))})
        cells: list[Cell] = []
        for number, call in enumerate(self.content.calls[first:last]):
            is_first = number == 0 and (first > 0 or not self.content.lead)
            gap = is_first or (self.is_unfolded and number > 0)
            cells += call_cells(call, palette, click, gap=gap, is_unfolded=self.is_unfolded)
        return cells


def _goes_on(before: EntryContent, was: str, now: str) -> bool:
    """Whether a text equals or extends the earlier one: while a reply streams it only grows."""
    return (before.is_live and len(now) >= len(was)) or now == was


def badge(word: str, mood: Mood, palette: Palette) -> Text:
    """The finish reason as a coloured word."""
    if not word:
        return Text("")
    return Text(f"● {word}", mood_style(mood, palette))
