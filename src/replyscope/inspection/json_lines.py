"""Lays a JSON value out in coloured lines whose objects and arrays can be folded. Pure."""

import json
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from typing import Any

from replyscope.domain.plural import plural
from replyscope.domain.values import dataclass

_LONGEST = 4_000


class Token(StrEnum):
    """The kind of a piece of JSON text, which sets its colour."""

    KEY = "key"
    STRING = "string"
    NUMBER = "number"
    WORD = "word"
    """true, false or null."""
    MARK = "mark"
    """Punctuation."""
    PLAIN = "plain"
    """The text is not JSON."""


Piece = tuple[str, Token]


@dataclass(frozen=True, slots=True)
class JsonLine:
    """A line of JSON. `end` is the index of the line that closes the object or array which this
    line opens; None for other lines. `folded` is the text that replaces the lines between.
    """

    depth: int
    pieces: tuple[Piece, ...]
    end: int | None = None
    folded: str = ""

    @property
    def text(self) -> str:
        """The indented text of the line."""
        return "  " * self.depth + "".join(text for text, _ in self.pieces)


def json_lines(value: Any) -> list[JsonLine]:
    """The lines of a value. A string of more than 4,000 characters is cut, and says so."""
    lines: list[JsonLine] = []
    head: list[Piece] = []
    if _emit(lines, head, value, depth=0, comma=""):
        _fill(lines, value)
    return lines


def _fill(lines: list[JsonLine], value: Any) -> None:
    """Add the lines of a container's members. A stack replaces recursion: JSON may be deep."""
    stack = [(0, value, _members(value), "")]
    while stack:
        opened, container, members, comma = stack[-1]
        member = next(members, None)
        if member is None:
            stack.pop()
            _close(lines, opened, container, comma)
            continue
        head, child, is_last = member
        after = "" if is_last else ","
        if _emit(lines, head, child, depth=len(stack), comma=after):
            stack.append((len(lines) - 1, child, _members(child), after))


def _emit(lines: list[JsonLine], head: list[Piece], value: Any, *, depth: int, comma: str) -> bool:
    """Add the line of a value. Returns whether it opened a container with members."""
    opens = isinstance(value, dict | list) and bool(value)
    if opens:
        piece: Piece = ("{" if isinstance(value, dict) else "[", Token.MARK)
    else:
        piece = _scalar(value)
    tail: list[Piece] = [(comma, Token.MARK)] if comma and not opens else []
    lines.append(JsonLine(depth, (*head, piece, *tail)))
    return opens


def _close(lines: list[JsonLine], opened: int, container: Any, comma: str) -> None:
    is_object = isinstance(container, dict)
    bracket = "}" if is_object else "]"
    count = plural(len(container), "key" if is_object else "item")
    first = lines[opened]
    lines[opened] = replace(first, end=len(lines), folded=f" {count} {bracket}{comma}")
    lines.append(JsonLine(first.depth, ((bracket + comma, Token.MARK),)))


def _members(container: Any) -> Iterator[tuple[list[Piece], Any, bool]]:
    last = len(container) - 1
    if isinstance(container, dict):
        for number, (key, value) in enumerate(container.items()):
            yield [(_text(key), Token.KEY), (": ", Token.MARK)], value, number == last
    else:
        for number, value in enumerate(container):
            yield [], value, number == last


def _scalar(value: Any) -> Piece:
    match value:
        case str() if len(value) > _LONGEST:
            return f"{_text(value[:_LONGEST])}… {len(value):,} characters", Token.STRING
        case str():
            return _text(value), Token.STRING
        case None | bool():
            return json.dumps(value), Token.WORD
        case dict():
            return "{}", Token.MARK
        case list():
            return "[]", Token.MARK
    return json.dumps(value), Token.NUMBER


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
