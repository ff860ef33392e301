"""The quiet sync of the app: after each ending, and when other machines have news."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from replyscope.cli.hub_opening import log_of, sync_of
from replyscope.cli.wiring import Wiring
from replyscope.domain.errors import (
    HubError,
    HubFull,
    HubLocked,
    HubReadOnly,
    HubRefused,
    HubTooNew,
    HubUnreachable,
    NotAHub,
    ReplyscopeError,
)
from replyscope.engine.hub.following import ROUND_S, HubFollower
from replyscope.engine.hub.sync import SyncReport

_log = logging.getLogger("replyscope.hub")
_PAUSE_S = 60.0
"""The pause after an error that is not of the hub, such as one in the settings."""
_WORDS: tuple[tuple[type[HubError], str], ...] = (
    (HubUnreachable, "unreachable"),
    (HubFull, "full"),
    (HubReadOnly, "read-only"),
    (HubRefused, "access refused"),
    (HubTooNew, "another version"),
    (HubLocked, "no key"),
    (NotAHub, "not found"),
)


async def follow_quietly(wiring: Wiring, show: Callable[[str], None]) -> None:
    """Synchronise until the archive leaves the hub, or the task is cancelled. `show` gets the
    state for the status line; an empty text without a hub.
    """
    try:
        while (membership := await log_of(wiring).membership()) is not None:
            await _follow(wiring, membership.url, show)
        show("")
    except ReplyscopeError as error:
        _log.warning("the hub is off: %s", error)
        show("hub: off")
        await asyncio.sleep(_PAUSE_S)


async def _follow(wiring: Wiring, url: str, show: Callable[[str], None]) -> None:
    """Synchronise with one hub, until the archive takes part in another or in none."""
    sync = sync_of(wiring, url)
    follower = HubFollower(sync, wiring.review, wiring.library, wiring.clock)

    def hear(report: SyncReport | None, error: HubError | None) -> None:
        if error is not None:
            _log.warning("%s", error)
            show(f"hub: {_word(error)}")
        elif report is not None and not report.is_elsewhere:
            show(_state(report, wiring.clock.now()))

    stopped = asyncio.Event()
    following = asyncio.create_task(follower.follow(hear, stopped))
    try:
        while not following.done():
            await asyncio.wait([following], timeout=ROUND_S)
            membership = await sync.log.membership()
            if membership is None or membership.url != url:
                stopped.set()
        await following
    finally:
        following.cancel()
        await asyncio.wait([following])


def _word(error: HubError) -> str:
    return next((word for kind, word in _WORDS if isinstance(error, kind)), "failed")


def _state(report: SyncReport, now: datetime) -> str:
    if report.faults or report.unsent:
        return "hub: incomplete"
    return f"hub: synced {now.astimezone():%H:%M}"
