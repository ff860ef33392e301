"""Prints a streaming text by lines and sentences, so that a screen reader speaks whole ones."""

import re
from collections.abc import Callable

from replyscope.domain.unicode_text import HalfHolder
from replyscope.linear.tables import SENTENCE_END, TableReader, may_be_row
from replyscope.linear.terminal import LineTerminal

_LONGEST = 4_000
"""The most characters that wait for the end of their sentence or line."""
_LOOKS_LIKE_A_LABEL = re.compile(r"[A-Za-z][a-z ]{1,15}[:(]|Allow ")
"""The beginning of a line that could be taken for one of the chat's own."""


class TextFlow:
    """A buffer between the deltas of a reply and the terminal.

    Complete lines are printed at once; of the last line, its complete sentences. Lines that can
    belong to a table wait until they are complete. Lines that look like the chat's own labels
    are indented, so that a reply cannot imitate them.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._halves = HalfHolder()
        self._tables = TableReader()
        self._rest = ""
        """The part of the last line that is not printed."""
        self._has_begun = False
        """Whether a part of the last line is printed."""
        self._is_first = True

    def feed(self, piece: str) -> None:
        """Add a delta."""
        self._add(self._halves.feed(piece))

    def _add(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._end_line(line.removesuffix("\r"))
        if len(self._rest) > _LONGEST:
            self._print_held()
            self._print_part(len(self._rest))
        else:
            self._print_sentences()

    def _end_line(self, rest: str) -> None:
        """Print the rest of a complete line."""
        if self._has_begun:
            self._write(f"{rest}\n")
        else:
            for shown in self._tables.feed(rest):
                self._begin(f"{shown}\n")
        self._has_begun = False

    def _begin(self, text: str) -> None:
        """Print the beginning of a line."""
        is_doubtful = not self._is_first and _LOOKS_LIKE_A_LABEL.match(text)
        self._is_first = False
        self._write(f"  {text}" if is_doubtful else text)

    def _print_sentences(self) -> None:
        if not self._has_begun and (
            not self._tables.is_plain
            or may_be_row(self._rest)
            or self._rest.lstrip()[:1] in ("`", "~")  # perhaps a fence
        ):
            return
        ends = [found.end() for found in SENTENCE_END.finditer(self._rest)]
        if ends:
            self._print_part(ends[-1])

    def _print_part(self, end: int) -> None:
        """Print the last line up to an offset."""
        part, self._rest = self._rest[:end], self._rest[end:]
        (self._write if self._has_begun else self._begin)(part)
        self._has_begun = True

    def _print_held(self) -> None:
        for shown in self._tables.finish():
            self._begin(f"{shown}\n")

    def finish(self) -> None:
        """Print what is left, and end the line."""
        self._add(self._halves.finish())
        if self._rest or self._has_begun:
            self._end_line(self._rest)
            self._rest = ""
        self._print_held()


class LabelledFlow:
    """A text that is printed under a label while it streams. Nothing is printed before the first
    piece.
    """

    def __init__(self, terminal: LineTerminal, label: str) -> None:
        self._terminal = terminal
        self._label = label
        self._flow: TextFlow | None = None

    @property
    def has_begun(self) -> bool:
        """Whether a piece was printed."""
        return self._flow is not None

    def feed(self, piece: str) -> None:
        """Add a delta."""
        if self._flow is None:
            self._terminal.end_line()
            self._terminal.write(f"{self._label}: ")
            self._flow = TextFlow(self._terminal.write)
        self._flow.feed(piece)

    def finish(self) -> None:
        """Print what is left. The next piece begins again with the label."""
        if self._flow is not None:
            self._flow.finish()
            self._flow = None


def print_flowing(terminal: LineTerminal, label: str, text: str) -> None:
    """Print a complete text under a label, as if it streamed."""
    flow = LabelledFlow(terminal, label)
    flow.feed(text)
    flow.finish()
