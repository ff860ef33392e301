"""The sums that are kept as replies are written are those of counting every reply."""

import asyncio
import sqlite3
from collections import Counter
from dataclasses import fields

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from replyscope.domain.query import parse_query
from replyscope.domain.search import Search
from replyscope.inspection.stats import (
    Stats,
    Sums,
    spans_of,
    spans_of_usage,
    stats_of,
    stats_of_usage,
)
from replyscope.store.index import note_unindexed
from replyscope.store.library import SqliteLibrary
from replyscope.store.search import SqliteSearchIndex
from replyscope.store.sqlite_store import SqliteStore
from replyscope.store.usage_sums import keep_zone
from tests.support.indexed import NOW, index_of, keep

ANY = st.integers(0, 100)
_TABLES = ("usage_sum", "time_sum", "origin_sum")
_MOST = 12


class Changes(RuleBasedStateMachine):
    """Everything that changes which replies count: after each, the sums are counted anew."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.store = SqliteStore(None, "test")
        self.index = index_of(self.store)
        self.library = SqliteLibrary(lambda: self.store.database)
        self.names: list[str] = []

    def named(self, number: int) -> str:
        """One of the sessions, also a removed one."""
        return self.names[number % len(self.names)]

    def run_sql(self, sql: str, *values: object) -> None:
        """Change a row as another part of the program does."""
        self.runner.run(self.store.database.write(lambda c: c.execute(sql, values)))

    @rule(hours=st.integers(0, 200), kind=st.integers(0, 5))
    @precondition(lambda self: len(self.names) < _MOST)
    def reply(self, hours: int, kind: int) -> None:
        kept = self.runner.run(keep(self.store, len(self.names), hours, ["apple"], kind))
        self.names.append(kept.session_id)
        self.runner.run(self.index.update())

    @precondition(lambda self: self.names)
    @rule(number=ANY, is_deleted=st.booleans())
    def label(self, number: int, is_deleted: bool) -> None:
        at = 1 if is_deleted else None
        self.runner.run(self.library.set_deleted([self.named(number)], at))

    @precondition(lambda self: self.names)
    @rule(number=ANY)
    def purge(self, number: int) -> None:
        self.runner.run(self.library.purge([self.named(number)], NOW))

    @precondition(lambda self: self.names)
    @rule(number=ANY)
    def drop(self, number: int) -> None:
        """As a hub does, also with sessions that are not deleted."""
        self.run_sql("DELETE FROM session WHERE id = ?", self.named(number))

    @precondition(lambda self: self.names)
    @rule(number=ANY, heir=ANY)
    def move(self, number: int, heir: int) -> None:
        """As when a session is purged whose replies a fork has too."""
        self.run_sql(
            "UPDATE fact SET session_id = ?2 WHERE session_id = ?1 "
            "AND EXISTS (SELECT 1 FROM session WHERE id = ?2)",
            self.named(number),
            self.named(heir),
        )

    @precondition(lambda self: self.names)
    @rule(number=ANY, client=st.sampled_from(["", "probe", "other"]), is_deleted=st.booleans())
    def merge(self, number: int, client: str, is_deleted: bool) -> None:
        """As a change of another machine, of several fields at once."""
        self.run_sql(
            "UPDATE session SET title = 'x', source = ?, client = ?, deleted_at = ? WHERE id = ?",
            "watch" if client else "",
            client,
            1 if is_deleted else None,
            self.named(number),
        )

    @precondition(lambda self: self.names)
    @rule(number=ANY)
    def index_again(self, number: int) -> None:
        name = f"{self.named(number)}-x"
        self.runner.run(self.store.database.write(lambda c: note_unindexed(c, name)))
        self.runner.run(self.index.update())

    @rule()
    def rebuild(self) -> None:
        self.runner.run(self.index.rebuild())

    @invariant()
    def sums_are_right(self) -> None:
        self.runner.run(self.index.update())  # the first one begins to keep sums
        kept, counted = self.runner.run(self.store.database.write(kept_and_counted))
        assert kept == counted
        self.runner.run(check_usage(self.index))
        self.runner.run(check_facets(self.store, self.index))

    def teardown(self) -> None:
        self.runner.run(self.store.close())
        self.runner.close()


TestChanges = Changes.TestCase
TestChanges.settings = settings(max_examples=15, stateful_step_count=20)


def kept_and_counted(connection: sqlite3.Connection) -> tuple[object, object]:
    """The kept sums, and the same counted anew, which is undone."""

    def read() -> object:
        rows = (
            connection.execute(f"SELECT * FROM {table} WHERE replies <> 0").fetchall()
            for table in _TABLES
        )
        return rounded(list(rows))

    kept = read()
    connection.execute("SAVEPOINT counting")
    connection.execute("DELETE FROM note WHERE name = 'zone'")
    keep_zone(connection)
    counted = read()
    connection.execute("ROLLBACK TO counting")
    connection.execute("RELEASE counting")
    return kept, counted


async def check_usage(index: SqliteSearchIndex) -> None:
    """The kept sums are those of all replies, with rounded times."""
    usage = await index.usage()
    assert usage is not None
    figures = await index.figures(Search(parse_query(""), NOW))
    kept, expected = stats_of_usage(usage), stats_of(figures)
    assert rounded(kept) == rounded(expected)
    spans = zip(spans_of_usage(usage, 5), spans_of(figures, 5), strict=True)
    assert all(rounded(one) == rounded(other) for one, other in spans)


async def check_facets(store: SqliteStore, index: SqliteSearchIndex) -> None:
    """The facets of queries that the sums answer."""
    for text in ("", "model:large", "-tool:look"):
        search = Search(parse_query(text), NOW)
        facets, figures = await index.facets(search), await index.figures(search)
        shown = {name: dict(rows) for name, rows in facets.by_field}
        assert facets.total == len(figures)
        assert shown.get("on", {}) == Counter(one.day for one in figures)
        assert shown.get("model", {}) == Counter(one.model for one in figures)
        assert shown.get("tool", {}) == Counter(tool for one in figures for tool in one.tools)
        ids = await index.find_ids(search)
        assert facets.sessions == len({session for session, _ in ids})
        clients = await store.database.read(clients_of)
        assert shown.get("client", {}) == Counter(clients[one] for one, _ in ids if clients[one])


def clients_of(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT id, client FROM session").fetchall())


def rounded(value: object, name: str = "") -> object:
    """A value with its sums of dollars rounded, whose order of adding differs, and its times."""
    if isinstance(value, Sums):
        return [rounded(getattr(value, one.name), one.name) for one in fields(value)]
    if isinstance(value, float):
        return float(f"{value:.1e}") if name.endswith(("_p50", "_p95")) else round(value, 9)
    if isinstance(value, tuple | list):
        return [rounded(one) for one in value]
    if isinstance(value, Stats):
        return [rounded(getattr(value, one.name)) for one in fields(value)]
    return value


@pytest.mark.parametrize("step", [1, 2, 50])
async def test_the_replies_of_a_session_are_added_in_any_groups(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr("replyscope.store.index.STEP", step)
    index = index_of(store)
    for number in range(6):
        await keep(store, number, number * 30, [], number)
    await index.update()
    for number, heir in ((1, 0), (2, 0), (4, 5)):
        moved = f"UPDATE exchange SET session_id = 's{heir:03}' WHERE session_id = 's{number:03}'"
        await store.database.write(lambda c, moved=moved: c.execute(moved))  # type: ignore[misc]
    queue = "INSERT INTO unindexed SELECT id FROM exchange"
    await store.database.write(lambda c: c.execute(queue))
    await index.update()
    kept, counted = await store.database.write(kept_and_counted)
    assert kept == counted
    await check_usage(index)


async def test_days_are_counted_again_in_another_time_zone(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = index_of(store)
    for number in range(4):
        await keep(store, number, number * 5, [], 1)
    await index.update()
    monkeypatch.setattr("replyscope.store.usage_sums.local_zone", lambda: "elsewhere")
    assert await index.usage() is None
    await index.update()
    await check_usage(index)
    await check_facets(store, index)


async def test_many_replies_of_about_the_same_time_share_a_row(store: SqliteStore) -> None:
    index = index_of(store)
    for number in range(30):
        await keep(store, number, 0, [], 1)
    await index.update()
    sql = "SELECT count(*), max(replies) FROM time_sum"
    rows, most = await store.database.read(lambda c: c.execute(sql).fetchone())
    assert (rows, most) == (4, 30)
