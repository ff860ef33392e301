"""The manifest of a backup: its files, each with its size and its SHA-256."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from replyscope.domain.errors import BackupFault
from replyscope.domain.json_text import read_bounded_json

_NAME = "replyscope-backup"
_VERSION = 1
MANIFEST = "manifest.json"
_FOLDERS = ("files", "prompts")
_PLAIN = re.compile(r"[^/\\:\x00-\x1f\x7f]{1,200}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MOST_BYTES = 2**62


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """A file of a backup. `name` is files/NAME or prompts/NAME, empty for the database."""

    name: str
    size: int
    digest: str

    @property
    def folder(self) -> str:
        """The first part of the name."""
        return self.name.partition("/")[0]

    @property
    def own_name(self) -> str:
        """The name without the folder."""
        return self.name.partition("/")[2]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The contents of a backup. `schema` is the version of the database, `kept_files` the folder
    of the kept files at the time of the backup: saved replies name them with their whole path.
    """

    made_at: str
    program: str
    schema: int
    kept_files: str
    database: ManifestEntry
    entries: tuple[ManifestEntry, ...]

    @property
    def total_bytes(self) -> int:
        """The size of all files together."""
        return self.database.size + sum(one.size for one in self.entries)

    def as_json(self) -> dict[str, Any]:
        """The JSON object that `parse_manifest` reads."""
        return {
            "format": f"{_NAME}/{_VERSION}",
            "made_at": self.made_at,
            "program": self.program,
            "schema": self.schema,
            "kept_files": self.kept_files,
            "database": {"bytes": self.database.size, "sha256": self.database.digest},
            "files": [
                {"name": one.name, "bytes": one.size, "sha256": one.digest} for one in self.entries
            ],
        }


def parse_manifest(text: bytes, known_schema: int) -> Manifest:
    """The manifest of a backup. Raises BackupFault: it is foreign, newer, or damaged."""
    try:
        value = read_bounded_json(text)
        name, _, version = str(value["format"]).partition("/")
        if name != _NAME or not version.isdecimal():
            raise ValueError("its format is unknown")
        if int(version) > _VERSION or int(value["schema"]) > known_schema:
            raise BackupFault("A newer replyscope wrote this backup.", "Update replyscope.")
        return Manifest(
            made_at=str(value["made_at"]),
            program=str(value["program"]),
            schema=int(value["schema"]),
            kept_files=str(value["kept_files"]),
            database=_entry({"name": "", **value["database"]}),
            entries=_entries(value["files"]),
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise BackupFault(f"The manifest of this backup is damaged ({error}).") from error


def _entries(values: list[Mapping[str, Any]]) -> tuple[ManifestEntry, ...]:
    entries = tuple(map(_entry, values))
    for one in entries:
        is_plain = _PLAIN.fullmatch(one.own_name) and one.own_name not in (".", "..")
        if one.folder not in _FOLDERS or not is_plain:
            raise ValueError(f"{one.name!r} is not a file of a backup")
    if len({one.name.lower() for one in entries}) < len(entries):
        raise ValueError("a file is listed twice")
    return entries


def _entry(value: Mapping[str, Any]) -> ManifestEntry:
    size, digest = value["bytes"], value["sha256"]
    if type(size) is not int or not 0 <= size < _MOST_BYTES or not _DIGEST.fullmatch(digest):
        raise ValueError("a size or a digest is invalid")
    return ManifestEntry(str(value["name"]), size, digest)
