"""Follows the folders in which other programs write their history, and imports what is new.

The folders are listed again and again; listing takes a bounded part of the time. Files that
changed lately are looked at more often. Logs are read on where they grew; other files are read
again as a whole, at a pace that depends on the time this takes.
"""

import asyncio
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from replyscope.domain.errors import ImportFault, NeedsLibrary, StoreError
from replyscope.domain.foreign import Foreign, Unreadable
from replyscope.domain.import_faults import DATA_FAULTS
from replyscope.domain.import_format import LogFormat
from replyscope.domain.ports import Clock
from replyscope.domain.shared import Shared, Taken
from replyscope.engine.folder_scan import FileStamp, scan, stamp_at
from replyscope.engine.followed_log import FollowedLog
from replyscope.engine.import_files import on_disk
from replyscope.engine.importing import Importer, Tally
from replyscope.engine.sniffing import FormatTable

ROUND_S = 0.3
"""The pause between two rounds, in seconds."""
_SCAN_SHARE = 50
_LEAST_SHARE = 20
_SCAN_MS = 800.0
"""A listing waits for 50 times the duration of the one before. Where that is more than 0.8
seconds, it waits 0.8 seconds, or 20 times the duration if that is longer.
"""
_READ_SHARE = 10
_HOT_S = 600.0
_MOST_HOT = 64
_MOST_OPEN = 32
_DATABASES = (".db", ".sqlite")
_READABLE = (".jsonl", ".jsonl.zst", ".json", *_DATABASES)
_WAL = "-wal"
_COMPRESSED = "logs compressed with zstd"
_HOW_TO_UNPACK = "to read them, install the package: pip install 'replyscope[encodings]'"

Heard = Callable[[Shared, Taken], None]
"""Called for each session, or piece of one, that was new or has grown."""


@dataclass(frozen=True, slots=True)
class FollowedFolder:
    """A folder or a file to follow, and the title of the program that writes it."""

    path: Path
    title: str


@dataclass(slots=True)
class _Seen:
    """The last known state of a file. `again_ms` is the earliest time to read it again."""

    stamp: FileStamp
    again_ms: float = 0.0


