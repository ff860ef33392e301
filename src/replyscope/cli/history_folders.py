"""Finds the folders in which other programs keep their history on this machine."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from replyscope.domain.import_format import Format
from replyscope.engine.following import Place


def find_places(
    formats: Iterable[Format], environment: Mapping[str, str], home: Path
) -> tuple[Place, ...]:
    """The folders and files that exist, each once."""
    found: dict[Path, Place] = {}
    for known in formats:
        for name in known.homes:
            path = _expanded(name, environment, home)
            if path is not None and path.exists():
                found.setdefault(path.resolve(), Place(path, known.program or known.title))
    return tuple(found.values())


def _expanded(name: str, environment: Mapping[str, str], home: Path) -> Path | None:
    """The path of a home; None if its variable is not set."""
    first, _, rest = name.partition("/")
    if first == "~":
        return home / rest
    value = environment.get(first.removeprefix("$"))
    return Path(os.path.expanduser(value)) / rest if value else None
