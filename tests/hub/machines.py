"""Machines of one person for the tests: each a real archive, with a clock of its own."""

import json
import random
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from replyscope.domain.event import RequestSent, WireFrame
from replyscope.domain.exchange import Choice, Exchange, ExchangeState, Timing, Usage
from replyscope.domain.finish import FinishReason
from replyscope.domain.hub import Hub, Sealer
from replyscope.domain.message import Message, ReplySource, Role, TextPart
from replyscope.domain.session import Parameters, Session, SessionSettings
from replyscope.engine.hub.following import HubFollower
from replyscope.engine.hub.leaving import HubFilter
from replyscope.engine.hub.sync import HubSync, SyncReport
from replyscope.engine.review import Review
from replyscope.hub.folder.hub import FolderHub
from replyscope.inspection.facts import facts_of
from replyscope.store.codec import decode_exchange
from replyscope.store.hub.lock import FileSyncLock
from replyscope.store.hub.log import SqliteHubLog
from replyscope.store.journal import load_frames
from replyscope.store.library import SqliteLibrary
from replyscope.store.requests import load_request
from replyscope.store.search import SqliteSearchIndex
from replyscope.store.sqlite_store import SqliteStore
from tests.support.build import NOON, make_exchange


class TestClock:
    """A clock that a test sets; each reading is a millisecond later."""

    __test__ = False

    def __init__(self, start: datetime = NOON) -> None:
        self.at = start

    def now(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at

    def monotonic_ms(self) -> float:
        return self.now().timestamp() * 1000


class Machine:
    """One archive in a folder, and its sync with the hub in another folder, or that `opens`
    returns.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        hub: Path,
        *,
        clock: TestClock | None = None,
        share: str | None = None,
        patterns: Sequence[str] = (),
        sealer: Sealer | None = None,
        opens: Callable[[], Hub] | None = None,
    ) -> None:
        folder.mkdir(exist_ok=True, parents=True)
        self.path = folder / "sessions.db"
        self.name = name
        self.hub_folder = hub
        self._opens = opens or (lambda: FolderHub(hub))
        self.clock = clock or TestClock()
        self.ids = count(1)
        self.salt = ""
        """Tells the ids of several runs of a machine apart."""
        self._is_closed = False
        self._dice = random.Random(name)
        self.store = SqliteStore(
            self.path, secrets.token_hex(6), lambda: round(self.clock.now().timestamp() * 1000)
        )
        self.index = SqliteSearchIndex(lambda: self.store.database, facts_of)
        self.library = SqliteLibrary(lambda: self.store.database)
        self.log = SqliteHubLog(lambda: self.store.database, self.store.settled, self.clock.now)
        leaving = HubFilter(
            self.log, self.index, self.clock, share, False, lambda: patterns, "/home/someone"
        )
        self.sync_of = HubSync(
            self.log,
            self.open_hub,
            leaving,
            FileSyncLock(folder / "hub.lock"),
            self.clock,
            self.new_id,
            lambda: sealer,
        )
        archive: Any = None
        review = Review(self.store, self.index, self.library, archive, self.clock, folder / "files")
        self.follower = HubFollower(self.sync_of, review, self.library, self.clock)

    def open_hub(self, _url: str) -> Hub:
        return self._opens()

    def new_id(self) -> str:
        return f"{self.name}{self.salt}{next(self.ids)}x{self._dice.randrange(10**6)}"

    async def join(self) -> None:
        hub = self._opens()
        hub.initialise()
        hub.close()
        await self.log.join(f"folder:{self.hub_folder}", self.new_id(), self.name)

    async def sync(self) -> SyncReport:
        return await self.follower.once()

    async def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            await self.store.close()

    async def start_session(self, title: str = "A title", system: str | None = None) -> str:
        now = self.clock.now()
        settings = SessionSettings("openai", "m", system, Parameters(max_tokens=3))
        session = Session(self.new_id(), title, now, now, settings)
        await self.store.create_session(session)
        return session.id

    async def ask(
        self, session_id: str, text: str = "hello", *, parent: str | None = None, reply: str = ""
    ) -> str:
        """Ask and get a whole reply. Returns the id of the reply's message."""
        stored = await self.store.load_session(session_id)
        user = Message(
            self.new_id(),
            Role.USER,
            (TextPart(text),),
            self.clock.now(),
            parent or stored.session.head_id,
        )
        await self.store.add_message(session_id, user)
        opening = make_exchange(id=self.new_id(), started_at=self.clock.now())
        answer = Message(
            self.new_id(),
            Role.ASSISTANT,
            (),
            self.clock.now(),
            user.id,
            (ReplySource(opening.id, 0),),
        )
        journal = await self.store.begin_exchange(session_id, (answer,), opening)
        await journal.record_request(request_of(await self._texts(session_id, user.id)))
        said = reply or f"the answer to {text}"
        await journal.finish(
            ended(opening, said), (WireFrame(1.5, f"data: {json.dumps(said)}\n\n"),)
        )
        return answer.id

    async def _texts(self, session_id: str, message_id: str) -> list[str]:
        stored = await self.store.load_session(session_id)
        known = {message.id: message for message in stored.messages}
        texts = []
        step: str | None = message_id
        while step is not None:
            message = known[step]
            texts += [part.text for part in message.parts if isinstance(part, TextPart)]
            step = message.parent_id
        return texts[::-1]

    async def session_ids(self) -> list[str]:
        return [row[0] for row in self.rows("SELECT id FROM session ORDER BY id")]

    async def rename(self, session_id: str, title: str) -> None:
        stored = (await self.store.load_session(session_id)).session
        await self.store.update_session(replace(stored, title=title, is_title_given=True), stored)

    async def set_settings(self, session_id: str, **changes: Any) -> None:
        stored = (await self.store.load_session(session_id)).session
        settings = replace(stored.settings, **changes)
        await self.store.update_session(replace(stored, settings=settings), stored)

    async def purge(self, session_id: str) -> None:
        await self.library.purge((session_id,), self.clock.now())

    def rows(self, sql: str, *values: object) -> list[Any]:
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(sql, values).fetchall()

    def picture(self) -> dict[str, Any]:
        """Everything that the machines of one hub have in common."""
        with closing(sqlite3.connect(self.path)) as connection:
            return _picture(connection)


def _picture(connection: sqlite3.Connection) -> dict[str, Any]:
    sessions = connection.execute(
        "SELECT id, title, is_title_given, created_at, updated_at, head_id, deleted_at, "
        "pinned_at, archived_at, source, client, settings FROM session "
        "WHERE EXISTS (SELECT 1 FROM message WHERE session_id = session.id) ORDER BY id"
    ).fetchall()
    exchanges = connection.execute("SELECT id, folded, state FROM exchange ORDER BY id").fetchall()
    return {
        "sessions": [(*row[:-1], json.loads(row[-1])) for row in sessions],
        "tags": connection.execute("SELECT session_id, name FROM tag ORDER BY 1, 2").fetchall(),
        "messages": connection.execute(
            "SELECT id, session_id, parent_id, role, parts, created_at FROM message ORDER BY id"
        ).fetchall(),
        "sources": connection.execute(
            "SELECT message_id, position, exchange_id, choice_index FROM source ORDER BY 1, 2"
        ).fetchall(),
        "exchanges": [(key, decode_exchange(folded), state) for key, folded, state in exchanges],
        "requests": [load_request(connection, key) for key, _, _ in exchanges],
        "frames": [load_frames(connection, key) for key, _, _ in exchanges],
    }


def request_of(texts: Sequence[str]) -> RequestSent:
    """A request with a history."""
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": t} for t in texts]})
    headers = (("content-type", "application/json"),)
    return RequestSent("POST", "http://127.0.0.1/v1/chat/completions", headers, body.encode())


def ended(opening: Exchange, text: str) -> Exchange:
    """The end of an exchange."""
    return replace(
        opening,
        state=ExchangeState.COMPLETED,
        choices=(Choice(0, text, finish_reason=FinishReason.STOP, finish_reason_raw="stop"),),
        usage=Usage(input_tokens=3, output_tokens=2, total_tokens=5),
        timing=Timing(1.5, 2.5, 3.5, 4.0),
    )


def at(hours: float) -> TestClock:
    """A clock that is some hours off."""
    return TestClock(datetime(2026, 11, 23, 12, tzinfo=UTC) + timedelta(hours=hours))
