"""What the next sync would send to the hub, and what it would show to the team, in words."""

import argparse
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any

from replyscope.cli.hub_opening import opened_hub
from replyscope.cli.result import print_result
from replyscope.domain.errors import HubError
from replyscope.domain.hub import Hub, TeamHub
from replyscope.domain.hub_log import Waiting
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.engine.hub.calls import HubThread
from replyscope.engine.hub.sync import HubSync
from replyscope.engine.hub.team import TeamChange

_MOST_LISTED = 20


async def show_waiting(arguments: argparse.Namespace, sync: HubSync, url: str) -> None:
    """Print what a sync would do; nothing is sent. Raises StoreError, SettingsError."""
    waiting = await sync.log.waiting(await sync.leaving.sessions())
    change = await _team_change(sync, url)
    listed = [
        f"{key}  {plural(replies, 'reply'):>12}  {title}" for key, title, replies in waiting.titles
    ]
    lines = [f"Would send {waiting_sentence(waiting)}.", *_listed(listed, waiting.sessions)]
    sessions = [
        {"id": key, "title": title, "replies": replies} for key, title, replies in waiting.titles
    ]
    fields: dict[str, Any] = {**waiting_counts(waiting), "listed": sessions}
    if change is not None:
        lines += _team_lines(change)
        fields["team"] = team_counts(change)
    print_result(arguments, fields, "\n".join(lines))


async def _team_change(sync: HubSync, url: str) -> TeamChange | None:
    """What the next sync changes for the team of a hub, which is asked if it can be reached."""
    before: Collection[str] | None = None
    if sync.leaving.has_owners:
        with suppress(HubError):
            async with opened_hub(url) as (thread, hub):
                before = await read_shared(thread, hub)
    return await sync.team.change(before)


async def read_shared(thread: HubThread, hub: Hub) -> Collection[str] | None:
    """The sessions of the person that the team reads, of all machines; None for a hub without
    owners. Raises HubError.
    """
    return await thread.call(hub.shared, None) if isinstance(hub, TeamHub) else None


def _team_lines(change: TeamChange) -> Iterable[str]:
    """The sessions that the team could read, and those that it could no longer."""
    if change.offered:
        yield f"Would let the team read {plural(len(change.offered), 'session')} more."
        yield from _titled(change.offered)
    if change.hidden:
        yield f"Would hide {plural(len(change.hidden), 'session')} from the team."
        yield from _titled(change.hidden)
    if not (change.offered or change.hidden):
        yield f"The team reads {team_words(change)}, as before."


def team_words(change: TeamChange) -> str:
    """The number of sessions that the team reads, as far as it is known."""
    return plural(change.read, "session") + ("" if change.is_whole else " of this machine")


def _titled(titles: Mapping[str, str]) -> Iterable[str]:
    return _listed([f"{key}  {title}" for key, title in titles.items()], len(titles))


def _listed(rows: list[str], count: int) -> Iterable[str]:
    """The first rows, and the number of the others."""
    for row in rows[:_MOST_LISTED]:
        yield printable_line(f"  {row}")
    if count > _MOST_LISTED:
        yield f"  and {count - _MOST_LISTED:,} more"


def waiting_sentence(waiting: Waiting) -> str:
    """What waits to leave, in words."""
    return (
        f"{plural(waiting.messages, 'message')} and {plural(waiting.exchanges, 'reply')} "
        f"of {plural(waiting.sessions, 'session')}"
    )


def waiting_counts(waiting: Waiting) -> dict[str, int]:
    """What waits to leave, as fields of JSON."""
    return {
        "sessions": waiting.sessions,
        "messages": waiting.messages,
        "replies": waiting.exchanges,
        "purges": waiting.purges,
    }


def team_counts(change: TeamChange) -> dict[str, Any]:
    """What the team reads, as fields of JSON: now, and ids of sessions that change."""
    return {
        "reads": change.read,
        "would_read": list(change.offered),
        "would_not_read": list(change.hidden),
    }
