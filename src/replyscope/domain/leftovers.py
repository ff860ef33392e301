"""Leftovers: the parts of a foreign conversation that no field of a session takes.

A reply keeps its own verbatim as extras; of anything else they are reported.
"""

import html
from collections import Counter
from collections.abc import Mapping
from typing import Any

from replyscope.domain.loose_json import texts_in, to_json, unwrapped
from replyscope.domain.shared import LeftOut

NO_PLACE = "a session has no place for it"
Extras = tuple[tuple[str, str], ...]


class Leftovers:
    """The report of one conversation, counted by kind."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def add_image(self) -> None:
        """Report an image that a reply can only name."""
        self.add("image of a reply", "a reply holds text, so it only names the image")

    def add(self, what: str, why: str) -> None:
        """Report one."""
        self._counts[what, why] += 1

    def add_odd(self, value: Any) -> None:
        """Report what stands in the place of a message and is none."""
        text = next((text for text in texts_in(value) if text.strip()), "")
        if text or not isinstance(value, str | list | Mapping):
            self.add("entry that is no message", f"it is {text or to_json(value):.60}")

    def add_fields(self, fields: Mapping[str, Any], owner: str) -> None:
        """Report each field by its name."""
        for name in fields:
            self.add(f"field `{name[:60]}` of {owner}", NO_PLACE)

    def add_lost(
        self, fields: Mapping[str, Any], known: frozenset[str], kept: str, owner: str
    ) -> None:
        """Report unknown fields that have a text, and known ones with a text that is not kept."""
        read = {name: value for name, value in fields.items() if name in known}
        lost = with_text(fields, known) | with_prose(read, frozenset(), kept)
        self.add_fields({name: fields[name] for name in fields if name in lost}, owner)

    @property
    def all(self) -> tuple[LeftOut, ...]:
        """Everything that was reported."""
        return tuple(LeftOut(what, why, n) for (what, why), n in self._counts.items())


def with_text(fields: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """The fields that are not known and have any text in them."""
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
    """The fields that hold a text of several words which is not part of the kept text.

    For formats with many ids, flags and URLs, which are no words of anybody.
    """
    squeezed = squeeze(kept)
    return {
        name: value
        for name, value in fields.items()
        if name not in known
        and any(_is_lost(text, squeezed) for text in texts_in(value, skipped) if is_prose(text))
    }


def squeeze(text: str) -> str:
    """The text without space, for a comparison that layout does not change."""
    return "".join(text.split())


def is_prose(text: str) -> bool:
    """Whether a text has several words, as those of a person or a model do."""
    return len(text.split(maxsplit=1)) > 1 and not text.startswith("data:")


def _is_lost(text: str, kept: str) -> bool:
    """Whether a text is not kept: neither as it is, nor inside of JSON or out of it."""
    forms = (text, unwrapped(text), html.unescape(text), to_json(text)[1:-1])
    return not any(squeeze(form) in kept for form in forms)


def as_extras(fields: Mapping[str, Any]) -> Extras:
    """The fields as an exchange keeps them: name and JSON."""
    return tuple((name, to_json(value)) for name, value in fields.items())
