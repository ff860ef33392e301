"""Opens the archive for the commands that only read it."""

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
