"""A preview of a search result: the conversation with its matches marked and in view."""

from re import Pattern
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from replyscope.domain.message import Role
from replyscope.domain.words import folded
from replyscope.ui.transcript.entry import Entry
from replyscope.ui.transcript.strips import restyle
from replyscope.ui.transcript.transcript import Transcript


class Preview(Transcript):
    """A transcript that marks matches. `pattern` matches folded text, see `domain.words`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "o",
            "open_picture",
            "Open the picture or file",
            id="preview.picture",
            group=Binding.Group("open file"),
        ),
    ]

    class PictureWanted(Message):
        """A picture of the message under the cursor is to be opened."""

    def action_open_picture(self) -> None:
        """Ask the screen to open the picture of the message."""
        self.post_message(self.PictureWanted())

    pattern: reactive[Pattern[str] | None] = reactive[Pattern[str] | None](None)

    def with_matches(self, strip: Strip) -> Strip:
        """The strip with its matches marked."""
        if self.pattern is None:
            return super().with_matches(strip)
        style = self.palette().match
        for match in self.pattern.finditer(folded(strip.text)):
            strip = restyle(strip, match.start(), match.end(), style)
        return strip

    def point_at_match(self, number: int) -> None:
        """Move the cursor to an entry, and scroll to its first match or to one of its prompt."""
        self.call_after_refresh(self._show_match, number)

    def _show_match(self, number: int) -> None:
        entries = self._layout_of.entries
        if not 0 <= number < len(entries):
            return
        if not self._layout_of.is_configured or self.size.height <= 0:
            self._point(number)  # the pane has no size yet, so the entry has no lines
            return
        self.point_at(number)
        for place in (number, number - 1):
            is_prompt = place == number - 1 and place >= 0
            if place != number and not (is_prompt and entries[place].content.role is Role.USER):
                continue
            line = self._line_with_match(entries[place])
            if line is None:
                continue
            self.show_line(place, line)
            return

    def _line_with_match(self, entry: Entry) -> int | None:
        """The first line of an entry with a match. Folded parts are unfolded if necessary."""
        line = self._find_line(entry)
        if line is None and entry.is_foldable and not entry.is_unfolded:
            entry.toggle_fold()
            line = self._find_line(entry)
            if line is None:
                entry.toggle_fold()
        return line

    def _find_line(self, entry: Entry) -> int | None:
        if self.pattern is None:
            return None
        entry.lay_out(self.text_width, self.palette())
        strips = (strip for cell in range(entry.cell_count) for strip in entry.strips(cell))
        for number, strip in enumerate(strips):
            if self.pattern.search(folded(strip.text)):
                return number
        return None
