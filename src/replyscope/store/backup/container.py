"""The file of a backup: a SQLite database, followed by a ZIP archive.

SQLite ignores what follows the last page of a database, and a ZIP archive may begin anywhere in
a file. So SQLite programs open a backup as a database, `unzip` lists and extracts the kept files
and the prompts, and the database is written once, in place. Entries are not compressed:
unpacking can't yield more bytes than the file has.
"""

import hashlib
import json
import os
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from replyscope.domain.errors import BackupFault
from replyscope.domain.regular_file import NotRegularError, open_regular
from replyscope.store.backup.manifest import MANIFEST, Manifest, ManifestEntry, parse_manifest

PAUSE_AFTER = 4 * 2**20
"""The bytes that are copied between two pauses."""
_MOST_DIRECTORY = 64 * 2**20
_HEAD = b"SQLite format 3\0"
_END, _LOCATOR, _END_64 = b"PK\5\6", b"PK\6\7", b"PK\6\6"
_END_SIZE, _TAIL = 22, 22 + 20 + 56
_BEGINNING = (1980, 1, 1, 0, 0, 0)

Pause = Callable[[], None]
"""Called after some megabytes. It may wait; an exception that it raises ends the work."""


def no_pause() -> None:
    """Continue at once."""


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Writable(Protocol):
    def write(self, data: bytes, /) -> object: ...


def copy(source: _Readable, target: _Writable | None, size: int, pause: Pause) -> str:
    """Copy `size` bytes. Returns their SHA-256. Without a target it only reads them.

    Raises EOFError if the source is shorter.
    """
    digest = hashlib.sha256()
    left = size
    while left:
        data = source.read(min(left, PAUSE_AFTER))
        if not data:
            raise EOFError
        digest.update(data)
        if target is not None:
            target.write(data)
        left -= len(data)
        pause()
    return digest.hexdigest()


def append_files(
    file: BinaryIO,
    files: Iterable[tuple[str, Path]],
    describe: Callable[[tuple[ManifestEntry, ...]], Manifest],
    pause: Pause,
) -> Manifest:
    """Write the ZIP archive at the end of a file: files by name, then the manifest.

    A file that was deleted meanwhile, or is not a regular file, is left out.
    """
    file.seek(0, os.SEEK_END)
    entries: list[ManifestEntry] = []
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, path in files:
            try:
                source = open_regular(path)
            except (FileNotFoundError, NotRegularError):
                continue
            with source, archive.open(_info(name), "w", force_zip64=True) as target:
                size = os.fstat(source.fileno()).st_size
                entries.append(ManifestEntry(name, size, copy(source, target, size, pause)))
        manifest = describe(tuple(entries))
        text = json.dumps(manifest.as_json(), indent=1)
        archive.writestr(_info(MANIFEST), text)
    return manifest


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _BEGINNING)
    info.external_attr = 0o600 << 16
    return info


class BackupFile:
    """An open backup whose structure was checked; its content is checked by reading it."""

    def __init__(self, file: BinaryIO, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self._file = file
        self._archive = archive
        self.manifest = manifest

    def extract(self, entry: ManifestEntry, target: BinaryIO | None, pause: Pause) -> bool:
        """Copy a file of the backup. Returns whether it is undamaged. Raises OSError.

        Without a target it only reads the file.
        """
        try:
            if not entry.name:
                self._file.seek(0)
                return copy(self._file, target, entry.size, pause) == entry.digest
            with self._archive.open(entry.name) as source:
                return copy(source, target, entry.size, pause) == entry.digest
        except (zipfile.BadZipFile, EOFError):
            return False


@contextmanager
def open_backup(path: Path, known_schema: int) -> Iterator[BackupFile]:
    """Open a backup and check its structure. Raises BackupFault with the reason, and OSError."""
    with open_regular(path) as file:
        _check_ends(file)
        try:
            with zipfile.ZipFile(file) as archive:
                manifest = _read_manifest(archive, known_schema)
                _check_sizes(archive, manifest, os.fstat(file.fileno()).st_size)
                yield BackupFile(file, archive, manifest)
        except (zipfile.BadZipFile, NotImplementedError, struct.error, EOFError) as error:
            raise BackupFault(f"This backup is damaged ({error}).") from error


def _check_ends(file: BinaryIO) -> None:
    """Check the first and last bytes, before the archive's directory is read into memory."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if file.read(len(_HEAD)) != _HEAD:
        raise BackupFault("This is not a backup of replyscope.")
    file.seek(max(0, size - _TAIL))
    tail = file.read(_TAIL)
    end = tail[-_END_SIZE:]
    if not end.startswith(_END):
        raise BackupFault(
            "The end of a backup is missing: the file was cut, or it is another database."
        )
    directory = int(struct.unpack("<4s4H2LH", end)[5])
    if tail[-42:-22].startswith(_LOCATOR) and tail.startswith(_END_64):
        directory = int(struct.unpack("<4sQ2H2L4Q", tail[:56])[8])
    if directory > _MOST_DIRECTORY:
        raise BackupFault("The list of files in this backup is too large.")


def _read_manifest(archive: zipfile.ZipFile, known_schema: int) -> Manifest:
    try:
        info = archive.getinfo(MANIFEST)
    except KeyError:
        raise BackupFault("This is not a backup of replyscope: it has no manifest.") from None
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > _MOST_DIRECTORY:
        raise BackupFault("The manifest of this backup is too large.")
    with archive.open(info) as source:
        return parse_manifest(source.read(info.file_size), known_schema)


def _check_sizes(archive: zipfile.ZipFile, manifest: Manifest, size: int) -> None:
    """Check that the archive has exactly the manifest's files, uncompressed and complete."""
    expected = {one.name: one.size for one in manifest.entries}
    infos = [info for info in archive.infolist() if info.filename != MANIFEST]
    found = {info.filename: info.file_size for info in infos}
    is_plain = all(info.compress_type == zipfile.ZIP_STORED for info in infos)
    is_unique = len(archive.infolist()) == len(expected) + 1
    if found != expected or not is_unique or not is_plain:
        raise BackupFault("The files in this backup differ from its manifest.")
    if manifest.total_bytes > size:
        raise BackupFault("This backup is smaller than its manifest says.")
