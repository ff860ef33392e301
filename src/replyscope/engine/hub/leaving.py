"""Selects the sessions that are sent to the hub, and redacts their entries."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from replyscope.domain.errors import SettingsError, StoreFull, StoreReadOnly
from replyscope.domain.hub import HubEntry
from replyscope.domain.hub_log import HubLog
from replyscope.domain.library import SearchIndex
from replyscope.domain.matching import read_query
from replyscope.domain.ports import Clock
from replyscope.domain.query import QueryError
from replyscope.domain.search import Search, Sort
from replyscope.inspection.sharing.hub_redaction import clean_entry
from replyscope.inspection.sharing.redaction import PatternTooSlow, Redactor

_MOST_REPLIES = 5_000
"""The replies of a batch that are asked about by name."""


@dataclass(slots=True)
class HubFilter:
    """Selects and redacts the entries for a hub.

    `share` is a query. On a hub with owners (a database) all sessions are sent, and the query
    selects the sessions that other people may read; to a folder only sessions with a matching
    reply are sent. Without a query all sessions are sent, for the person's own machines.
    """

    log: HubLog
    index: SearchIndex
    clock: Clock
    share: str | None
    has_owners: bool
    patterns: Callable[[], Sequence[str]]
    home: str

    async def sessions(self) -> Collection[str] | None:
        """The ids of the sessions that leave; None for all. A session that was sent once is
        sent again after each change, until it is unshared.
        """
        if self.share is None or self.has_owners:
            return None
        return {*await self.matching(self.share), *await self.log.left()}

    async def shared(self) -> Collection[str]:
        """The ids of the sessions that other people may read; without a query none. Unshared
        sessions are not among them.
        """
        if self.share is None:
            return ()
        return await self.matching(self.share) - set(await self.log.unshared())

    async def shared_among(self, session_ids: Collection[str]) -> Collection[str]:
        """Those of some sessions that other people may read. Only their replies are looked at: a
        first sync asks for each of its batches, and the archive may have 500,000 replies.
        """
        if self.share is None:
            return ()
        replies = await self.log.replies_of(session_ids, _MOST_REPLIES + 1)
        if len(replies) > _MOST_REPLIES:
            return set(session_ids).intersection(await self.shared())
        found = await self.index.matching(await self._search(self.share), tuple(replies))
        return {replies[one] for one in found} - set(await self.log.unshared())

    async def matching(self, text: str) -> set[str]:
        """The sessions with a reply that matches a query. Raises SettingsError."""
        search = await self._search(text)
        return {session_id for session_id, _ in await self.index.find_ids(search)}

    async def _search(self, text: str) -> Search:
        """The search for a query, with an index of all replies. Raises SettingsError."""
        try:
            query = read_query(text)
        except QueryError as error:
            raise SettingsError(f"The query {text!r} is not valid: {error}.") from error
        with suppress(StoreReadOnly, StoreFull):  # the index as it is can be searched
            await self.index.update()
        return Search(query, self.clock.now().astimezone(), Sort.TIME)

    async def prepare(self, entries: Sequence[HubEntry]) -> tuple[HubEntry, ...]:
        """The entries to send: redacted, and marked when other people may read them.

        Keys are always redacted; entries for other people are redacted like an export.
        """
        shared: Collection[str] = {entry.session_id for entry in entries}
        if self.has_owners:
            shared = await self.shared_among(shared)
        elif self.share is None:
            shared = ()
        return await asyncio.to_thread(self._prepare, tuple(entries), shared)

    def _prepare(
        self, entries: Sequence[HubEntry], shared: Collection[str]
    ) -> tuple[HubEntry, ...]:
        try:
            own = Redactor(keys_only=True)
            others = Redactor(self.patterns(), home=self.home)
        except ValueError as error:
            raise SettingsError(f"redact: {error}.", "Correct the settings.") from error
        made = []
        for entry in entries:
            is_shared = entry.session_id in shared
            try:
                clean = clean_entry(entry, others if is_shared else own, is_shared=is_shared)
            except PatternTooSlow as error:
                raise SettingsError(f"redact: {error}", "Make the pattern simpler.") from error
            made.append(replace(clean, is_shared=True) if is_shared else clean)
        return tuple(made)
