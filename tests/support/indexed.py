"""Small archives whose search index is compared with a plain search of all replies."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from replyscope.domain.exchange import Timing, ToolCall, Usage
from replyscope.domain.facts import Facts
from replyscope.domain.message import Message, ReplySource, Role, TextPart
from replyscope.domain.session import Session
from replyscope.inspection.facts import facts_of
from replyscope.store.library import SqliteLibrary
from replyscope.store.search import SqliteSearchIndex
from replyscope.store.sqlite_store import SqliteStore
from tests.support.queries import answer

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC).astimezone()
MODELS = ("small", "large")


@dataclass(frozen=True, slots=True)
class Kept:
    """A reply of the archive: its facts as the rules see them, and its time."""

    exchange_id: str
    session_id: str
    facts: Facts
    at: datetime


async def keep(
    store: SqliteStore, number: int, hours: int, words: Sequence[str], kind: int
) -> Kept:
    """A session of one reply. Some replies have the same time."""
    at = START + timedelta(hours=hours)
    name = f"s{number:03}"
    client = "probe" if kind == 4 else ""
    source = "watch" if client else ""
    await store.create_session(Session(name, "", at, at, source=source, client=client))
    asked = Message(f"{name}-u", Role.USER, (TextPart("ask"),), at)
    await store.add_message(name, asked)
    calls = (ToolCall("c", "function", "look", "{}"),) if kind % 2 else ()
    exchange = replace(
        answer(" ".join(words), *calls, model=MODELS[kind % 2]),
        id=f"{name}-x",
        started_at=at,
        timing=Timing(first_token_ms=37.0 * hours + 1 if kind else None, duration_ms=410.0 * kind),
        usage=Usage(1, kind * 10, kind * 10 + 1) if kind else None,
        reported_cost_usd=0.1 * kind if kind % 2 else None,
    )
    reply = Message(f"{name}-a", Role.ASSISTANT, (), at, asked.id, (ReplySource(exchange.id, 0),))
    journal = await store.begin_exchange(name, [reply], exchange)
    await journal.finish(exchange)
    facts = facts_of(exchange, (TextPart("ask"),))
    labelled = replace(facts, is_pinned=kind == 2, is_deleted=kind == 3, client=client)
    library = SqliteLibrary(lambda: store.database)
    if kind == 2:
        await library.pin([name], 1)
    if kind == 3:
        await library.set_deleted([name], 1)
    return Kept(exchange.id, name, labelled, at)


def index_of(store: SqliteStore) -> SqliteSearchIndex:
    return SqliteSearchIndex(lambda: store.database, facts_of)
