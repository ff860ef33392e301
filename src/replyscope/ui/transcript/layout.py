"""The layout of the entries. The view keeps its place when an estimated height is corrected."""

from bisect import bisect_right
from itertools import accumulate

from replyscope.domain.values import dataclass
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.transcript.entry import Entry

_KEPT_ENTRIES = 80
_MOST_ROUNDS = 50


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place that stays valid when heights change: an entry, its cell, and the cell's line."""

    entry: int
    cell: int
    line: int


class Layout:
    """A vertical layout of the entries. Lines count from the top of the first entry."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._tops: list[int] = [0]
        self._valid = 0
        self._width = 1
        self._palette: Palette | None = None
        self._seen: dict[int, None] = {}

    def configure(self, width: int, palette: Palette) -> None:
        """Set the width and the theme."""
        if width != self._width or palette is not self._palette:
            self._width, self._palette = width, palette
            self._valid = 0

    @property
    def is_configured(self) -> bool:
        """Whether the width and the theme are set."""
        return self._palette is not None

    def invalidate(self, entry: int) -> None:
        """Mark the heights from an entry on as changed."""
        self._valid = min(self._valid, entry)

    def renew(self, key: str | None) -> Entry | None:
        """Load the content of the last entry with a key again, and return the entry."""
        for number in range(len(self.entries) - 1, -1, -1):
            if self.entries[number].key == key:
                self.entries[number].renew()
                self.invalidate(number)
                return self.entries[number]
        return None

    def renew_all(self) -> None:
        """Load the content of all entries again."""
        for entry in self.entries:
            entry.renew()
        self.invalidate(0)

    def forget_drawings(self) -> None:
        """Draw all diagrams and pictures again when they are next visible."""
        for number, entry in enumerate(self.entries):
            if entry.forget_drawings():
                self.invalidate(number)

    @property
    def tops(self) -> list[int]:
        """The first line of each entry, and the end of the last one."""
        count = len(self.entries)
        if self._valid < count or len(self._tops) != count + 1:
            start = min(self._valid, len(self._tops) - 1)
            heights = (entry.height(self._width) for entry in self.entries[start:])
            self._tops[start:] = accumulate(heights, initial=self._tops[start])
            self._valid = count
        return self._tops

    @property
    def height(self) -> int:
        """The total height in lines."""
        return self.tops[-1]

    def entry_at(self, line: int) -> int:
        """The index of the entry at a line."""
        return min(max(0, bisect_right(self.tops, line) - 1), len(self.entries) - 1)

    def anchor_at(self, line: int) -> Anchor:
        """The place of a line. Its entry is laid out first."""
        entry = self.entry_at(line)
        self._lay_out(entry)
        cell, rest = self.entries[entry].locate(line - self.tops[entry])
        return Anchor(entry, cell, rest)

    def line_of(self, anchor: Anchor) -> int:
        """The line of a place."""
        if not self.entries:
            return 0
        entry = min(anchor.entry, len(self.entries) - 1)
        self._lay_out(entry)
        return self.tops[entry] + self.entries[entry].top_of(anchor.cell) + anchor.line

    def settle(self, top: int, height: int, *, from_end: bool) -> int:
        """Draw the entries of a view of `height` lines from `top`. Returns the corrected top.

        With `from_end` the view stays at the end; otherwise it keeps its first line.
        """
        if not self.entries:
            return 0
        for _ in range(_MOST_ROUNDS):
            if from_end:
                top = self._end(height)
            anchor = self.anchor_at(top)
            if from_end and top != self._end(height):
                continue  # laying the entry out moved the end
            changed = self._settle_once(self.line_of(anchor), height)
            if not from_end:
                top = self.line_of(anchor)
            if not changed and not (from_end and top != self._end(height)):
                break
        self._release_far(self.entry_at(top))
        return top

    def _end(self, height: int) -> int:
        """The first line of a view of the end."""
        return max(0, self.height - height)

    def _settle_once(self, top: int, height: int) -> bool:
        entry = self.entry_at(top)
        while entry < len(self.entries) and self.tops[entry] < top + height:
            start = self.tops[entry]
            self._lay_out(entry)
            changed = self.entries[entry].settle(max(0, top - start), top + height - start)
            if changed or self.entries[entry].height(self._width) != self.tops[entry + 1] - start:
                self.invalidate(entry)
                return True
            entry += 1
        return False

    def _lay_out(self, entry: int) -> None:
        assert self._palette is not None
        before = self.entries[entry].height(self._width)
        self.entries[entry].lay_out(self._width, self._palette)
        self._seen.pop(entry, None)
        self._seen[entry] = None
        if self.entries[entry].height(self._width) != before:
            self.invalidate(entry)

    def go_on(self) -> bool:
        """Show more of the entries that are behind. Returns whether one was behind."""
        behind = [n for n in self._seen if n < len(self.entries) and self.entries[n].is_behind]
        for number in behind:
            self.entries[number].go_on()
            self.invalidate(number)
        return bool(behind)

    @property
    def is_behind(self) -> bool:
        """Whether a visited entry shows less than its content."""
        return any(n < len(self.entries) and self.entries[n].is_behind for n in self._seen)

    def _release_far(self, current: int) -> None:
        """Release the drawn entries that are far from the view."""
        if len(self._seen) <= _KEPT_ENTRIES:
            return
        for entry in list(self._seen)[: len(self._seen) - _KEPT_ENTRIES]:
            if abs(entry - current) > _KEPT_ENTRIES // 2 and entry < len(self.entries):
                self.entries[entry].release()
                del self._seen[entry]
