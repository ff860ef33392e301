"""Opens the archive: only to read, for the hub, and for a chat that may not be able to save."""

import argparse

from replyscope.cli.wiring import Wiring, translate_frames
from replyscope.domain.errors import StoreError, StoreFull, StoreReadOnly
from replyscope.engine.recovery import recover

_READABLE = (
    "Nothing new is saved; saved sessions can be read. New ones are private: export or copy what "
    "you need."
)


async def open_to_read(wiring: Wiring) -> None:
    """Open the store. A read-only file or a full disk is an error only if reading fails too.

    Raises StoreError.
    """
    try:
        await wiring.store.open()
        await recover(wiring.store, translate_frames)
    except (StoreReadOnly, StoreFull) as error:
        if not await _is_readable(wiring):
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


async def open_to_chat(wiring: Wiring) -> None:
    """Open the store. If it can only be read, new sessions are private. If it can't be read either,
    the file is left alone, and everything is kept in memory.

    Raises the StoreError that says why nothing is saved in this run.
    """
    try:
        await wiring.store.open()
    except StoreError as error:
        if isinstance(error, StoreReadOnly | StoreFull) and await _is_readable(wiring):
            wiring.archive.keep_nothing()
            raise type(error)(f"{_READABLE} {error.message}", _start_again(error)) from error
        await wiring.store.go_private()
        if isinstance(error, StoreFull):
            raise StoreFull(error.message, _start_again(error)) from error
        raise


def _start_again(error: StoreError) -> str:
    """What to do about an error: saving does not resume in this run."""
    is_full = isinstance(error, StoreFull)
    return "Free some space, then start again." if is_full else error.next_step


async def _is_readable(wiring: Wiring) -> bool:
    try:
        await wiring.store.list_sessions(limit=1)
    except StoreError:
        return False
    return True
