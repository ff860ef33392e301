"""Draws Mermaid diagrams with box characters.

The library searches for the paths of edges in pure Python, which can take minutes. So its
work is bounded by a number of executed lines, which does not depend on the machine.
"""

import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from types import FrameType
from typing import TypeVar

from rich.cells import cell_len

LONGEST = 6_000
"""The most characters of a diagram that is drawn."""
_MOST_LINES = 120
_MOST_STEPS = 4_000_000  # some seconds on a slow machine
_MOST_STEPS_OF_PAGE = 20_000_000
_MOST_ROWS = 300
_KINDS = re.compile(r"(?:graph|flowchart|sequenceDiagram|stateDiagram)(?![a-z])")
_ACROSS = re.compile(r"\A((?:graph|flowchart)[ \t]+)(?:LR|RL)\b")
_COMMENT = re.compile(r"^[ \t]*%%.*\n?", re.MULTILINE)
_BREAK = re.compile(r"<br[ \t]*/?>|\\n")
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)

T = TypeVar("T")
Rows = tuple[str, ...]
_Trace = Callable[[FrameType, str, object], "_Trace"]


class TooMuchWorkError(Exception):
    """A diagram needs more work than it may use. The text is shown."""


class WorkLimit:
    """The lines of Python that drawing may still execute, `left`. Loops without calls count."""

    def __init__(self, steps: int = _MOST_STEPS) -> None:
        self.left = steps

    def run(self, work: Callable[[], T]) -> T:
        """The result of pure Python work. Raises TooMuchWorkError at the limit."""
        if sys.gettrace() is not None:
            return work()  # a debugger or the coverage of tests
        sys.settrace(self._count)
        try:
            return work()
        finally:
            sys.settrace(None)

    def _count(self, _frame: FrameType, _event: str, _argument: object) -> "_Trace":
        self.left -= 1
        if self.left < 0:
            raise TooMuchWorkError("Not drawn: this diagram is too complex.")
        return self._count


class PageDiagrams:
    """Draws the diagrams of one exported page, whose total work is limited, too."""

    def __init__(self, steps: int = _MOST_STEPS_OF_PAGE) -> None:
        self._left = steps

    def rows(self, source: str) -> Rows | None:
        """The rows of a diagram in its own direction, or None if it cannot be drawn. Raises
        TooMuchWorkError.
        """
        if self._left <= 0:
            raise TooMuchWorkError("Not drawn: the page has too many complex diagrams.")
        limit = WorkLimit()
        before = limit.left
        try:
            return _rows(_body(source), False, limit)
        finally:
            self._left -= before - limit.left


def is_diagram(info: str) -> bool:
    """Whether the info string of a fence names Mermaid."""
    return info.split(maxsplit=1)[:1] == ["mermaid"]


def diagram_rows(source: str, width: int, ascii_only: bool = False) -> list[str] | None:
    """The rows of a diagram, at most `width` cells wide, or None if it cannot be drawn so."""
    return fitting_rows(diagram_variants(source, ascii_only), width)


def fitting_rows(variants: Sequence[Rows], width: int) -> list[str] | None:
    """The first drawing that is at most `width` cells wide."""
    return next((list(rows) for rows in variants if _width(rows) <= width), None)


@lru_cache(maxsize=64)
def diagram_variants(source: str, ascii_only: bool = False) -> tuple[Rows, ...]:
    """The drawings of a diagram: in its own direction, and a flowchart also from top to bottom.

    Empty for what cannot be drawn. It can take seconds.
    """
    body = _body(source)
    bodies = [body, _ACROSS.sub(r"\1TD", body)] if _ACROSS.match(body) else [body]
    variants = []
    for one in bodies:
        with suppress(TooMuchWorkError):
            rows = _rows(one, ascii_only, WorkLimit())
            if rows is not None:
                variants.append(rows)
    return tuple(variants)


def _width(rows: Rows) -> int:
    return max(map(cell_len, rows), default=0)


def _body(source: str) -> str:
    body = _COMMENT.sub("", _FRONT_MATTER.sub("", source.strip())).strip()
    return _BREAK.sub(" ", body)


def _rows(body: str, ascii_only: bool, limit: WorkLimit) -> Rows | None:
    """The rows of one drawing. Raises TooMuchWorkError."""
    if not _KINDS.match(body) or len(body) > LONGEST or body.count("\n") > _MOST_LINES:
        return None
    if not body.isprintable() and not body.replace("\n", "").replace("\t", "").isprintable():
        return None
    from termaid import render  # at the first diagram

    pads = (4, 2) if body.startswith("sequence") else (2, 0)
    try:
        drawn = limit.run(
            lambda: render(body, use_ascii=ascii_only, padding_x=pads[0], padding_y=pads[1], gap=3)
        )
    except TooMuchWorkError:
        raise
    except Exception:  # noqa: BLE001 - the library raises many kinds for foreign text
        return None
    if ascii_only:
        drawn = drawn.replace("●", "*").replace("◉", "@")
    rows = tuple(row.rstrip() for row in drawn.strip("\n").split("\n"))
    return rows if any(rows) and len(rows) <= _MOST_ROWS and _holds_all(body, drawn) else None


def _holds_all(body: str, drawn: str) -> bool:
    """Whether the labels of the source are all in the drawing."""
    labels = re.findall(r"[\[({|]\"?([^\[\](){}|\"<>\n]+)\"?[\])}|]", body)
    shown = "".join(drawn.split())
    words = (word for label in labels for word in label.split() if word.isalnum())
    return all(word in shown or len(word) > 15 for word in words)
