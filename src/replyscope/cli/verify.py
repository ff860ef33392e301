"""`replyscope verify`: checks the archive or a backup, and mends what can be mended."""

import argparse
import asyncio
import json
from pathlib import Path

from replyscope.cli.opening import open_to_read
from replyscope.cli.parser import EXIT_OK, EXIT_STORE
from replyscope.cli.report import show_indexing, show_progress
from replyscope.cli.wiring import Wiring, describe, translate_frames
from replyscope.domain.errors import SettingsError, StoreCorrupt, StoreReadOnly
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.typed_path import typed_path
from replyscope.domain.verifying import Fault, FaultKind
from replyscope.engine.verifying import FileFault, Verified, verify
from replyscope.store.backup.checking import check_backup
from replyscope.store.checks import SqliteChecks

_MOST_SHOWN = 200


async def run_verify(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Verify the archive or a backup. Returns the exit status. Raises StoreError."""
    if arguments.file is not None:
        if arguments.repair:
            raise SettingsError(
                "A backup can't be repaired.", "Restore it, then use `verify --repair`."
            )
        return await _verify_backup(typed_path(arguments.file), as_json=arguments.json)
    if not wiring.paths.database.exists():
        raise StoreReadOnly(f"There are no saved sessions in {wiring.paths.data}.")
    await open_to_read(wiring)
    checks = SqliteChecks(wiring.store.database.read, describe)
    found = Verification(as_json=arguments.json)
    await found.run(checks)
    if arguments.repair and any(fault.is_mendable for fault in found.faults):
        await _repair(wiring, found)
        mended = len([fault for fault in found.faults if fault.is_mendable])
        left = Verification(as_json=arguments.json, mended=mended)
        await left.run(checks)
        found = left
    found.report()
    return EXIT_STORE if found.faults else EXIT_OK


async def _repair(wiring: Wiring, found: "Verification") -> None:
    """Save the replies that were rebuilt from their frames, and rebuild the index."""
    for exchange in found.verified.rebuilt:
        await wiring.store.close_unfinished(exchange)
    await wiring.index.rebuild(show_indexing)


class Verification:
    """The faults of one verification. Each is printed when it is found."""

    def __init__(self, *, as_json: bool, mended: int = 0) -> None:
        self._as_json = as_json
        self._mended = mended
        self.verified = Verified()
        self.faults: list[Fault] = []

    async def run(self, checks: SqliteChecks, file_fault: FileFault | None = None) -> None:
        """Verify, and keep the faults. Raises StoreError."""
        try:
            async for fault in verify(checks, translate_frames, self.verified, _show, file_fault):
                self.add(fault)
        except StoreCorrupt as error:  # what SQLite can't read ends the checks
            self.add(Fault(FaultKind.DATABASE, error.message.rstrip(".")))
        finally:
            show_progress()

    def add(self, fault: Fault) -> None:
        """Keep a fault and print it."""
        self.faults.append(fault)
        if not self._as_json and len(self.faults) <= _MOST_SHOWN:
            show_progress()
            print(printable_line(_line(fault)), flush=True)

    def report(self) -> None:
        """Print the sums, or everything as JSON."""
        verified = self.verified
        if self._as_json:
            print(json.dumps(self._object(), indent=2))
            return
        counts = (
            plural(verified.replies, "reply"),
            plural(verified.journals, "journal"),
            plural(verified.files, "kept file"),
        )
        print(f"Checked {', '.join(counts)}.")
        if self._mended:
            print(f"{plural(self._mended, 'fault')} mended.")
        found = [fault for fault in self.faults if fault.is_mendable]
        print(f"{plural(len(self.faults), 'fault')} found." if self.faults else "No faults found.")
        if found:
            print(f"`replyscope verify --repair` can mend {len(found):,} of them.")

    def _object(self) -> dict[str, object]:
        return {
            "replies": self.verified.replies,
            "journals": self.verified.journals,
            "files": self.verified.files,
            "mended": self._mended,
            "faults": [
                {
                    "kind": fault.kind.value,
                    "what": fault.what,
                    "session_id": fault.session_id or None,
                    "id": fault.id or None,
                    "is_mendable": fault.is_mendable,
                }
                for fault in self.faults
            ],
        }


def _line(fault: Fault) -> str:
    place = f" of session {fault.session_id}" if fault.session_id else ""
    named = f"{fault.id}{place}: " if fault.id else ""
    return f"{fault.kind.value:<9} {named}{fault.what}"


def _show(done: int) -> None:
    show_progress(f"verifying, {plural(done, 'reply')} checked")


async def _verify_backup(path: Path, *, as_json: bool) -> int:
    """Check the files of a backup, then its database in place."""
    found = Verification(as_json=as_json)
    show_progress("reading the backup")
    with check_backup(path) as backup:
        for name in await asyncio.to_thread(backup.damaged_files):
            found.add(Fault(FaultKind.FILE, f"{name} is not what was saved"))

        checks = SqliteChecks(backup.read, describe)
        await found.run(checks, backup.file_fault)
    found.report()
    return EXIT_STORE if found.faults else EXIT_OK
