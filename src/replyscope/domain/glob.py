"""The patterns of consent rules: `*`, `**`, `?` and `[...]`, matched in linear time.

`*` and `?` do not match `/`; `**` does. `**/` also matches no folder. A bracket is a set of
characters, as in `[a-z]` and `[!0-9]`; `[*]` is a literal star.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache

from replyscope.domain.values import dataclass


@dataclass(frozen=True, slots=True)
class _Set:
    """The characters that a bracket matches: some ranges, or everything except them."""

    ranges: tuple[tuple[str, str], ...]
    is_negated: bool

    def __contains__(self, char: str) -> bool:
        return any(low <= char <= high for low, high in self.ranges) != self.is_negated


@dataclass(frozen=True, slots=True)
class _Step:
    """One state of the automaton: it advances on some characters and loops on other characters.

    `skips` are the numbers of steps that the automaton can skip without a character.
    """

    advances: Callable[[str], bool]
    loops: Callable[[str], bool]
    skips: tuple[int, ...] = ()


def _never(_char: str) -> bool:
    return False


def _always(_char: str) -> bool:
    return True


def _in_name(char: str) -> bool:
    return char != "/"


class Glob:
    """A parsed pattern. Raises ValueError for a bracket that is not closed, contains a `/` or
    has a reversed range.

    `is_literal` is true without a wildcard; `literal` is then the text that it matches. With
    `crosses`, `*`, `?` and negated brackets match `/` too.
    """

    def __init__(self, pattern: str, *, crosses: bool = False) -> None:
        self._wide = _always if crosses else _in_name
        self._steps: list[_Step] = []
        self._literal: list[str] | None = []
        at = 0
        while at < len(pattern):
            at += self._parse(pattern, at)
        self._skipping = [(n, step.skips) for n, step in enumerate(self._steps) if step.skips]
        self._moves: dict[str, tuple[int, int]] = {}

    @property
    def literal(self) -> str | None:
        """The only text that it matches; None when it has a wildcard."""
        return None if self._literal is None else "".join(self._literal)

    def _parse(self, pattern: str, at: int) -> int:
        """Append the steps of the element at a position. Returns its length in the pattern."""
        if pattern.startswith("**/", at) and (at == 0 or pattern[at - 1] == "/"):
            self._add(_Step(_never, _never, (1, 2)), _Step("/".__eq__, _always))
            return 3
        if pattern.startswith("**", at):
            self._add(_Step(_never, _always, (1,)))
            return 2
        char = pattern[at]
        if char == "*":
            self._add(_Step(_never, self._wide, (1,)))
        elif char == "?":
            self._add(_Step(self._wide, _never))
        elif char == "[":
            found, end = _parse_set(pattern, at)
            one = found.ranges[0][0] if not found.is_negated else None
            single = one if found.ranges == ((one, one),) else None
            wide = self._wide
            self._add(_Step(lambda c: c in found and wide(c), _never), literal=single)
            return end - at
        else:
            self._add(_Step(char.__eq__, _never), literal=char)
        return 1

    def _add(self, *steps: _Step, literal: str | None = None) -> None:
        self._steps += steps
        if literal is None:
            self._literal = None
        elif self._literal is not None:
            self._literal.append(literal)

    def matches(self, text: str, *, above: bool = False) -> bool:
        """Whether the whole text matches; with `above`, whether a part up to a `/` or `?` does.

        Linear in the length of the text for every pattern.
        """
        states = self._skip(1)
        last = 1 << len(self._steps)
        for at, char in enumerate(text):
            if above and at and states & last and (char in "/?" or text[at - 1] == "/"):
                return True
            if char not in self._moves:
                self._moves[char] = (
                    _bits(step.loops(char) for step in self._steps),
                    _bits(step.advances(char) for step in self._steps),
                )
            loops, advances = self._moves[char]
            states = self._skip((states & loops) | ((states & advances) << 1))
            if not states:
                return False
        return bool(states & last)

    def _skip(self, states: int) -> int:
        for number, skips in self._skipping:
            if states >> number & 1:
                for skip in skips:
                    states |= 1 << (number + skip)
        return states


@lru_cache(maxsize=512)
def glob_of(pattern: str, *, crosses: bool = False) -> Glob:
    """The parsed pattern. Raises ValueError."""
    return Glob(pattern, crosses=crosses)


def escaped(text: str) -> str:
    """The pattern that matches only this text."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in text)


def _bits(flags: Iterable[bool]) -> int:
    return sum(1 << number for number, flag in enumerate(flags) if flag)


def _parse_set(pattern: str, at: int) -> tuple[_Set, int]:
    """Parse the bracket at a position. Returns it and its end. Raises ValueError."""
    start = at + 1
    is_negated = pattern[start : start + 1] in ("!", "^")
    start += is_negated
    end = pattern.find("]", start + 1)  # a bracket right after the opening one is a member
    if end < 0:
        raise ValueError(f"the bracket at character {at + 1} is not closed; [[] means a bracket")
    inside = pattern[start:end]
    if "/" in inside:
        raise ValueError("a bracket can't hold a slash")
    ranges: list[tuple[str, str]] = []
    number = 0
    while number < len(inside):
        low = inside[number]
        is_range = inside[number + 1 : number + 2] == "-" and number + 2 < len(inside)
        high = inside[number + 2] if is_range else low
        if low > high:
            raise ValueError(f"the range {low}-{high} is reversed")
        ranges.append((low, high))
        number += 3 if is_range else 1
    return _Set(tuple(ranges), is_negated), end + 1
