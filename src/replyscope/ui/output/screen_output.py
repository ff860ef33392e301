"""The output of a full-screen app: keeps the wanted and the sent screen, and sends differences.

Frames are never queued. While the writer or the line is busy, only the wanted screen changes;
its newest state is compared with the sent one when there is room. On a slow line a frame may be a
part of the differences: the rows at the cursor first.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from replyscope.domain.values import dataclass
from replyscope.ui.output.glyphs import Glyphs, GlyphsFull
from replyscope.ui.output.line_pace import LEAST_ROOM, PROBE, LinePace
from replyscope.ui.output.pens import Pens, PensFull
from replyscope.ui.output.rows import ScreenRow, blank_row, changed_runs, replaced, unknown_row
from replyscope.ui.output.scrolling import find_scroll, scrolled
from replyscope.ui.output.sequences import Abilities, CellPainter, Sequences

_BEGIN_SYNC = "\x1b[?2026h"
_END_SYNC = "\x1b[?2026l"
_LEAST_STATE, _LONGEST_STATE = 3, 30
"""Cells of a few words. Fewer are of borders and scroll bars."""
_LEAST_SYNCED = 200
"""A shorter frame is drawn at once by every terminal."""

Segment = tuple[str, str, str]
"""Text, SGR codes and link."""


@dataclass(frozen=True, slots=True)
class PlacedSegments:
    """Segments of a line that belong at a column. `key` is an object of which the segments are
    a constant property; it is compared by identity.
    """

    x: int
    y: int
    key: object
    segments: Callable[[], Iterable[Segment]]


class TerminalWriter(Protocol):
    """The driver of the terminal."""

    @property
    def is_writing(self) -> bool:
        """Whether the terminal has not taken all writes."""

    def write(self, data: str) -> None:
        """Write text. It is not called while `is_writing`."""

    def retry_later(self, delay_s: float) -> None:
        """Call `flush` after a while, if nothing else does."""

    def repaint(self) -> None:
        """Show the whole screen again: the output has lost a part."""

    def now_s(self) -> float:
        """A monotonic clock, in seconds."""


class ScreenOutput:
    """The wanted screen and the sent screen of one terminal.

    Where `is_waiting`, the driver calls `flush` when the terminal has taken a write, and when
    it has answered a probe.
    """

    def __init__(self, writer: TerminalWriter, abilities: Abilities) -> None:
        self._writer = writer
        self._abilities = abilities
        self.painter: CellPainter | None = None
        """Draws the cells of pictures; None where the terminal does."""
        self.is_waiting = False
        """Whether differences wait for the terminal. Other threads read this."""
        self._is_suspended = False
        self.pace = LinePace()
        self._width = self._height = 0
        self._cursor = (0, 0)
        self._sent_cursor: tuple[int, int] | None = None
        self._pen: str | None = None
        self._next = 0
        """The row at which the next frame begins."""
        self._wanted: list[ScreenRow] = []
        self._sent: list[ScreenRow] = []
        self._placed: list[dict[int, tuple[object, int]]] = []
        """For each row the column, the key and the end of what was shown last."""
        self._glyphs = Glyphs()
        self._pens = Pens()
        self._is_synced = False
        self._rows: dict[int, tuple[object, ScreenRow]] = {}
        self._older_rows: dict[int, tuple[object, ScreenRow]] = {}

    def show(
        self,
        pieces: Iterable[PlacedSegments],
        size: tuple[int, int],
        cursor: tuple[int, int],
        *,
        is_synced: bool,
    ) -> None:
        """Replace parts of the wanted screen, and send what there is room for.

        `is_synced` says that the terminal knows synchronized output.
        """
        if size != (self._width, self._height):
            self._resize(*size)
        self._cursor = cursor
        self._is_synced = is_synced
        for piece in pieces:
            if 0 <= piece.y < self._height:
                self._want(piece)
        self.flush()

    def forget(self) -> None:
        """Draw everything again: what the terminal shows is no longer known."""
        self._sent = [unknown_row(self._width)] * self._height
        self._pen = self._sent_cursor = None

    def probe(self) -> None:
        """Ask the terminal for an answer, when nothing else is on the way."""
        self.pace.probed(self._writer.now_s())
        self._writer.write(PROBE)

    def suspend(self) -> None:
        """Send nothing until `resume`: another program gets the terminal."""
        self._is_suspended = True

    def resume(self) -> None:
        """Send again, beginning with the whole screen."""
        self._is_suspended = False
        self.pace.forget()
        self.forget()

    @property
    def _differs(self) -> bool:
        return self._wanted != self._sent or self._cursor != self._sent_cursor

    def flush(self) -> None:
        """Send differences, if there is room."""
        if self._is_suspended:
            return
        # Before the check: the writer may end in between, and then looks at it.
        self.is_waiting = self._differs
        if not self.is_waiting or self._writer.is_writing:
            return
        now_s = self._writer.now_s()
        room = self.pace.room(now_s)
        only_cursor = room < LEAST_ROOM or self.pace.is_resting(now_s)
        if only_cursor:
            room = self.pace.room_for_keys(now_s)
        if room >= LEAST_ROOM:
            frame = self._frame(room, only_cursor=only_cursor)
            if frame:
                self._send(frame)
                if not only_cursor:
                    self.pace.rest(now_s)
            self.is_waiting = self._differs
        if self.is_waiting:
            self._writer.retry_later(self.pace.wait_s(now_s))

    def _send(self, frame: str) -> None:
        if self._is_synced and len(frame) >= _LEAST_SYNCED:
            frame = f"{_BEGIN_SYNC}{frame}{_END_SYNC}"
        count = len(frame) if frame.isascii() else len(frame.encode("utf-8", "replace"))
        if self.pace.sent(count, self._writer.now_s()):
            frame += PROBE
        self._writer.write(frame)

    def _frame(self, room: int, *, only_cursor: bool) -> str:
        """The sequences for the differences, at most for `room`: rows at the cursor first, then
        rows from the end of the last frame on, or short runs after a command key.
        """
        out = Sequences(
            self._glyphs, self._pens, self._abilities, self._width, self._pen, self.painter
        )
        if self._pen is None:
            out.add("\x1b[r")  # all rows scroll, whatever another program has set
        changed = self._changed()
        is_still = only_cursor or self._shows_pixels
        scroll = None if is_still else find_scroll(self._sent, self._wanted, changed)
        if scroll is not None:
            pen = out.scroll(scroll.top, scroll.bottom, scroll.by)
            self._sent = scrolled(self._sent, scroll, pen)
            changed = self._changed()
        near = [y for y in changed if abs(y - self._cursor[1]) <= 1]
        far = [] if only_cursor else [y for y in changed if y not in near]
        self._draw_rows(out, near, room)
        if far and self.pace.is_hurried(self._writer.now_s()):
            self._draw_short_runs(out, far, room)
        far.sort(key=lambda y: (y - self._next) % self._height)
        self._draw_rows(out, far, room)
        if out.size or self._sent_cursor != self._cursor:
            out.move(*self._cursor)
            self._sent_cursor = self._cursor
        self._pen = out.pen
        return out.text()

    def _draw_rows(self, out: Sequences, rows: Iterable[int], room: int) -> None:
        """Draw the differences of rows, while there is room."""
        for y in rows:
            if out.size >= room:
                self._next = y
                return
            row = self._wanted[y]
            for start, end in changed_runs(self._sent[y], row, self._glyphs):
                out.run(y, start, end, row)
            self._sent[y] = row

    def _draw_short_runs(self, out: Sequences, rows: Iterable[int], room: int) -> None:
        """Draw the short differences of rows, the shortest first: a state is a few words, and on
        a slow line the long lines of a text would delay it.
        """
        runs = [
            (end - start, y, start, end)
            for y in rows
            for start, end in changed_runs(self._sent[y], self._wanted[y], self._glyphs)
            if _LEAST_STATE <= end - start <= _LONGEST_STATE
        ]
        for _, y, start, end in sorted(runs):
            if out.size >= room:
                return
            row = self._wanted[y]
            out.run(y, start, end, row)
            self._sent[y] = replaced(
                self._sent[y], start, row.cells[start:end], row.pens[start:end]
            )

    @property
    def _shows_pixels(self) -> bool:
        """Whether there are pixels on the terminal. Some leave them where they are when lines
        are deleted.
        """
        return self.painter is not None and any(
            self._glyphs.has_picture(row.cells) for row in self._sent
        )

    def _changed(self) -> list[int]:
        return [y for y, row in enumerate(self._wanted) if row is not self._sent[y] != row]

    def _resize(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._want_blanks()
        self.forget()

    def _want_blanks(self) -> None:
        self._wanted = [blank_row(self._width)] * self._height
        self._placed = [{} for _ in range(self._height)]

    def _want(self, piece: PlacedSegments) -> None:
        placed = self._placed[piece.y]
        before = placed.get(piece.x)
        if before is not None and before[0] is piece.key:
            return
        part = self._row_of(piece)
        end = piece.x + len(part.cells)
        if before is None or before[1] != end:
            covered = [x for x, (_, last) in placed.items() if x < end and last > piece.x]
            for x in covered:
                del placed[x]
        placed[piece.x] = piece.key, end
        self._wanted[piece.y] = replaced(self._wanted[piece.y], piece.x, *part)

    def _row_of(self, piece: PlacedSegments) -> ScreenRow:
        """The cells of a piece, from a cache of the last few hundred pieces."""
        key = id(piece.key)
        found = self._rows.get(key) or self._older_rows.get(key)
        if found is None or found[0] is not piece.key:
            found = (piece.key, self._parse(piece))
        if len(self._rows) > 8 * max(self._height, 1):
            self._older_rows, self._rows = self._rows, {}
        self._rows[key] = found
        return found[1]

    def _parse(self, piece: PlacedSegments) -> ScreenRow:
        try:
            return self._parsed(piece)
        except PensFull:
            self._drop_pens()
            return self._parse(piece)
        except GlyphsFull:
            # A new table; what was parsed with the old one means something else.
            self._glyphs = Glyphs()
            self._rows, self._older_rows = {}, {}
            self._want_blanks()
            self.forget()
            self._writer.repaint()
            return self._parsed(piece)

    def _drop_pens(self) -> None:
        """Keep only the pens of the two screens, under other characters."""
        screens = (self._wanted, self._sent)
        used = {pen for rows in screens for row in rows for pen in row.pens}
        used.update(self._pen or ())
        self._pens, moved = self._pens.kept(used, 2 * self._width)  # and a blank of each
        self._wanted, self._sent = (
            [ScreenRow(row.cells, row.pens.translate(moved)) for row in rows] for rows in screens
        )
        self._pen = self._pen and moved[ord(self._pen)]
        self._rows, self._older_rows = {}, {}

    def _parsed(self, piece: PlacedSegments) -> ScreenRow:
        cells, pens = [], []
        for text, ansi, link in piece.segments():
            part = self._glyphs.cells(text)
            pen = self._pens.pen(ansi, link)
            if not part.strip(" "):
                pen = self._pens.blank(pen)
            cells.append(part)
            pens.append(pen * len(part))
        return ScreenRow("".join(cells), "".join(pens))
