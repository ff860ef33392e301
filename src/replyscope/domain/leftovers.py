"""Leftovers: the parts of a foreign conversation that a session can't hold.

The leftovers of a reply are stored verbatim as its extras; all others are only reported.
"""

import html
from collections import Counter
from collections.abc import Mapping
from typing import Any

from replyscope.domain.loose_json import texts_in, to_json, unwrapped
from replyscope.domain.shared import LeftOut

NO_PLACE = "a session can't store it"
Extras = tuple[tuple[str, str], ...]


class Leftovers:
    """The leftovers of one conversation, counted by kind."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def add_image(self) -> None:
        """Report an image of a reply, of which only the name is stored."""
        self.add("image of a reply", "a reply holds text, so only the image's name is kept")

    def add(self, what: str, why: str) -> None:
        """Report one leftover."""
        self._counts[what, why] += 1

    def add_odd(self, value: Any) -> None:
        """Report a value in the list of messages that is not a message."""
        text = next((text for text in texts_in(value) if text.strip()), "")
        if text or not isinstance(value, str | list | Mapping):
            self.add("entry that is not a message", f"it is {text or to_json(value):.60}")

    def add_fields(self, fields: Mapping[str, Any], owner: str) -> None:
        """Report each field by its name."""
        for name in fields:
            self.add(f"field `{name[:60]}` of {owner}", NO_PLACE)

    def add_lost(
        self, fields: Mapping[str, Any], known: frozenset[str], kept: str, owner: str
    ) -> None:
        """Report unknown fields with a text, and known fields with a text that is not stored."""
        read = {name: value for name, value in fields.items() if name in known}
        lost = with_text(fields, known) | with_prose(read, frozenset(), kept)
        self.add_fields({name: fields[name] for name in fields if name in lost}, owner)

    @property
    def all(self) -> tuple[LeftOut, ...]:
        """All reported leftovers."""
        return tuple(LeftOut(what, why, n) for (what, why), n in self._counts.items())


def with_text(fields: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """The unknown fields that contain a text."""
    return {
        name: value
        for name, value in fields.items()
        if name not in known and any(text.strip() for text in texts_in(value))
    }


def with_prose(
    fields: Mapping[str, Any],
    known: frozenset[str],
    kept: str,
    skipped: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """The fields with a text of several words that is not part of the stored text.

    For formats with many ids, flags and URLs, which are not worth a report.
    """
    squeezed = squeeze(kept)
    return {
        name: value
        for name, value in fields.items()
        if name not in known
        and any(_is_lost(text, squeezed) for text in texts_in(value, skipped) if is_prose(text))
    }


def squeeze(text: str) -> str:
    """The text without whitespace, to compare texts of different layout."""
    return "".join(text.split())


def is_prose(text: str) -> bool:
    """Whether a text has several words, unlike an id, a flag or a URL."""
    return len(text.split(maxsplit=1)) > 1 and not text.startswith("data:")


def _is_lost(text: str, kept: str) -> bool:
    """Whether the stored text lacks a text in every form: verbatim, and as JSON or without."""
    forms = (text, unwrapped(text), html.unescape(text), to_json(text)[1:-1])
    return not any(squeeze(form) in kept for form in forms)


def as_extras(fields: Mapping[str, Any]) -> Extras:
    """The fields as the extras of an exchange: name and JSON."""
    return tuple((name, to_json(value)) for name, value in fields.items())
