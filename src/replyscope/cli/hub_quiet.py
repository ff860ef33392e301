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
    HubTooNew,
    HubUnreachable,
    NotAHub,
    ReplyscopeError,
)
from replyscope.engine.hub.following import HubFollower
from replyscope.engine.hub.sync import SyncReport

_log = logging.getLogger("replyscope.hub")
_WORDS: tuple[tuple[type[HubError], str], ...] = (
    (HubUnreachable, "unreachable"),
    (HubFull, "full"),
    (HubReadOnly, "read-only"),
    (HubTooNew, "made by a newer version"),
    (HubLocked, "no key"),
    (NotAHub, "not found"),
)


async def follow_quietly(wiring: Wiring, show: Callable[[str], None]) -> None:
    """Synchronise until the task is cancelled. `show` gets the state for the status line."""
    try:
        membership = await log_of(wiring).membership()
        if membership is None:
            return
        sync = sync_of(wiring, membership.url)
        follower = HubFollower(sync, wiring.review, wiring.library, wiring.clock)

        def hear(report: SyncReport | None, error: HubError | None) -> None:
            if error is not None:
                _log.warning("%s", error)
                show(f"hub: {_word(error)}")
            elif report is not None and not report.is_elsewhere:
                show(_state(report, wiring.clock.now()))

        await follower.follow(hear, asyncio.Event())
    except ReplyscopeError as error:
        _log.warning("the hub is off in this run: %s", error)
        show("hub: off")


def _word(error: HubError) -> str:
    return next((word for kind, word in _WORDS if isinstance(error, kind)), "failed")


def _state(report: SyncReport, now: datetime) -> str:
    if report.faults:
        return "hub: incomplete"
    return f"hub: synced {now.astimezone():%H:%M}"
