"""A terminal of pyte for tests of the output, and screens as it should show them."""

from collections.abc import Sequence
from functools import partial

import pyte
from pyte.screens import Char

from replyscope.ui.output.screen_output import PlacedSegments, ScreenOutput
from replyscope.ui.output.sequences import Abilities
from tests.stories.terminal import Screen

Line = Sequence[tuple[str, str]]
"""Texts with their SGR codes."""


class Writer:
    """A driver that plays each write into a terminal. It takes a write only when `drain` is
    called, unless `is_fast`.
    """

    def __init__(self, width: int, height: int, *, is_fast: bool = True) -> None:
        self.screen = Screen(width, height)
        self._stream = pyte.Stream(self.screen)
        self._waiting: list[str] = []
        self._is_fast = is_fast
        self.sent: list[str] = []
        self.time_s = 0.0
        self.retries = 0
        self.repaints = 0
        self._stream.feed("\x1b[?7l")

    @property
    def is_writing(self) -> bool:
        return bool(self._waiting)

    def now_s(self) -> float:
        return self.time_s

    def retry_later(self, _delay_s: float) -> None:
        self.retries += 1

    def repaint(self) -> None:
        self.repaints += 1

    def write(self, data: str) -> None:
        assert not self._waiting, "a frame was queued"
        self.sent.append(data)
        self._waiting.append(data)
        if self._is_fast:
            self.drain()

    def drain(self) -> None:
        """Draw what was written."""
        for data in self._waiting:
            self._stream.feed(data)
        self._waiting.clear()

    def resize(self, width: int, height: int) -> None:
        """Resize the terminal. What it then shows is its own affair."""
        self.screen.resize(height, width)

    def shown(self) -> list[list[Char]]:
        """The cells of the screen, as a person sees them."""
        return shown(self.screen)


def shown(screen: pyte.Screen) -> list[list[Char]]:
    """The cells of a screen. Of a blank only the background counts, and lines through it."""
    return [
        [_seen(screen.buffer[y][x]) for x in range(screen.columns)] for y in range(screen.lines)
    ]


def _seen(cell: Char) -> Char:
    if cell.data == " " and not (cell.underscore or cell.strikethrough or cell.reverse):
        return Char(" ", bg=cell.bg)
    return cell


def draw(output: ScreenOutput, lines: Sequence[Line], width: int) -> None:
    """Show whole lines."""
    pieces = [PlacedSegments(0, y, line, partial(_segments, line)) for y, line in enumerate(lines)]
    output.show(pieces, (width, len(lines)), (0, 0), is_synced=False)


def _segments(line: Line) -> list[tuple[str, str, str]]:
    return [(text, ansi, "") for text, ansi in line]


def drawn_whole(lines: Sequence[Line], width: int) -> list[list[Char]]:
    """The screen after a terminal drew whole lines, each segment with its style."""
    screen = Screen(width, len(lines))
    stream = pyte.Stream(screen)
    stream.feed("\x1b[?7l")
    for y, line in enumerate(lines):
        stream.feed(f"\x1b[{y + 1};1H")
        for text, ansi in line:
            stream.feed(f"\x1b[{ansi}m{text}\x1b[0m")
    return shown(screen)


ABILITIES = [Abilities(), Abilities(erases_in_colour=True)]
"""pyte has no REP."""
