"""The store of private sessions, in memory. Implements PrivateStore.

It has no path, so nothing of these sessions can reach the disk.
"""

import sqlite3
from datetime import datetime

from replyscope.domain.session import Session
from replyscope.store.library import remove_sessions
from replyscope.store.sqlite_store import SqliteStore


class MemoryStore(SqliteStore):
    """A SqliteStore in memory that knows its sessions by id."""

    is_private = True

    def __init__(self, writer: str) -> None:
        super().__init__(None, writer)
        self._ids: set[str] = set()

    @property
    def is_empty(self) -> bool:
        """Whether there is no private session."""
        return not self._ids

    def holds(self, session_id: str) -> bool:
        """Whether this store has the session."""
        return session_id in self._ids

    async def holds_exchange(self, exchange_id: str) -> bool:
        """Whether this store has the exchange."""
        return await self.find_session_of(exchange_id) is not None

    def note_session(self, session_id: str) -> None:
        """A session was created by a write of another module."""
        self._ids.add(session_id)

    async def create_session(self, session: Session) -> None:
        """Save a new session in memory."""
        self._ids.add(session.id)
        await super().create_session(session)

    async def forget_session(self, session_id: str, now: datetime) -> None:
        """Delete a session without undo; exchanges that a fork shares move to the fork."""
        await self.database.write(lambda c: remove_sessions(c, (session_id,), now))
        self._ids.discard(session_id)

    async def count_messages(self) -> int:
        """The number of messages that exiting would delete."""

        def count(connection: sqlite3.Connection) -> int:
            return int(connection.execute("SELECT count(*) FROM message").fetchone()[0])

        return await self.database.read(count)
