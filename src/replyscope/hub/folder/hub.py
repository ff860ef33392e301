"""The hub in a folder. Implements Hub.

Each machine has a folder of its own, in which only it writes. A file is never changed in place,
so a synchronising program may deliver files in any order, late, or in part.
"""

import json
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from replyscope.domain.errors import HubConflict, HubTooNew, HubUnreachable, NotAHub
from replyscope.domain.hub import (
    EntryKind,
    HubEntry,
    HubFault,
    HubStatus,
    LogHead,
    next_head,
)
from replyscope.domain.import_faults import DATA_FAULTS
from replyscope.domain.printable import printable_line
from replyscope.domain.regular_file import read_regular
from replyscope.domain.whole_file import write_whole
from replyscope.hub.folder.bundle import Bundle, BundleDamaged, encode_bundle
from replyscope.hub.folder.compaction import compact, read_bundle, remove_sessions
from replyscope.hub.folder.files import (
    BundleFile,
    bundle_path,
    head_of,
    list_bundles,
    list_machines,
    remove_parts,
    translated,
)

VERSION = 1
_MARKER = "replyscope-hub.json"
_MACHINES = "machines"
_NAME = "name.json"
_CLEANING = "cleaning.json"
_FOREIGN = (".", "~", "desktop.ini", "Thumbs.db", "Icon")
"""The beginnings of names of files that synchronising programs and systems put into any folder."""
_OLD_PART_S = 3_600
_LONGEST_NAME = 80


