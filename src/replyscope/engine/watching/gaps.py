"""Counts the watched calls that are not saved."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from replyscope.domain.errors import StoreError
from replyscope.engine.watching.call import WatchedCall

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gap:
    """The number of unsaved calls: `waiting` for the store, and `lost` wholly or in part.
    `reason` is the error of the call that waits longest: those after it may wait only for it.
    """

    waiting: int
    lost: int
    reason: str


class Gaps:
    """The calls that wait for the store, and the number of lost ones. `listen` gets each change."""

    def __init__(self, listen: Callable[[Gap], None]) -> None:
        self._listen = listen
        self._waiting: dict[str, str] = {}
        """The error of each call that waits, by its id."""
        self._lost = 0

    @property
    def now(self) -> Gap:
        """The current gap."""
        reason = next(iter(self._waiting.values()), "")
        return Gap(len(self._waiting), self._lost, reason)

    def wait(self, call: WatchedCall, error: StoreError) -> None:
        """A call could not be saved yet."""
        self._waiting[call.request.id] = str(error)
        self._listen(self.now)

    def saved(self, call: WatchedCall) -> None:
        """A call is saved, perhaps without the parts that exceeded the memory limit."""
        was_waiting = self._waiting.pop(call.request.id, None) is not None
        self._lost += call.dropped > 0
        if was_waiting or call.dropped:
            self._listen(self.now)

    def lose(self, call: WatchedCall, reason: str = "") -> None:
        """A call will not be saved."""
        known = self._waiting.pop(call.request.id, "")
        reason = reason or known
        self._lost += 1
        _log.warning("call %s is lost: %s", call.request.id, reason)
        self._listen(Gap(len(self._waiting), self._lost, reason))
