"""`replyscope hub status`: the hub, its machines, and what waits to leave."""

import argparse
from collections import Counter
from collections.abc import Collection
from typing import Any

from replyscope.cli.hub_opening import opened_hub, sealer_of, sync_of
from replyscope.cli.hub_waiting import (
    read_shared,
    team_counts,
    team_words,
    waiting_counts,
    waiting_sentence,
)
from replyscope.cli.parser import EXIT_OK, EXIT_PARTLY
from replyscope.cli.result import print_result
from replyscope.cli.wiring import Wiring
from replyscope.domain.errors import HubError
from replyscope.domain.hub import HubStatus
from replyscope.domain.hub_log import HubMembership, Waiting
from replyscope.domain.json_values import from_ms
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.engine.hub.sync import HubSync
from replyscope.engine.hub.team import TeamChange


async def show_status(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Print the state of the hub. Returns the exit status. Raises StoreError, SettingsError."""
    membership = await sync_of(wiring).log.membership()
    if membership is None:
        print_result(arguments, {"url": None}, "This archive takes part in no hub.")
        return EXIT_OK
    sync = sync_of(wiring, membership.url)
    waiting = await sync.log.waiting(await sync.leaving.sessions())
    fields: dict[str, Any] = {
        "url": membership.url,
        "machine": membership.machine,
        "name": membership.name,
        "synced_at": _iso(membership.synced_at_ms),
        "waiting": waiting_counts(waiting),
    }
    lines = _own_lines(membership, waiting)
    status = EXIT_OK
    shared: Collection[str] | None = None
    told: list[str] = []
    try:
        async with opened_hub(membership.url) as (thread, hub):
            found = await thread.call(hub.status)
            shared = await read_shared(thread, hub)
            await thread.call(sealer_of(wiring))
        fields["machines"] = _machine_fields(found)
        told += await _machine_lines(found, membership, sync)
    except HubError as error:
        fields["error"] = str(error)
        told.append(f"  {error}")
        status = EXIT_PARTLY
    change = await sync.team.change(shared)
    if change is not None:
        fields["team"] = team_counts(change)
        lines.append(f"  team reads    {_change_words(change)}")
    print_result(arguments, fields, "\n".join([*lines, *told]))
    return status


def _own_lines(membership: HubMembership, waiting: Waiting) -> list[str]:
    return [
        membership.url,
        f"  this machine  {membership.name} ({membership.machine})",
        f"  last sync     {_local(membership.synced_at_ms)}",
        f"  to send       {waiting_sentence(waiting)}",
    ]


def _machine_fields(found: HubStatus) -> dict[str, Any]:
    return {
        key: {"name": name, "entries": found.heads[key].number}
        for key, name in found.machines.items()
    }


async def _machine_lines(found: HubStatus, membership: HubMembership, sync: HubSync) -> list[str]:
    pulled = await sync.log.pulled()
    holes = await sync.log.holes()
    unread: Counter[str] = Counter()
    for machine, first, last in holes:
        unread[machine] += last - first + 1
    lines = []
    for key, name in found.machines.items():
        if key == membership.machine:
            continue
        left = found.heads[key].number - pulled.get(key, 0)
        state = "up to date" if left <= 0 else f"up to {left:,} entries to receive"
        if unread[key]:
            state = f"{plural(unread[key], 'entry')} can't be read yet"
        elif key in membership.former:
            state = "this archive, before it was restored or copied"
        lines.append(f"  machine       {printable_line(name) or '?'} ({key})  {state}")
    for machine, first, last in holes:
        lines.append(f"  not read yet  machine {machine}, entries {first:,} to {last:,}")
    return lines


def _change_words(change: TeamChange) -> str:
    """The number of sessions that the team reads, and what the next sync changes."""
    changes = [
        f"{len(change.offered):,} more" if change.offered else "",
        f"{len(change.hidden):,} no longer" if change.hidden else "",
    ]
    told = " and ".join(filter(None, changes))
    return team_words(change) + (f"; after the next sync {told}" if told else "")


def _local(at_ms: int | None) -> str:
    """A time in the zone of this machine."""
    return f"{from_ms(at_ms).astimezone():%Y-%m-%d %H:%M}" if at_ms is not None else "never"


def _iso(at_ms: int | None) -> str | None:
    return from_ms(at_ms).isoformat(timespec="seconds") if at_ms is not None else None
