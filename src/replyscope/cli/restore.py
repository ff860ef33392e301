"""`replyscope restore`: restores a backup into the data folder."""

import argparse
import asyncio
import json

from replyscope.cli.backup import places_of
from replyscope.cli.parser import EXIT_OK
from replyscope.cli.report import show_progress
from replyscope.cli.wiring import Wiring
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.typed_path import typed_path
from replyscope.store.backup.restoring import Restored, restore_backup


async def run_restore(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Restore a backup. Returns the exit status. Raises StoreError."""
    stamp = wiring.clock.now().astimezone().strftime("%Y-%m-%d-%H%M%S")
    show_progress("restoring")
    try:
        restored = await asyncio.to_thread(
            restore_backup,
            typed_path(arguments.file),
            places_of(wiring.paths),
            stamp,
            replaces=arguments.replace,
        )
    finally:
        show_progress()
    await wiring.store.open()  # migrates an older backup
    _report(restored, as_json=arguments.json)
    return EXIT_OK


def _report(restored: Restored, *, as_json: bool) -> None:
    if as_json:
        values = {
            "made_at": restored.made_at,
            "sessions": restored.sessions,
            "files": restored.kept_files,
            "prompts": restored.prompts,
            "replaced": str(restored.aside) if restored.aside else None,
        }
        print(json.dumps(values))
        return
    counts = (
        plural(restored.sessions, "session"),
        plural(restored.kept_files, "file"),
        plural(restored.prompts, "prompt"),
    )
    print(printable_line(f"Restored {', '.join(counts)} of the backup from {restored.made_at}."))
    if restored.aside is not None:
        print(printable_line(f"The replaced sessions are in {restored.aside}."))
