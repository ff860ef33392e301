"""The store of saved sessions in one SQLite file. Implements the protocols of domain.stores."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from replyscope.domain.errors import SessionNotFound, StoreError
from replyscope.domain.event import WireRecord
from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Message, Role, ToolResultPart
from replyscope.domain.model_names import ModelName
from replyscope.domain.remote import RemoteReply, RemoteState
from replyscope.domain.session import Draft, Session, SessionSummary, Shelf, StoredSession
from replyscope.domain.shared import Shared, Taken
from replyscope.domain.spending import Ledger
from replyscope.domain.stores import Journal, SentPrompt, SessionStamp, Unfinished
from replyscope.domain.tool import ToolCallState
from replyscope.store import rows
from replyscope.store.changes import ArchiveChanges
from replyscope.store.codec import decode_exchange
from replyscope.store.database import Database
from replyscope.store.hold import Hold
from replyscope.store.index import note_unindexed_under
from replyscope.store.integrity import find_fault, find_fault_quickly
from replyscope.store.journal import SqliteJournal, load_frames, save_ended
from replyscope.store.prompts import (
    add_history,
    last_values,
    load_history,
    load_prompts,
    remember_values,
)
from replyscope.store.recent_models import recent_models
from replyscope.store.remote import list_remote, set_remote_state
from replyscope.store.requests import load_request
from replyscope.store.spending import SqliteLedger, daily_costs
from replyscope.store.sql_functions import NowMs, wall_ms
from replyscope.store.stash import pop_stash, push_stash


class SqliteStore:
    """A store in one SQLite file; see domain.stores. `path` None keeps everything in memory.
    `now_ms` is the wall clock.
    """

    is_private = False

    def __init__(self, path: Path | None, writer: str, now_ms: NowMs = wall_ms) -> None:
        self._database = Database(path, now_ms)
        self._hold = Hold(path.parent / "live" if path is not None else None, writer)
        self.next_change = ArchiveChanges(lambda: self._database).next_change
        self.ledger: Ledger = SqliteLedger(lambda: (self._database, self._hold))

    @property
    def is_saving(self) -> bool:
        """False when the sessions are lost at exit."""
        return self._database.path is not None

    @property
    def database(self) -> Database:
        """The database, for the search index and the library."""
        return self._database

    @property
    def writer(self) -> str:
        """The id of this process as a writer."""
        return self._hold.writer

    async def open(self) -> None:
        """Open the file; create or migrate it when needed. Raises StoreError."""

        def check(connection: sqlite3.Connection) -> None:
            connection.execute("SELECT count(*) FROM session").fetchone()

        await self._database.write(check)

    async def go_private(self) -> None:
        """Close the file and keep everything in memory from now on."""
        await self._database.close()
        self._hold.release()
        self._database = Database(None)
        self._hold = Hold(None, self._hold.writer)

    async def close(self) -> None:
        """Finish every write, close, and release the lock of this process."""
        await self._database.close()
        self._hold.release()

    async def create_session(self, session: Session) -> None:
        """Save a new session."""
        await self._database.write(lambda c: rows.insert_session(c, session))

    async def update_session(self, session: Session, before: Session) -> None:
        """Save the changed fields of a session."""
        await self._database.write(lambda c: rows.update_session(c, session, before))

    async def load_session(self, session_id: str) -> StoredSession:
        """A session with the tree of its messages. Raises SessionNotFound."""
        stored = await self._database.read(lambda c: rows.load_session(c, session_id))
        return replace(stored, messages=tuple(self.settled(m) for m in stored.messages))

    def settled(self, message: Message) -> Message:
        """A message in which the running tools of dead processes are marked as interrupted."""
        if message.role is not Role.TOOL:
            return message
        parts = tuple(
            part.interrupted()
            if isinstance(part, ToolResultPart)
            and part.state is ToolCallState.RUNNING
            and not self._hold.is_alive(part.runner)
            else part
            for part in message.parts
        )
        return message if parts == message.parts else replace(message, parts=parts)

    async def session_stamp(self, session_id: str) -> SessionStamp:
        """A value that changes when the session changes. Raises SessionNotFound."""
        return await self._database.read(lambda c: rows.session_stamp(c, session_id))

    async def is_held_elsewhere(self, session_id: str) -> bool:
        """Whether another running process writes an exchange of this session."""

        def look(connection: sqlite3.Connection) -> bool:
            writers = connection.execute(
                "SELECT DISTINCT writer FROM exchange WHERE session_id = ? AND writer IS NOT NULL",
                (session_id,),
            ).fetchall()
            others = [writer for (writer,) in writers if writer != self._hold.writer]
            return any(self._hold.is_alive(writer) for writer in others)

        return await self._database.read(look)

    async def daily_costs(self, since: datetime) -> Mapping[date, float]:
        """The cost in US dollars by local day."""
        return await self._database.read(lambda c: daily_costs(c, since))

    async def find_session_id(self, prefix: str) -> str:
        """The only session id that begins with `prefix`. Raises SessionNotFound."""
        return await self._database.read(lambda c: rows.find_session_id(c, prefix))

    async def list_sessions(
        self,
        *,
        limit: int | None = None,
        pinned_first: bool = False,
        shelf: Shelf = Shelf.LISTED,
    ) -> tuple[SessionSummary, ...]:
        """The sessions of a shelf, newest first."""
        return await self._database.read(
            lambda c: rows.summarise_sessions(
                c, limit=limit, pinned_first=pinned_first, shelf=shelf
            )
        )

    async def summarise_session(self, session_id: str) -> SessionSummary:
        """One session as a list shows it."""
        found = await self._database.read(
            lambda c: rows.summarise_sessions(c, session_id=session_id)
        )
        if not found:
            raise SessionNotFound(
                f"There is no session {session_id} any more.", "See `replyscope sessions list`."
            )
        return found[0]

    async def check_integrity(self) -> str | None:
        """The faults that SQLite's integrity check reports; None when there are none."""
        return await self._database.read(find_fault)

    async def check_quickly(self) -> tuple[str | None, bool]:
        """The first fault, and whether all tables were checked: a large file takes too long."""
        return await self._database.read(find_fault_quickly)

    async def find_session_of(self, exchange_id: str) -> str | None:
        """The session that an exchange belongs to; None when there is no such exchange."""

        def look(connection: sqlite3.Connection) -> str | None:
            row = connection.execute(
                "SELECT session_id FROM exchange WHERE id = ?", (exchange_id,)
            ).fetchone()
            return str(row[0]) if row is not None else None

        return await self._database.read(look)

    async def load_shared(self, session_id: str, *, with_wire: bool) -> Shared:
        """A session with everything that an export contains. Raises SessionNotFound."""
        from replyscope.store.importing import read_shared  # loaded on first use

        # Not on the search thread: the next keystroke in a search would cancel it.
        shared = await self._database.read(
            lambda c: read_shared(c, session_id, with_wire=with_wire)
        )
        return replace(shared, messages=tuple(self.settled(m) for m in shared.messages))

    async def import_session(
        self, shared: Shared, *, is_dry: bool = False, restores_purged: bool = True
    ) -> Taken:
        """See ImportTarget. With `is_dry` nothing is saved, only the result returned."""
        from replyscope.store.importing import insert_shared, look_for  # loaded on first use

        if is_dry:
            return await self._database.read(lambda c: look_for(c, shared))
        return await self._database.write(
            lambda c: insert_shared(c, shared, restores_purged=restores_purged)
        )

    async def add_message(self, session_id: str, message: Message, *, is_head: bool = True) -> None:
        """Save a message; with `is_head` make it the head."""

        def insert(connection: sqlite3.Connection) -> None:
            rows.insert_message(connection, session_id, message)
            rows.insert_sources(connection, message)
            if is_head:
                rows.set_head(connection, session_id, message)

        await self._database.write(insert)

    async def push_stash(self, session_id: str, draft: Draft) -> None:
        """Put a draft on the stash of a session."""
        await self._database.write(lambda c: push_stash(c, session_id, draft))

    async def pop_stash(self, session_id: str) -> Draft | None:
        """Remove and return the newest draft of a session's stash; None without one."""
        return await self._database.write(lambda c: pop_stash(c, session_id))

    async def update_message(self, message: Message) -> None:
        """Save the changed parts of a message."""

        def update(connection: sqlite3.Connection) -> None:
            self._hold.acquire()  # the lock shows that the tool's process is alive
            rows.update_parts(connection, message)
            note_unindexed_under(connection, message.parent_id)

        await self._database.write(update)

    async def begin_exchange(
        self,
        session_id: str,
        messages: Sequence[Message],
        exchange: Exchange,
        *,
        is_head: bool = True,
    ) -> Journal:
        """Save an exchange that starts, with this process as its writer."""

        def insert(connection: sqlite3.Connection) -> None:
            rows.insert_exchange(connection, session_id, messages, exchange, self._hold.writer)
            if is_head:
                rows.set_head(connection, session_id, messages[0])

        return await self.begin(exchange.id, insert)

    async def begin(
        self, exchange_id: str, insert: Callable[[sqlite3.Connection], None]
    ) -> Journal:
        """Run a write that saves a new exchange of this process. Returns its journal."""

        def insert_held(connection: sqlite3.Connection) -> None:
            self._hold.acquire()
            insert(connection)

        await self._database.write(insert_held)
        return SqliteJournal(self._database, exchange_id)

    def note_session(self, session_id: str) -> None:
        """A session was created by a write of another module."""

    async def reopen_exchange(self, exchange_id: str) -> Journal:
        """Continue the journal of a detached exchange, with this process as its writer."""

        def take(connection: sqlite3.Connection) -> int:
            self._hold.acquire()
            connection.execute(
                "UPDATE exchange SET writer = ? WHERE id = ?", (self._hold.writer, exchange_id)
            )
            row = connection.execute(
                "SELECT coalesce(max(number) + 1, 0) FROM segment WHERE exchange_id = ?",
                (exchange_id,),
            ).fetchone()
            return int(row[0])

        return SqliteJournal(self._database, exchange_id, await self._database.write(take))

    async def load_wire(self, exchange_id: str) -> WireRecord:
        """The request and the frames of an exchange."""

        def load(connection: sqlite3.Connection) -> WireRecord:
            return WireRecord(
                load_request(connection, exchange_id), load_frames(connection, exchange_id)
            )

        return await self._database.read(load)

    async def take_unfinished(self) -> tuple[Unfinished, ...]:
        """Claim the exchanges of dead writers, and read their journals."""

        def take(connection: sqlite3.Connection) -> tuple[Unfinished, ...]:
            found = connection.execute(
                "SELECT id, writer, folded FROM exchange WHERE writer IS NOT NULL"
            ).fetchall()
            gone = {w for w in {row[1] for row in found} if not self._hold.is_alive(w)}
            if not gone:
                return ()  # most starts; a lock takes 10 ms
            self._hold.acquire()
            taken = [row for row in found if row[1] in gone]
            for exchange_id, _, _ in taken:
                connection.execute(
                    "UPDATE exchange SET writer = ? WHERE id = ?",
                    (self._hold.writer, exchange_id),
                )
            return tuple(
                Unfinished(decode_exchange(folded), load_frames(connection, exchange_id))
                for exchange_id, _, folded in taken
            )

        return await self._database.write(take)

    async def close_unfinished(self, exchange: Exchange) -> None:
        """Save the final state of a claimed exchange."""
        if not exchange.state.is_terminal and not exchange.is_detached:
            raise StoreError(f"Exchange {exchange.id} has not ended.")
        await self._database.write(lambda c: save_ended(c, exchange))

    async def list_remote(self) -> tuple[RemoteReply, ...]:
        """Every reply that a provider may still store, newest first."""
        return await self._database.read(list_remote)

    async def set_remote_state(self, response_id: str, state: RemoteState) -> None:
        """Update the state of a remote reply."""
        await self._database.write(lambda c: set_remote_state(c, response_id, state))

    async def recent_models(self) -> tuple[ModelName, ...]:
        """The models of the newest sessions, each with its provider, the newest first."""
        return await self._database.read(recent_models)

    async def remembered_adaptations(self, base_url: str, model: str) -> Mapping[str, str]:
        """The parameters that a server rejects for a model, with their replacements."""

        def load(connection: sqlite3.Connection) -> dict[str, str]:
            return dict(
                connection.execute(
                    "SELECT name, instead FROM adaptation WHERE base_url = ? AND model = ?",
                    (base_url, model),
                ).fetchall()
            )

        return await self._database.read(load)

    async def remember_adaptation(self, base_url: str, model: str, name: str, value: str) -> None:
        """Save that a server rejects a parameter for a model."""

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT OR REPLACE INTO adaptation VALUES (?, ?, ?, ?)",
                (base_url, model, name, value),
            )

        await self._database.write(insert)

    async def forget_adaptation(self, base_url: str, model: str, name: str) -> None:
        """Remove what is known about a parameter of a model."""

        def delete(connection: sqlite3.Connection) -> None:
            connection.execute(
                "DELETE FROM adaptation WHERE base_url = ? AND model = ? AND name = ?",
                (base_url, model, name),
            )

        await self._database.write(delete)

    async def add_history(self, text: str) -> None:
        """Add a prompt to the history; the oldest are deleted."""
        await self._database.write(lambda c: add_history(c, text))

    async def load_history(self, limit: int) -> tuple[str, ...]:
        """The newest prompts, oldest first."""
        return await self._database.read(lambda c: load_history(c, limit))

    async def load_prompts(
        self, before: int | None, limit: int
    ) -> tuple[tuple[SentPrompt, ...], int | None]:
        """A page of the prompts of all sessions, and where the next page begins."""
        return await self._database.read(lambda c: load_prompts(c, before, limit))

    async def remember_values(self, session_id: str, name: str, values: Mapping[str, str]) -> None:
        """Remember the values of a prompt's variables, as long as their session exists."""
        await self._database.write(lambda c: remember_values(c, session_id, name, values))

    async def last_values(self, name: str) -> Mapping[str, str]:
        """The values that the variables of a prompt had last."""
        return await self._database.read(lambda c: last_values(c, name))
