"""Synchronises repeatedly: for `hub sync --follow`, and in the background of the app."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from replyscope.domain.errors import HubError, StoreError
from replyscope.domain.library import Library
from replyscope.domain.ports import Clock
from replyscope.engine.hub.sync import HubSync, SyncReport, ignore_progress
from replyscope.engine.review import Review

ROUND_S = 2.0
"""The pause between two looks for changes of this machine."""
_OTHERS_S = 10.0
"""The longest time between two looks for changes of other machines."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 5.0, 300.0
Heard = Callable[[SyncReport | None, HubError | None], None]
"""Called after each sync with its report, or with the error that ended it."""


@dataclass(slots=True)
class HubFollower:
    """Runs syncs, and the work after them: the files and free pages of purged sessions."""

    sync: HubSync
    review: Review
    library: Library
    clock: Clock
    _seen: int = field(init=False, default=-1)
    _synced_ms: float = field(init=False, default=0.0)

    async def once(self, progress: Callable[[SyncReport], None] = ignore_progress) -> SyncReport:
        """Synchronise once. Raises HubError, StoreError, SettingsError."""
        self._seen = await self.sync.log.newest_change()
        report = await self.sync.sync(progress)
        self._synced_ms = self.clock.monotonic_ms()
        if report.applied.purged:
            self.review.delete_files(report.applied.purged_files)
            await self.library.finish_purge()
        return report

    async def follow(self, hear: Heard, stopped: asyncio.Event) -> None:
        """Synchronise whenever something changed, until `stopped` is set.

        After an error the pause doubles, up to five minutes. Raises StoreError for the first sync.
        """
        wait_s = 0.0
        is_first = True
        while not stopped.is_set():
            try:
                if wait_s or await self._is_due():
                    hear(await self.once(), None)
                wait_s = 0.0
            except HubError as error:
                hear(None, error)
                wait_s = min(max(_FIRST_WAIT_S, 2 * wait_s), _LONGEST_WAIT_S)
            except StoreError:
                if is_first:
                    raise
                wait_s = _FIRST_WAIT_S  # the disk may be full, or a search was cancelled
            is_first = False
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), wait_s or ROUND_S)

    async def _is_due(self) -> bool:
        """Whether something changed here, or the others were not looked at for a while."""
        newest = await self.sync.log.newest_change()
        if self.clock.monotonic_ms() - self._synced_ms > _OTHERS_S * 1_000 or self._seen < 0:
            return True
        return newest != self._seen
