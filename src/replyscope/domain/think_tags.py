"""Splits a reply's text into the reasoning between tags at its head, and the answer.

Many open models write `<think>…</think>` before the answer, and some servers forward it as
text. The splitter works on deltas, which may split a tag. Each piece keeps its original
text, so the joined pieces equal the received text.
"""

import re
from collections.abc import Callable, Iterator
from enum import StrEnum

from replyscope.domain.values import dataclass


class ThinkTags(StrEnum):
    """The mode in which reasoning is parsed from the text: a setting of a provider."""

    AUTO = "auto"
    """A reply that begins with an opening tag begins with reasoning."""
    ON = "on"
    """A reply begins with reasoning up to a closing tag: the server removes the opening tag."""
    OFF = "off"
    """Tags are not parsed."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text. `text` is without tags, "" for a tag alone; `received` is the original."""

    is_reasoning: bool
    text: str
    received: str


_CLOSING = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "[think]": "[/think]",
}
_TAGS = tuple(_CLOSING)
_MOST_BEFORE = 4_096
"""The most blanks before a tag: more blanks are text, and are not buffered."""


_Step = Callable[[str], tuple[Piece | None, str]]


class ThinkSplitter:
    """Splits the text of one choice. `feed` each delta, then call `finish`."""

    def __init__(self, mode: ThinkTags) -> None:
        self._mode = mode
        self._held = ""
        self._closing: tuple[str, ...] = ()
        self._step: _Step = self._answer if mode is ThinkTags.OFF else self._head

    @property
    def is_answering(self) -> bool:
        """Whether the rest of the text is the answer."""
        return self._step == self._answer

    def feed(self, text: str) -> Iterator[Piece]:
        """The pieces that this text completes; a possible beginning of a tag is buffered."""
        rest = self._held + text
        self._held = ""
        while rest:
            piece, rest = self._step(rest)
            if piece is not None:
                yield piece
            elif rest:
                self._held = rest
                return

    def finish(self) -> Iterator[Piece]:
        """The buffered text, at the end of the choice."""
        held, self._held = self._held, ""
        if held:
            yield Piece(self._step == self._inside, held, held)

    def _head(self, text: str) -> tuple[Piece | None, str]:
        begins = text.lstrip()
        lowered = begins[:12].lower()
        for tag in _TAGS:
            if lowered.startswith(tag):
                self._closing, self._step = (_CLOSING[tag],), self._inside_start
                size = len(text) - len(begins) + len(tag)
                return Piece(True, "", text[:size]), text[size:]
        if any(tag.startswith(lowered) for tag in _TAGS) and len(text) < _MOST_BEFORE:
            return None, text
        if self._mode is ThinkTags.ON:
            self._closing, self._step = tuple(_CLOSING.values()), self._inside
        else:
            self._step = self._answer
        return self._step(text)

    def _inside_start(self, text: str) -> tuple[Piece | None, str]:
        return self._skip_space(text, self._inside)

    def _inside(self, text: str) -> tuple[Piece | None, str]:
        closing = "|".join(map(re.escape, self._closing))
        found = re.search(closing, text, re.IGNORECASE | re.ASCII)
        if found is not None:
            self._step = self._gap
            return Piece(True, text[: found.start()], text[: found.end()]), text[found.end() :]
        keep = max(_overlap(text[-12:].lower(), tag) for tag in self._closing)
        said, held = text[: len(text) - keep], text[len(text) - keep :]
        return (Piece(True, said, said) if said else None), held

    def _gap(self, text: str) -> tuple[Piece | None, str]:
        return self._skip_space(text, self._answer)

    def _skip_space(self, text: str, following: _Step) -> tuple[Piece | None, str]:
        """Remove whitespace after a tag, which is part of the tag."""
        begins = text.lstrip()
        if begins:
            self._step = following
        space = text[: len(text) - len(begins)]
        return (Piece(True, "", space), begins) if space else self._step(text)

    def _answer(self, text: str) -> tuple[Piece | None, str]:
        return Piece(False, text, text), ""


def _overlap(text: str, tag: str) -> int:
    """The number of characters at the end of a text that may be the beginning of a tag."""
    longest = min(len(text), len(tag) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(tag[:size])), 0)