class FolderHub:
    """A hub in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._faults: list[HubFault] = []
        self._damaged: dict[Path, tuple[int, int]] = {}
        """The size and time of files that were damaged when they were read last."""
        self._read: tuple[Path, tuple[int, int], Bundle] | None = None

    def initialise(self) -> None:
        """See Hub."""
        with translated(self._folder):
            if not self._folder.exists():
                if not self._folder.parent.is_dir():
                    raise HubUnreachable(
                        f"The folder {self._folder.parent} does not exist.",
                        "Create it, or check that the synchronised folder is there.",
                    )
                self._folder.mkdir(mode=0o700)
            if not (self._folder / _MARKER).exists():
                self._refuse_other()
                marker = {"format": "replyscope-hub", "version": VERSION}
                write_whole(self._folder / _MARKER, json.dumps(marker).encode())
            (self._folder / _MACHINES).mkdir(mode=0o700, exist_ok=True)
        self._check()

    def _refuse_other(self) -> None:
        others = [one.name for one in self._folder.iterdir() if not one.name.startswith(_FOREIGN)]
        if others and others != [_MACHINES]:
            raise NotAHub(
                f"{self._folder} is not empty, and no hub: it has "
                f"{printable_line(others[0])[:80]}.",
                "Name an empty folder, or one inside it that does not exist yet.",
            )

    def _check(self) -> None:
        """Check that the folder is a hub of a known version. Raises HubError."""
        with translated(self._folder):
            if not self._folder.is_dir():
                raise HubUnreachable(
                    f"The hub folder {self._folder} does not exist.",
                    "Check that it is mounted and that its program runs; replyscope tries again.",
                )
            try:
                marker = json.loads(read_regular(self._folder / _MARKER, 10_000))
                known, version = marker["format"] == "replyscope-hub", int(marker["version"])
            except FileNotFoundError:
                raise NotAHub(
                    f"{self._folder} has no hub.", "Create one with `replyscope hub init`."
                ) from None
            except DATA_FAULTS as error:
                if isinstance(error, OSError):
                    raise
                raise NotAHub(
                    f"The file {self._folder / _MARKER} is damaged or not complete yet.",
                    "Wait until the folder is synchronised, or delete the file and run "
                    "`replyscope hub init` again.",
                ) from error
        if not known or version < 1:
            raise NotAHub(f"{self._folder} belongs to another program.", "Name another folder.")
        if version > VERSION:
            raise HubTooNew(
                f"The hub in {self._folder} was made by a newer replyscope (version {version}, "
                f"this one knows {VERSION}).",
                "Update replyscope on this machine.",
            )

    def status(self) -> HubStatus:
        """See Hub."""
        self._check()
        with translated(self._folder):
            root = self._folder / _MACHINES
            machines = list_machines(root)
            heads = {one: head_of(list_bundles(root / one)) for one in machines}
            names = {one: self._name_of(one) for one in machines}
        return HubStatus("folder", VERSION, names, heads)

    def _name_of(self, machine: str) -> str:
        try:
            value = json.loads(read_regular(self._of(machine) / _NAME, 10_000))
            return printable_line(str(value["name"]))[:_LONGEST_NAME]
        except DATA_FAULTS:
            return ""

    def _of(self, machine: str) -> Path:
        return self._folder / _MACHINES / machine

    def push(
        self, machine: str, name: str, entries: Sequence[HubEntry], before: LogHead
    ) -> LogHead:
        """See Hub."""
        self._check()
        folder = self._of(machine)
        with translated(self._folder):
            folder.mkdir(mode=0o700, exist_ok=True)
            self._finish_cleaning(folder, machine)
            head = head_of(list_bundles(folder))
            after = next_head(before, entries)
            if head == after:
                return after
            if head != before:
                raise HubConflict(
                    "The log of this machine on the hub has another end than the one it wrote.",
                    "It continues as a new machine; nothing is lost.",
                )
            if not entries:
                return before
            purged = [entry.session_id for entry in entries if entry.kind is EntryKind.PURGE]
            if purged:
                self._begin_cleaning(folder, purged, after.number)
            data = encode_bundle(machine, before.number + 1, after, entries)
            write_whole(bundle_path(folder, before.number + 1, after), data)
        self._tidy(folder, machine, name)
        return after

    def _tidy(self, folder: Path, machine: str, name: str) -> None:
        """Write the name, and remove what is not needed. The push is done: faults wait."""
        with suppress(OSError):
            if self._name_of(machine) != name[:_LONGEST_NAME]:
                write_whole(folder / _NAME, json.dumps({"name": name[:_LONGEST_NAME]}).encode())
            self._finish_cleaning(folder, machine)
            compact(folder, machine)
            remove_parts(folder, time.time() - _OLD_PART_S)

    def _begin_cleaning(self, folder: Path, session_ids: Sequence[str], upto: int) -> None:
        work = {"sessions": list(session_ids), "upto": upto}
        write_whole(folder / _CLEANING, json.dumps(work).encode())

    def _finish_cleaning(self, folder: Path, machine: str) -> None:
        """Remove the entries of purged sessions, also when the last call was interrupted."""
        path = folder / _CLEANING
        if not path.exists():
            return
        try:
            work = json.loads(read_regular(path, 100_000_000))
            session_ids, upto = [str(one) for one in work["sessions"]], int(work["upto"])
        except (ValueError, LookupError, TypeError):
            session_ids, upto = [], 0
        remove_sessions(folder, machine, session_ids, upto=upto)
        path.unlink(missing_ok=True)

    def withdraw(self, machine: str, session_ids: Sequence[str]) -> None:
        """See Hub."""
        self._check()
        folder = self._of(machine)
        with translated(self._folder):
            if folder.is_dir():
                self._finish_cleaning(folder, machine)
                upto = head_of(list_bundles(folder)).number
                self._begin_cleaning(folder, session_ids, upto)
                self._finish_cleaning(folder, machine)

    def pull(self, machine: str, after: int, limit_bytes: int, upto: int = 0) -> Sequence[HubEntry]:
        """See Hub. A file may have vanished: its program deletes it before the file that replaces
        it arrives.
        """
        with translated(self._folder):
            files = [one for one in list_bundles(self._of(machine)) if one.last > after]
            found: list[HubEntry] = []
            size, reached = 0, after
            whole: list[BundleFile] = []
            for file in files:
                if any(other.holds(file) for other in whole):
                    continue
                if size >= limit_bytes and file.first > reached:
                    break
                if file.first > reached + 1:
                    self._miss(machine, reached + 1, file.first - 1)
                bundle = self._bundle(file, machine)
                reached = max(reached, file.last)
                if bundle is None:
                    self._fail(machine, max(after + 1, file.first), file.last, file.path, "")
                    continue
                whole.append(file)
                # Two archives with one id may have written the same numbers: both are read.
                beside = [one for one in files if one.first <= file.last and file.first <= one.last]
                limit = limit_bytes if len(beside) == 1 else sys.maxsize
                size = self._take(bundle, file, after, limit, size, found)
            else:
                if reached < upto:
                    self._miss(machine, reached + 1, upto)
        return found

    def _take(
        self,
        bundle: Bundle,
        file: BundleFile,
        after: int,
        limit_bytes: int,
        size: int,
        found: list[HubEntry],
    ) -> int:
        """Append the entries of a bundle, up to the limit. Returns the size so far."""
        for block in bundle.blocks:
            if block.last <= after:
                continue
            try:
                entries = bundle.entries(block)
            except BundleDamaged as error:
                self._fail(bundle.machine, block.first, block.last, file.path, str(error))
                continue
            for entry in entries:
                if entry.number > after:
                    if size >= limit_bytes:
                        return size
                    found.append(entry)
                    size += len(entry.body)
        return size

    def _bundle(self, file: BundleFile, machine: str) -> Bundle | None:
        """The bundle of a file; None when it is damaged, or gone meanwhile."""
        try:
            found = file.path.stat()
            stamp = (found.st_size, found.st_mtime_ns)
            if self._read is not None and self._read[:2] == (file.path, stamp):
                return self._read[2]
            if self._damaged.get(file.path) == stamp:
                return None
            try:
                bundle = read_bundle(file, machine)
            except BundleDamaged:
                self._damaged[file.path] = stamp
                return None
        except FileNotFoundError:
            return None
        self._read = (file.path, stamp, bundle)
        return bundle

    def _miss(self, machine: str, first: int, last: int) -> None:
        sentence = f"Entries {first} to {last} of machine {machine} have not arrived yet."
        self._faults.append(HubFault(machine, first, last, sentence))

    def _fail(self, machine: str, first: int, last: int, path: Path, why: str) -> None:
        detail = f" ({why})" if why else ""
        sentence = (
            f"The file {path.name[:40]}… of machine {machine} is damaged or not complete "
            f"yet{detail}; it is read again later."
        )
        self._faults.append(HubFault(machine, first, last, sentence))

    def faults(self) -> Sequence[HubFault]:
        """See Hub."""
        found, self._faults = self._faults, []
        return found

    def close(self) -> None:
        """See Hub."""
        self._read = None
