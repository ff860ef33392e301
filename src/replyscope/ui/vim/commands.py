"""Reads the keys of one command: count, operator, count, and motion or text object."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from replyscope.ui.vim.motions import MOTIONS
from replyscope.ui.vim.objects import OBJECTS

OPERATORS = frozenset("dcy<>")
_FIND = frozenset("fFtT")
_GOES = ("gg", "ge", "gE")
_NORMAL = frozenset("iaIAoOxXDCsSYr~JpPuvV.") | {"ctrl+r"}
_VISUAL = frozenset("yYdDxXcCsSr~JpPuUovV<>R")
_SHORT = {
    "x": ("d", "l"), "X": ("d", "h"), "D": ("d", "$"), "C": ("c", "$"), "s": ("c", "l"),
    "S": ("c", "c"), "Y": ("y", "y"), "delete": ("d", "l"),
}  # fmt: skip
"""Commands that are an operator with a motion."""


class NoCommand(Enum):
    """The state of keys that are not yet, or never, a command."""

    UNFINISHED = "unfinished"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class KeyCommand:
    """A command. `key` is a motion, `i` or `a` of a text object, or a command of its own;
    `character` is the key after it. An operator that is doubled has itself as the key.
    """

    key: str
    operator: str = ""
    count: int | None = None
    character: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys without the count."""
        return tuple(filter(None, (self.operator, self.key, self.character)))


def read_command(keys: Sequence[str], *, is_visual: bool) -> KeyCommand | NoCommand:
    """The command of the keys so far."""
    first, rest = _count(keys)
    operator = ""
    second: int | None = None
    if rest and rest[0] in OPERATORS and not is_visual:
        operator = rest[0]
        second, rest = _count(rest[1:])
    if not rest:
        return NoCommand.UNFINISHED
    both = [number for number in (first, second) if number is not None]
    count = None if not both else min(both[0] * both[-1] ** (len(both) - 1), 99_999)
    if rest[0] in _SHORT and not operator and not is_visual:
        operator, key = _SHORT[rest[0]]
        return KeyCommand(key, operator, count)
    return _key(rest, operator, count, is_visual=is_visual)


def _key(
    rest: Sequence[str], operator: str, count: int | None, *, is_visual: bool
) -> KeyCommand | NoCommand:
    key, after = rest[0], rest[1:]
    takes_object = bool(operator) or is_visual
    if key == "g":
        if not after:
            return NoCommand.UNFINISHED
        both = f"g{after[0]}"
        return KeyCommand(both, operator, count) if both in _GOES else NoCommand.INVALID
    if key in "ia" and takes_object:
        if not after:
            return NoCommand.UNFINISHED
        is_known = after[0] in OBJECTS
        return KeyCommand(key, operator, count, after[0]) if is_known else NoCommand.INVALID
    if key in _FIND or (key == "r" and not operator):
        if not after:
            return NoCommand.UNFINISHED
        is_typed = len(after[0]) == 1 or after[0] == "enter"
        return KeyCommand(key, operator, count, after[0]) if is_typed else NoCommand.INVALID
    if operator:
        is_known = key == operator or key in MOTIONS
    else:
        is_known = key in MOTIONS or key in (_VISUAL if is_visual else _NORMAL)
    return KeyCommand(key, operator, count) if is_known else NoCommand.INVALID


def _count(keys: Sequence[str]) -> tuple[int | None, Sequence[str]]:
    """The count at the beginning of keys, and the remaining keys. A leading 0 is a motion."""
    digits = 0
    while digits < len(keys) and keys[digits] in "0123456789" and (digits or keys[0] != "0"):
        digits += 1
    number = int("".join(keys[:digits])[:6]) if digits else None
    return number, keys[digits:]