@dataclass(slots=True)
class Follower:
    """Follows places until it is stopped. `seen` are the stamps of files read before.

    A folder whose conversations have several files is read as a whole.
    """

    places: tuple[FollowedFolder, ...]
    table: FormatTable
    importer: Importer
    clock: Clock
    heard: Heard
    seen: dict[str, FileStamp] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    is_stopped: bool = False
    _files: dict[str, _Seen] = field(init=False, default_factory=dict)
    _hot: OrderedDict[str, float] = field(init=False, default_factory=OrderedDict)
    _logs: OrderedDict[str, FollowedLog] = field(init=False, default_factory=OrderedDict)
    _rows: dict[str, dict[str, object]] = field(init=False, default_factory=dict)
    """The last known states of the sessions of each database."""
    _whole: dict[Path, bool] = field(init=False, default_factory=dict)
    _faults: set[Unreadable] = field(init=False, default_factory=set)
    _scan_at_ms: float = field(init=False, default=0.0)

    async def look(self) -> bool:
        """Look once, and import what is new. Returns whether something was read.

        Raises StoreError; what was not saved then is read again by the next look.
        """
        now = self.clock.monotonic_ms()
        if now >= self._scan_at_ms:
            found = await asyncio.to_thread(self._scan)
            took = self.clock.monotonic_ms() - now
            self._scan_at_ms = now + min(_SCAN_SHARE * took, max(_SCAN_MS, _LEAST_SHARE * took))
            for path in self._files.keys() - found.keys():
                self._forget(path)
        else:
            found = {path: stamp for path in self._hot if (stamp := self._stamp(path)) is not None}
        changed = [path for path, stamp in found.items() if self._is_due(path, stamp, now)]
        for path in sorted(changed, key=lambda one: found[one].modified_ns):
            if self.is_stopped:
                break
            await self._read(path, found[path])
        return bool(changed)

    def _scan(self) -> dict[str, FileStamp]:
        """The files of all places. A whole folder is one entry, with a stamp of all its files."""
        found: dict[str, FileStamp] = {}
        for place in self.places:
            files = scan(place.path)
            if self._is_folder(place.path, files):
                found[str(place.path)] = _sum_of(files)
                continue
            for path, stamp in files.items():
                if path.endswith(_READABLE):
                    found[path] = _with_journal(path, stamp)
        return found

    def _is_folder(self, root: Path, files: Mapping[str, FileStamp]) -> bool:
        """Whether the files of a place are read together. Decided when it has its first files."""
        if files and root not in self._whole:
            start = len(str(root)) + 1
            names = [path[start:].replace(os.sep, "/") for path in files]
            self._whole[root] = root.is_dir() and self.table.of_folder(names) is not None
        return self._whole.get(root, False)

    def _stamp(self, path: str) -> FileStamp | None:
        stamp = stamp_at(path)
        return _with_journal(path, stamp) if stamp is not None else None

    def _is_due(self, path: str, stamp: FileStamp, now_ms: float) -> bool:
        known = self._files.get(path)
        if known is None and self.seen.get(path) == stamp:
            known = self._files[path] = _Seen(stamp)
        return known is None or (known.stamp != stamp and now_ms >= known.again_ms)

    async def _read(self, path: str, stamp: FileStamp) -> None:
        """Read a new or changed file."""
        began = self.clock.monotonic_ms()
        is_first = path not in self._files
        try:
            known = await asyncio.to_thread(self._format_of, path)
            if known is not None:
                await self._read_log(path, stamp, known)
            else:
                await self._read_whole(path, stamp)
        except (*DATA_FAULTS, ImportFault) as error:
            if isinstance(error, OSError) and not os.path.lexists(path):
                return
            if isinstance(error, NeedsLibrary):
                self._fail(Unreadable(_COMPRESSED, _HOW_TO_UNPACK))
                self._files[path] = _Seen(stamp)  # not `seen`: the next start may have the library
                return
            if not isinstance(error, ImportFault):  # a file of another kind is no failure
                self._fail(Unreadable(Path(path).name, str(error)))
        except StoreError:  # its reader has handed out pieces that are not saved
            self._logs.pop(path, None)
            raise
        if self.is_stopped:
            return
        now = self.clock.monotonic_ms()
        wait = 0.0 if path in self._logs else _READ_SHARE * (now - began)
        self._files[path] = _Seen(stamp, now + wait)
        self.seen[path] = stamp
        if not is_first or self._is_recent(stamp):
            self._warm(path, now)
        else:
            self._logs.pop(path, None)

    def _is_recent(self, stamp: FileStamp) -> bool:
        return self.clock.now().timestamp() - stamp.modified_ns / 1e9 < _HOT_S

    def _warm(self, path: str, now_ms: float) -> None:
        """Look at a file in each round for a while; the reader of a cold log is dropped."""
        self._hot[path] = now_ms
        self._hot.move_to_end(path)
        while len(self._hot) > _MOST_HOT or now_ms - next(iter(self._hot.values())) > _HOT_S * 1e3:
            cold, _ = self._hot.popitem(last=False)
            self._logs.pop(cold, None)

    def _format_of(self, path: str) -> LogFormat | None:
        if path in self._logs or not path.endswith(".jsonl") or os.path.isdir(path):
            return self._logs[path].known if path in self._logs else None
        known = self.table.of_file(on_disk(Path(path), path))
        return known if isinstance(known, LogFormat) else None

    async def _read_log(self, path: str, stamp: FileStamp, known: LogFormat) -> None:
        log = self._logs.setdefault(path, FollowedLog(Path(path), path.replace(os.sep, "/"), known))
        self._logs.move_to_end(path)
        while len(self._logs) > _MOST_OPEN:
            self._logs.popitem(last=False)
        chunks = log.read(stamp)
        while (items := await asyncio.to_thread(next, chunks, None)) is not None:
            for item in items:
                await self._import(self.importer.session_of(item))
            if self.is_stopped:  # the rest is read by the next start
                chunks.close()
                self._logs.pop(path)
                return

    async def _read_whole(self, path: str, stamp: FileStamp) -> None:
        known, new = self._rows.setdefault(path, {}), dict[str, object]()

        def wants(key: str, state: object) -> bool:
            new[key] = state
            return known.get(key) != state

        batch = await asyncio.to_thread(self.importer.read, Path(path), wants)
        while (item := await asyncio.to_thread(next, batch.items, None)) is not None:
            if isinstance(item, Unreadable) and self._stamp(path) != stamp:
                return  # it was being written: the next round reads it
            await self._import(item)
            if self.is_stopped:
                return
        self._rows[path] = new

    def _fail(self, fault: Unreadable) -> None:
        """Count a fault once, however often the file is read again."""
        if fault not in self._faults:
            self._faults.add(fault)
            self.tally.failed.append(fault)

    async def _import(self, item: Foreign) -> None:
        if isinstance(item, Unreadable):
            self._fail(item)
            return
        taken = await self.importer.add(item, self.tally)
        if taken is None:
            self._fail(self.tally.failed.pop())
        elif taken in (Taken.NEW, Taken.GROWN):
            self.heard(item, taken)

    def _forget(self, path: str) -> None:
        self._files.pop(path, None)
        self._hot.pop(path, None)
        self._logs.pop(path, None)
        self._rows.pop(path, None)
        self.seen.pop(path, None)


def _with_journal(path: str, stamp: FileStamp) -> FileStamp:
    """The stamp of a file; the stamp of a database includes its journal."""
    beside = stamp_at(path + _WAL) if path.endswith(_DATABASES) else None
    return _sum_of({path: stamp, path + _WAL: beside}) if beside is not None else stamp


def _sum_of(files: Mapping[str, FileStamp | None]) -> FileStamp:
    """One stamp for several files: it changes when one of them does."""
    stamps = [stamp for stamp in files.values() if stamp is not None]
    return FileStamp(
        0,
        hash(tuple((s.device, s.inode) for s in stamps)),
        sum(s.size for s in stamps),
        max((s.modified_ns for s in stamps), default=0),
    )
