"""Opens the archive for the commands that only read it, and for those of the hub."""

import argparse

from replyscope.cli.wiring import Wiring, translate_frames
from replyscope.domain.errors import StoreError, StoreFull, StoreReadOnly
from replyscope.engine.recovery import recover


async def open_to_read(wiring: Wiring) -> None:
    """Open the store. A read-only file or a full disk is an error only if reading fails too.

    Raises StoreError.
    """
    try:
        await wiring.store.open()
        await recover(wiring.store, translate_frames)
    except (StoreReadOnly, StoreFull) as error:
        try:
            await wiring.store.list_sessions(limit=1)
        except StoreError:
            raise error from None


async def open_for_hub(arguments: argparse.Namespace, wiring: Wiring) -> None:
    """Open the store for an action of `replyscope hub`. The state and a dry run only read it.

    Raises StoreError.
    """
    if arguments.action == "status" or getattr(arguments, "dry_run", False):
        await open_to_read(wiring)
        return
    try:
        await wiring.store.open()
        await recover(wiring.store, translate_frames)
    except StoreReadOnly as error:
        raise StoreReadOnly(
            error.message,
            "The hub was not asked: each step of a sync is noted in this file first. Make its "
            "disk and folder writable, then run the command again. `replyscope hub status` and "
            "`hub sync --dry-run` only read.",
        ) from error
