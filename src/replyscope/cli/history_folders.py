"""Finds the folders in which other programs keep their history on this machine."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from replyscope.domain.import_format import Format
from replyscope.engine.following import FollowedFolder


def known_places(
    formats: Iterable[Format], environment: Mapping[str, str], home: Path
) -> tuple[FollowedFolder, ...]:
    """The folders and files in which programs keep their history, each once; some do not exist."""
    found: dict[Path, FollowedFolder] = {}
    for known in formats:
        for name in known.homes:
            path = _expanded(name, environment, home)
            if path is not None:
                place = FollowedFolder(path, known.program or known.title)
                found.setdefault(path.resolve(), place)
    return tuple(found.values())


def existing(places: Iterable[FollowedFolder]) -> tuple[FollowedFolder, ...]:
    """The places that exist."""
    return tuple(place for place in places if place.path.exists())


def _expanded(name: str, environment: Mapping[str, str], home: Path) -> Path | None:
    """The path of a home; None if its variable is not set."""
    first, _, rest = name.partition("/")
    if first == "~":
        return home / rest
    value = environment.get(first.removeprefix("$"))
    return Path(os.path.expanduser(value)) / rest if value else None
