"""Shares sessions with a team: offers those that match the query, and hides the others.

Several machines of one person sync with the hub, each at its own time. So a machine hides only
sessions that it knows: a session that is not here yet may match on the machine that sent it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from replyscope.domain.hub import Hub, TeamHub
from replyscope.domain.hub_log import HubLog
from replyscope.engine.hub.calls import HubThread
from replyscope.engine.hub.leaving import HubFilter


@dataclass(frozen=True, slots=True)
class TeamChange:
    """What the next sync changes for the team: the number of sessions that it reads now, and
    titles by id of those that it would read and that it would read no more. `is_whole` tells
    whether the hub was asked; otherwise only what this machine shares is known.
    """

    read: int
    offered: Mapping[str, str]
    hidden: Mapping[str, str]
    is_whole: bool


@dataclass(slots=True)
class TeamSharing:
    """The sessions of this archive that the team of a hub may read.

    Both calls do nothing for a hub without owners, and while nothing has changed.
    """

    log: HubLog
    leaving: HubFilter
    _offered: frozenset[str] = frozenset()
    _settled: frozenset[str] | None = None

    async def change(self, before: Collection[str] | None = None) -> TeamChange | None:
        """What the next sync changes; None for a hub without owners. `before` are the sessions
        that the team reads, of all machines of the person; without it those of this machine.
        """
        if not self.leaving.has_owners:
            return None
        wanted, own = set(await self.leaving.shared()), set(await self.log.shared())
        shared = own if before is None else set(before)
        hidden = own - wanted
        if self.leaving.share is not None:
            hidden |= shared - wanted  # as `settle` does
        return TeamChange(
            len(shared),
            await self.log.known(wanted - shared),
            await self.log.known(hidden & shared),
            is_whole=before is not None,
        )

    async def offer(self, thread: HubThread, hub: Hub, machine: str) -> None:
        """Before a sync: hide what this machine has shared and shares no more, and offer new
        sessions again, because they leave redacted; also those that another machine has hidden.
        """
        if not isinstance(hub, TeamHub):
            return
        shared = self._offered = frozenset(await self.leaving.shared())
        if shared == self._settled:
            return
        before = frozenset(await self.log.shared())
        gone = before - shared
        if gone:
            await thread.call(hub.hide, sorted(gone))
        hidden = before - await thread.call(hub.shared, machine) if before else before
        await self.log.offer_shared(shared, again=hidden & shared)

    async def settle(self, thread: HubThread, hub: Hub, *, has_news: bool) -> None:
        """After a complete sync: hide known sessions that do not match the query, such as those
        of an archive that has left the hub and come back.
        """
        if not isinstance(hub, TeamHub):
            return
        shared = frozenset(await self.leaving.shared()) if has_news else self._offered
        if shared == self._settled:
            return
        if self.leaving.share is not None:
            surplus = await thread.call(hub.shared, None) - shared
            known = frozenset(await self.log.known(surplus))
            if known:
                await thread.call(hub.hide, sorted(known))
        # What has come since the offer is offered by the next sync.
        self._settled = shared if shared == self._offered else None
