"""The store of private sessions, in memory. Implements PrivateStore.

It has no path, so nothing of these sessions can reach the disk.
"""

import sqlite3

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
        """Whether a session is one of its own."""
        return session_id in self._ids

    async def holds_exchange(self, exchange_id: str) -> bool:
        """Whether an exchange is one of its own."""
        return await self.find_session_of(exchange_id) is not None

    async def create_session(self, session: Session) -> None:
        """Hold a new session."""
        self._ids.add(session.id)
        await super().create_session(session)

    async def forget_session(self, session_id: str) -> None:
        """Remove a session at once; what a fork shows too is the fork's from now on."""
        await self.database.write(lambda c: remove_sessions(c, (session_id,)))
        self._ids.discard(session_id)

    async def count_messages(self) -> int:
        """How many messages would be gone at exit."""

        def count(connection: sqlite3.Connection) -> int:
            return int(connection.execute("SELECT count(*) FROM message").fetchone()[0])

        return await self.database.read(count)
