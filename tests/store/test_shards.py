"""The search index divided by time finds what a plain search of all replies finds."""

import json
import sqlite3
import zlib
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from replyscope.domain.matching import matches
from replyscope.domain.query import parse_query
from replyscope.domain.search import Search, Sort
from replyscope.domain.words import words_of
from replyscope.inspection.facts import facts_of
from replyscope.store.fact_ids import FIRST_ID, IdsInUse, base_of
from replyscope.store.index import note_unindexed
from replyscope.store.index_entry import written_entry
from replyscope.store.integrity import LISTS, find_fault_quickly
from replyscope.store.library import SqliteLibrary
from replyscope.store.schema import MIGRATIONS, migrate
from replyscope.store.search import SqliteSearchIndex
from replyscope.store.shards import list_shards
from replyscope.store.sqlite_store import SqliteStore
from tests.support.indexed import NOW, Kept, index_of, keep

QUERIES = (
    "",
    "apple",
    "app",
    "a",
    "apple or pear",
    "apple pear",
    '"apple pear"',
    "-apple",
    "plum or model:small",
    "apple -plum model:large",
    "text:pear tool:look",
    "tokens:>20 -tool:look",
    "finish:stop",
    "after:2026-03-02 apple",
    "is:deleted",
    "is:deleted apple",
    "is:pinned or pear",
    "tool:look",
    "-tool:look",
    "asked:small or tool:look",
    "model:l* finish:stop",
    "tool:other",
    "is:pinned -apple",
)


REPLY = st.tuples(
    st.integers(0, 400),
    st.lists(st.sampled_from(("apple", "pear", "plum", "application")), max_size=4),
    st.integers(0, 5),
)
"""Hours since the start, words, and a number for the rest."""
ARCHIVE = st.lists(st.lists(REPLY, min_size=1, max_size=6), min_size=1, max_size=5)
"""Replies in the groups in which they are indexed."""


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replyscope.store.shards.FULL", 3)
    monkeypatch.setattr("replyscope.store.matches.MOST_RANKED", 4)


def fitting(kept: Sequence[Kept], text: str) -> list[Kept]:
    """The plain search: every reply is looked at. The newest first."""
    query = parse_query(text)
    excluded = "is:deleted" not in text
    found = [
        one
        for one in kept
        if matches(query, one.facts, NOW) and not (excluded and one.facts.is_deleted)
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ARCHIVE, st.sampled_from(QUERIES), st.integers(1, 6), st.integers(0, 3))
async def test_a_divided_index_finds_what_a_plain_search_finds(
    groups: list[list[tuple[int, list[str], int]]], text: str, limit: int, offset: int
) -> None:
    store = SqliteStore(None, "test")
    index = index_of(store)
    kept: list[Kept] = []
    for group in groups:
        kept += [await keep(store, len(kept) + n, *one) for n, one in enumerate(group)]
        await index.update()
    expected = fitting(kept, text)
    await check_page(index, Search(parse_query(text), NOW, Sort.TIME, limit, offset), expected)
    await check_numbers(index, text, expected)
    await check_counts(index, text, expected)
    await store.close()


async def check_page(index: SqliteSearchIndex, search: Search, expected: list[Kept]) -> None:
    """The pages and the whole order, the newest first; replies of one time in any order."""
    times = {one.exchange_id: one.at for one in expected}
    names = [name for _, name in await index.find_ids(search)]
    assert sorted(names) == sorted(times)
    assert [times[name] for name in names] == [one.at for one in expected]
    page = [hit.exchange_id for hit in await index.find(search)]
    assert page == names[search.offset : search.offset + search.limit]
    everything = await index.matching(search, [one.exchange_id for one in expected])
    assert everything == frozenset(times)


async def check_numbers(index: SqliteSearchIndex, text: str, expected: list[Kept]) -> None:
    """The order by a number, where it differs, and the figures."""
    hits = await index.find(Search(parse_query(text), NOW, Sort.TOKENS, 100))
    tokens = [hit.tokens for hit in hits]
    known = [number for number in tokens if number is not None]
    assert len(tokens) == len(expected)
    assert tokens == sorted(known, reverse=True) + [None] * (len(tokens) - len(known))
    figures = await index.figures(Search(parse_query(text), NOW))
    assert [one.day for one in figures] == [
        f"{one.at.astimezone().date()}" for one in reversed(expected)
    ]
    assert Counter(tool for one in figures for tool in one.tools) == Counter(
        call.name for one in expected for call in one.facts.tool_calls
    )


async def check_counts(index: SqliteSearchIndex, text: str, expected: list[Kept]) -> None:
    """The facets, and the sessions."""
    facets = await index.facets(Search(parse_query(text), NOW))
    assert (facets.total, facets.sessions) == (len(expected), len(expected))
    by_field = {name: dict(rows) for name, rows in facets.by_field}
    days = Counter(f"{one.at.astimezone().date()}" for one in expected)
    assert by_field.get("on", {}) == days
    models = Counter(one.facts.names["asked"][0] for one in expected)
    assert by_field.get("model", {}) == models
    clients = Counter(one.facts.client for one in expected if one.facts.client)
    assert by_field.get("client", {}) == clients
    await check_sessions(index, text, expected)


