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
from replyscope.inspection.explain import Mood
from replyscope.ui.markdown.options import DrawingOptions
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.transcript.cells import (
    Cell,
    DrawPicture,
    blank_cell,
    estimate_height,
    line_cell,
    picture_cell,
    split_cell,
    text_cell,
)
from replyscope.ui.transcript.content import Attached, EntryContent
from replyscope.ui.transcript.details import (
    citation_cell,
    distinct,
    mood_style,
    tab_line,
)
from replyscope.ui.transcript.part_cells import CellLook
from replyscope.ui.transcript.part_column import PartColumn

_DEFAULT = DrawingOptions()
_MOST_DRAWN = 256
_UNSEEN_HEIGHT = 8


class Entry:
    """The cells of one message. The content is loaded, and the cells are built, when the entry
    is first visible; before, its height is an estimate.
    """

    def __init__(
        self,
        key: str,
        make: Callable[[], EntryContent],
        options: DrawingOptions = _DEFAULT,
        draw_picture: DrawPicture | None = None,
    ) -> None:
        self.key = key
        """The message's id."""
        self._make = make
        self._content: EntryContent | None = None
        self._options = options
        self._draw_picture = draw_picture
        self.is_unfolded = False
        self._parts: PartColumn | None = None
        self._look: CellLook | None = None
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
    def is_live(self) -> bool:
        """Whether the reply still streams, in the content that was loaded last."""
        return self._content is not None and self._content.is_live

    @property
    def is_foldable(self) -> bool:
        """Whether the entry has parts that fold."""
        return bool(self.content.reasoning or self.content.calls)

    @property
    def is_behind(self) -> bool:
        """Whether the cells show less than the content, because a frame's time was over."""
        return self._cells is not None and self._parts is not None and self._parts.is_behind

    @property
    def parsed(self) -> int:
        """The number of characters parsed for the cells, as a measure of the cost."""
        return 0 if self._parts is None else self._parts.parsed

    def update(self, content: EntryContent) -> None:
        """Replace the content. While a reply streams its text only grows."""
        before, self._content = self.content, content
        if self._parts is None:
            return
        self._parts.update(content.parts, only_grows=before.is_live, is_live=content.is_live)
        if self._cells is not None:
            self.go_on()

    def go_on(self) -> None:
        """Show more of the content, at most the work of one frame."""
        if self._parts is not None:
            self._parts.grow()
        self._build()

    def toggle_fold(self) -> None:
        """Unfold or fold reasoning and tool calls."""
        self.is_unfolded = not self.is_unfolded
        self._cells = None

    @property
    def is_source(self) -> bool:
        """Whether the source of the text is shown."""
        return self._options.is_source

    def toggle_source(self) -> None:
        """Show the source of the text, or the drawn text."""
        self._options = replace(self._options, is_source=not self.is_source)
        self._cells = self._parts = None

    def forget_drawings(self) -> bool:
        """Draw diagrams and pictures again when they are next visible. Returns whether there are
        some.
        """
        cells = [cell for cell in self._cells or () if cell.has_drawing]
        for cell in cells:
            cell.strips = None
        return bool(cells)

    def release(self) -> None:
        """Release the cells; the height is kept."""
        self._known_height = self.height(self._width) if self._cells is not None else None
        self._cells = self._parts = None

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
        look = self._current_look()
        if self._parts is None:
            content = self.content
            keeps_breaks = self._options.keeps_breaks or content.role is Role.USER
            options = replace(self._options, keeps_breaks=keeps_breaks)
            self._parts = PartColumn(
                content.parts, options, self._draw_picture, is_live=content.is_live
            )
        if self._cells is None:
            self._tops = [0]
        head = self._head(look.palette)
        parts, first = self._parts.lay_out(look)
        self._cells = [*head, *parts, *self._tail(look.palette)]
        changed = min(len(head) + first, len(self._tops) - 1)
        del self._tops[changed + 1 :]
        self._retop(changed)

    def _current_look(self) -> CellLook:
        assert self._palette is not None
        state = (self._width, self._palette, self.is_unfolded)
        look = self._look
        if look is None or (look.width, look.palette, look.is_unfolded) != state:
            click = Style(meta={"@click": ("toggle_fold", (self.key,))})
            look = self._look = CellLook(*state, click)
        return look

    def _head(self, palette: Palette) -> list[Cell]:
        """The cells above the parts."""
        cells = [self._header(palette)]
        for attached in self.content.attachments:
            cells.append(line_cell(Text(f"📎 {attached.line}", palette.muted)))
            cells += self._picture_cells(attached)
        return cells

    def _tail(self, palette: Palette) -> list[Cell]:
        """The cells below the parts."""
        content = self.content
        cells: list[Cell] = []
        for number, image in enumerate(content.images):
            click = Style(meta={"@click": ("screen.open_link", (image.url,))})
            line = Text(f"▣ {image.line}", palette.muted + click if image.url else palette.muted)
            cells.append(text_cell(line, gap=number == 0))
            cells += self._picture_cells(image)
        for number, citation in enumerate(distinct(content.citations), start=1):
            cells.append(citation_cell(number, citation, palette, gap=number == 1))
        if content.notice:
            style = palette.bad if content.mood is Mood.BAD else palette.note
            cells.append(text_cell(Text(content.notice, style), gap=bool(content.text)))
        if content.summary:
            cells.append(text_cell(Text(content.summary, palette.muted)))
        return [*cells, blank_cell()]

    def _picture_cells(self, attached: Attached) -> list[Cell]:
        if self._draw_picture is None or attached.picture is None or not attached.is_drawn:
            return []
        return [picture_cell(attached.picture, self._draw_picture)]

    def _header(self, palette: Palette) -> Cell:
        content = self.content
        style = palette.you if content.role is Role.USER else palette.model
        left = Text(content.title, style)
        left.append_text(tab_line(content.tabs, palette))
        if content.mark:
            left.append(f"  {content.mark}", palette.note)
        if self.is_source:
            left.append("  source", palette.muted)
        return split_cell(left, badge(content.word, content.mood, palette))


def badge(word: str, mood: Mood, palette: Palette) -> Text:
    """The finish reason as a coloured word."""
    if not word:
        return Text("")
    return Text(f"● {word}", mood_style(mood, palette))
