"""Boxes of characters: rows of one width, and the row that is on the baseline of the text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from replyscope.domain.values import dataclass

_TALL = {
    "(": ("⎛", "⎜", "⎝"),
    ")": ("⎞", "⎟", "⎠"),
    "[": ("⎡", "⎢", "⎣"),
    "]": ("⎤", "⎥", "⎦"),
    "⌊": ("⎢", "⎢", "⎣"),
    "⌋": ("⎥", "⎥", "⎦"),
    "⌈": ("⎡", "⎢", "⎢"),
    "⌉": ("⎤", "⎥", "⎥"),
    "|": ("│", "│", "│"),
    "∣": ("│", "│", "│"),
    "‖": ("║", "║", "║"),
    "∥": ("║", "║", "║"),
}
_BRACES = {"{": ("⎧", "⎨", "⎩", "⎪"), "}": ("⎫", "⎬", "⎭", "⎪")}
_ANGLES = {"⟨": "╱╲", "⟩": "╲╱"}


@dataclass(frozen=True, slots=True)
class Box:
    """Rows that are all `width` cells wide. `base` is the row on the line of the text."""

    rows: tuple[str, ...]
    width: int
    base: int

    @property
    def height(self) -> int:
        """The number of rows."""
        return len(self.rows)

    @property
    def below(self) -> int:
        """The number of rows below the line of the text."""
        return len(self.rows) - self.base - 1


def text_box(text: str) -> Box:
    """A box of one row."""
    return Box((text,), cell_len(text), 0)


def beside(boxes: Sequence[Box]) -> Box:
    """Boxes in a row, their base lines at one height."""
    if not boxes:
        return text_box("")
    above, below = max(box.base for box in boxes), max(box.below for box in boxes)
    columns = [_filled(box, above - box.base, below - box.below).rows for box in boxes]
    rows = tuple("".join(pieces) for pieces in zip(*columns, strict=True))
    return Box(rows, sum(box.width for box in boxes), above)


def _filled(box: Box, above: int, below: int) -> Box:
    blank = (" " * box.width,)
    return Box((*blank * above, *box.rows, *blank * below), box.width, box.base + above)


def aligned(box: Box, width: int, side: str = "center") -> Box:
    """The box in a greater width."""
    room = max(0, width - box.width)
    left = {"left": 0, "right": room}.get(side, room // 2)
    rows = tuple(" " * left + row + " " * (room - left) for row in box.rows)
    return Box(rows, box.width + room, box.base)


def stacked(boxes: Sequence[Box], base: int, side: str = "center", gap: int = 0) -> Box:
    """Boxes one above the other. The base line is that of the box with the number `base`."""
    width = max(box.width for box in boxes)
    rows: list[str] = []
    line = 0
    for number, box in enumerate(boxes):
        if number:
            rows += [" " * width] * gap
        if number == base:
            line = len(rows) + box.base
        rows += aligned(box, width, side).rows
    return Box(tuple(rows), width, line)


def with_base(box: Box, base: int) -> Box:
    """The box with its line of the text in another row."""
    return Box(box.rows, box.width, base)


def delimiter(sign: str, height: int, base: int) -> Box:
    """A bracket of a height."""
    if height <= 1 or not sign:
        return text_box(sign)
    if sign in _BRACES:
        top, middle, bottom, bar = _BRACES[sign]
        if height == 2:
            return Box(("⎰", "⎱") if sign == "{" else ("⎱", "⎰"), 1, base)
        signs = [top, *[bar] * (height - 2), bottom]
        signs[height // 2] = middle
        return Box(tuple(signs), 1, base)
    if sign in _TALL:
        top, bar, bottom = _TALL[sign]
        return Box((top, *[bar] * (height - 2), bottom), 1, base)
    if sign in _ANGLES and height % 2 == 0 and height <= 8:
        return _angle(_ANGLES[sign], height, base, opens=sign == "⟨")
    return text_box(sign)


def _angle(strokes: str, height: int, base: int, *, opens: bool) -> Box:
    half = height // 2
    rows = []
    for number in range(height):
        is_above = number < half
        distance = half - 1 - number if is_above else number - half
        left = distance if opens else half - 1 - distance
        rows.append(" " * left + strokes[not is_above] + " " * (half - 1 - left))
    return Box(tuple(rows), half, base)