async def check_sessions(index: SqliteSearchIndex, text: str, expected: list[Kept]) -> None:
    """The sessions, each with one reply: pinned and newest first, in whole and in pages."""
    ordered = sorted(
        expected, key=lambda one: (not one.facts.is_pinned, -one.at.timestamp(), one.session_id)
    )
    for limit, offset in ((1_000, 0), (100, 0), (2, 0), (3, 1)):
        search = Search(parse_query(text), NOW, limit=limit, offset=offset)
        names = [one.session_id for one in await index.find_sessions(search)]
        assert names == [one.session_id for one in ordered][offset : offset + limit]


async def test_only_the_newest_shards_are_read_for_the_newest_replies(
    monkeypatch: pytest.MonkeyPatch, store: SqliteStore
) -> None:
    index = index_of(store)
    for number in range(30):
        await keep(store, number, number * 24, ["apple"], 0)
    await index.update()
    shards = await store.database.read(list_shards)
    assert len(shards) == 10
    search = Search(parse_query("apple"), NOW, limit=4)
    read: list[str] = []
    await store.database.search(lambda c: c.set_trace_callback(read.append))
    hits = await index.find(search)
    await store.database.search(lambda c: c.set_trace_callback(None))
    assert [hit.session_id for hit in hits] == ["s029", "s028", "s027", "s026"]
    tables = {shard.table for shard in shards if any(f"FROM {shard.table} " in r for r in read)}
    assert tables == {shard.table for shard in shards[:2]}


@pytest.mark.parametrize("step", [1, 4, 50])
async def test_replies_that_are_indexed_newest_first_share_shards(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr("replyscope.store.index.STEP", step)
    index = index_of(store)
    for number in range(3):
        await keep(store, number, number, ["pear"], 0)
    await index.update()
    kept = [await keep(store, 20 - n, 100 + 24 * (20 - n), ["apple"], 0) for n in range(12)]
    await index.update()
    shards = await store.database.read(list_shards)
    assert [shard.replies for shard in shards] == [3] * 5
    await check_page(index, Search(parse_query("apple"), NOW, Sort.TIME, 5), kept)


@pytest.mark.parametrize(
    ("most", "size", "left"), [(4, 10**6, [3, 0]), (4, 1, [6, 5, 4, 3, 2, 1, 0])]
)
async def test_a_step_has_few_replies_or_few_bytes(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, most: int, size: int, left: list[int]
) -> None:
    monkeypatch.setattr("replyscope.store.index.STEP", most)
    monkeypatch.setattr("replyscope.store.index._STEP_BYTES", size)
    for number in range(7):
        await keep(store, number, number, ["apple"], 0)
    told: list[int] = []
    await index_of(store).update(told.append)
    assert told == left


async def test_the_words_of_a_step_are_one_segment(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replyscope.store.shards.FULL", 100)
    for number in range(12):
        await keep(store, number, (number * 7) % 12 * 24, ["apple"], 0)
    await index_of(store).update()
    sql = "SELECT count(DISTINCT segid) FROM search_1_idx"
    assert await store.database.read(lambda c: c.execute(sql).fetchone()) == (1,)


@given(st.lists(st.integers(-(10**6), 10**7), max_size=60), st.integers(1, 3_000_000))
def test_ids_are_in_order_of_time(times: list[int], scale: int) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE fact (id INTEGER PRIMARY KEY, at INTEGER)")
        ids = IdsInUse(connection)
        for number, time in enumerate((*times, *([times[0]] * 100 if times else []))):
            if number == 20:
                ids = IdsInUse(connection)  # the next transaction
            fact_id = ids.take(time * scale)
            connection.execute("INSERT INTO fact VALUES (?, ?)", (fact_id, time * scale))
        rows = connection.execute("SELECT id, at FROM fact ORDER BY id").fetchall()
    assert all(fact_id >= base_of(at) >= FIRST_ID for fact_id, at in rows)
    assert all(base_of(one) <= base_of(two) for one, two in zip(*[sorted(times)] * 2, strict=True))


@given(st.text(st.characters(max_codepoint=127)))
def test_sqlite_divides_ascii_as_we_do(text: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE VIRTUAL TABLE words USING fts5(text, content='')")
        connection.execute("CREATE VIRTUAL TABLE found USING fts5vocab('words', 'instance')")
        connection.execute("INSERT INTO words (rowid, text) VALUES (1, ?)", (text,))
        rows = connection.execute("SELECT term FROM found ORDER BY offset").fetchall()
    assert [term for (term,) in rows] == words_of(text)


EARLIER = next(n for n, script in enumerate(MIGRATIONS) if "search RENAME TO search_0" in script)
"""The version before the index was divided."""


def index_as_before(path: Path) -> None:
    """Index all replies of a file as the version before did, in the order of their names."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        for (name,) in connection.execute("SELECT id FROM exchange ORDER BY id").fetchall():
            entry = written_entry(connection, name, facts_of)
            assert entry is not None
            columns = ", ".join(entry.columns)
            (number,) = connection.execute(
                f"INSERT INTO fact ({columns}) VALUES ({', '.join('?' * len(entry.columns))}) "
                "RETURNING id",
                tuple(entry.columns.values()),
            ).fetchone()
            connection.executemany(
                "INSERT INTO fact_name VALUES (?, ?, ?)", [(*one, number) for one in entry.names]
            )
            packed = zlib.compress(json.dumps(entry.texts).encode("ascii"))
            connection.execute("INSERT INTO body VALUES (?, ?)", (number, packed))
            connection.execute(
                "INSERT INTO search (rowid, prompt, text, reasoning, calls) VALUES (?, ?, ?, ?, ?)",
                (number, *(" ".join(words_of(text)) for text in entry.texts)),
            )
        connection.execute("DELETE FROM unindexed")
        connection.execute("COMMIT")


async def file_of_before(path: Path) -> list[Kept]:
    """A file of the version before with twelve indexed replies."""
    fresh = SqliteStore(path.with_name("fresh.db"), "test")
    kept = [
        await keep(fresh, n, (n * 7) % 12 * 24, ["apple"] * (n % 3) + ["pear"], n % 6)
        for n in range(12)
    ]
    await fresh.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, None, MIGRATIONS[:EARLIER])
        connection.execute("ATTACH ? AS fresh", (str(path.with_name("fresh.db")),))
        for table in ("session", "message", "exchange", "source"):
            connection.execute(f"INSERT INTO {table} SELECT * FROM fresh.{table}")
    index_as_before(path)
    return kept


async def check_all(index: SqliteSearchIndex, kept: list[Kept]) -> None:
    for text in QUERIES:
        expected = fitting(kept, text)
        await check_page(index, Search(parse_query(text), NOW, Sort.TIME, 5), expected)
        await check_numbers(index, text, expected)
        await check_counts(index, text, expected)


async def test_an_older_index_is_searched_before_and_while_it_is_upgraded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await file_of_before(tmp_path / "sessions.db")
    store = SqliteStore(tmp_path / "sessions.db", "test")
    await store.open()
    assert not list(tmp_path.glob("*.bak")), "the saved sessions were not changed"
    index = index_of(store)
    await check_all(index, kept)
    before = await index.names()
    await store.database.write(lambda c: note_unindexed(c, "s003-x"))
    await index.update()
    await check_all(index, kept)
    await store.close()  # the upgrade is continued by another process
    store = SqliteStore(tmp_path / "sessions.db", "test")
    index = index_of(store)
    left: list[int] = []
    monkeypatch.setattr("replyscope.store.search._EARLIER_STEP", 4)
    await index.upgrade(left.append)
    assert left == sorted(left, reverse=True)
    assert left[-1] == 0
    await check_all(index, kept)
    assert await index.names() == before
    tables = await store.database.read(
        lambda c: c.execute("SELECT name FROM sqlite_master WHERE name GLOB 'search_0*'").fetchall()
    )
    assert tables == []
    assert await store.check_integrity() is None
    await index.upgrade()  # nothing is left
    await store.close()


async def test_a_purge_during_an_upgrade_is_finished_after_it(tmp_path: Path) -> None:
    await file_of_before(tmp_path / "sessions.db")
    store = SqliteStore(tmp_path / "sessions.db", "test")
    library, index = SqliteLibrary(lambda: store.database), index_of(store)
    purged, _ = await library.purge(["s001"], NOW)
    assert purged.is_pending, "its words are in the table of the version before"
    await index.upgrade()
    assert await library.finish_purge()
    assert await library.has_pending_purge() is False
    await store.close()


async def test_imported_replies_of_one_time_are_found(store: SqliteStore) -> None:
    index = index_of(store)
    kept = [await keep(store, number, 5, ["apple"], 0) for number in range(40)]
    await index.update()
    late = await keep(store, 40, 6, ["apple"], 0)
    await index.update()
    await check_all(index, [*kept, late])


async def test_a_large_file_is_checked_in_part(store: SqliteStore) -> None:
    await keep(store, 0, 0, ["apple"], 0)
    assert await store.check_quickly() == (None, True)
    assert await store.database.read(lambda c: find_fault_quickly(c, 1)) == (None, False)
    known = await store.database.read(
        lambda c: {name for (name,) in c.execute("SELECT name FROM sqlite_master")}
    )
    assert set(LISTS) <= known
