"""A real SQLite file: what is saved comes back, and what is wrong is said, never overwritten."""

import os
import re
import sqlite3
import stat
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.errors import (
    SessionNotFound,
    StoreCorrupt,
    StoreError,
    StoreGone,
    StoreTooNew,
)
from replyscope.domain.event import RequestSent, WireFrame
from replyscope.domain.exchange import (
    Choice,
    Exchange,
    ExchangeState,
    Timing,
    ToolCall,
    Usage,
)
from replyscope.domain.failure import Failure
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import FilePart, ImagePart, Message, ReplySource, Role, TextPart
from replyscope.domain.session import Parameters, Session, SessionSettings, Spent
from replyscope.domain.spending import Committed, Reservation
from replyscope.inspection.facts import facts_of
from replyscope.store import rows
from replyscope.store.codec import (
    decode_exchange,
    decode_parts,
    encode_exchange,
    encode_parts,
)
from replyscope.store.frame_codec import decode_frames, encode_frames
from replyscope.store.library import SqliteLibrary
from replyscope.store.requests import join_body, split_body
from replyscope.store.schema import migrate
from replyscope.store.search import SqliteSearchIndex
from replyscope.store.sqlite_store import SqliteStore
from tests.support.build import NOON, make_exchange, user_message


def session(session_id: str = "s1") -> Session:
    settings = SessionSettings("openai", "m", "Be brief.", Parameters(max_tokens=3))
    return Session(session_id, "A title", NOON, NOON, settings, draft="half a thou")


def ended() -> Exchange:
    return make_exchange(
        state=ExchangeState.COMPLETED,
        choices=(
            Choice(
                0,
                "text \ud83d",
                "why",
                None,
                FinishReason.TOOL_CALLS,
                "stop",
                (ToolCall("c1", "function", "f", ""),),
            ),
        ),
        usage=Usage(input_tokens=0, output_tokens=2),
        timing=Timing(1.5, 2.5, 3.5, 4.5, (1, 2), 125.0),
        headers=(("a", "b"),),
        extras=(("provider", '"x"'),),
        adaptations=("dropped",),
        failure=Failure("server", "It failed.", "Retry.", status=500),
        reported_cost_usd=0.0,
    )


def test_an_exchange_survives_its_codec() -> None:
    assert decode_exchange(encode_exchange(ended())) == ended()
    assert decode_exchange(encode_exchange(make_exchange())) == make_exchange()


@given(st.lists(st.tuples(st.floats(0, 1e6).map(lambda f: round(f, 3)), st.text())))
def test_frames_survive_their_codec(rows: list[tuple[float, str]]) -> None:
    frames = [WireFrame(at_ms, text) for at_ms, text in rows]
    assert decode_frames(encode_frames(frames)) == frames


def test_parts_survive_their_codec() -> None:
    parts = (TextPart("a\x00b"), FilePart("f", "t"), ImagePart("i", "image/png", b"\x00\xff"))
    assert decode_parts(encode_parts(parts)) == parts


@given(st.lists(st.text(), min_size=0, max_size=6), st.sampled_from([",", ", ", ",\n  "]))
def test_a_request_is_rebuilt_byte_for_byte(texts: list[str], separator: str) -> None:
    import json

    messages = separator.join(json.dumps({"role": "user", "content": t}) for t in texts)
    body = ('{"messages":[' + messages + '],"model":"m"}').encode()
    assert join_body(*split_body(body)) == body


@given(st.binary())
def test_any_body_is_rebuilt(body: bytes) -> None:
    assert join_body(*split_body(body)) == body


async def test_a_session_comes_back_as_it_was(store: SqliteStore) -> None:
    await store.create_session(session())
    first = user_message("hello")
    await store.add_message("s1", first)
    reply = Message("m2", Role.ASSISTANT, (), NOON, "m1", (ReplySource("x1"),))
    journal = await store.begin_exchange("s1", [reply], make_exchange())
    await journal.record_request(RequestSent("POST", "http://h", (("a", "b"),), b'{"messages":[]}'))
    await journal.append([WireFrame(1.0, "data: 1\n\n")])
    await journal.append([WireFrame(2.0, "data: 2\n\n")])
    await journal.finish(ended())
    loaded = await store.load_session("s1")
    assert loaded.messages == (first, reply)
    assert tuple(loaded.exchanges.values()) == (ended(),)
    assert loaded.session.settings == session().settings
    assert loaded.session.draft == "half a thou"
    assert loaded.session.head_id == "m2"
    wire = await store.load_wire("x1")
    assert [frame.text for frame in wire.frames] == ["data: 1\n\n", "data: 2\n\n"]
    assert wire.request is not None
    assert wire.request.body == b'{"messages":[]}'


async def test_what_can_not_be_read_costs_no_other_reply(store: SqliteStore) -> None:
    await store.create_session(session())
    whole = [replace(ended(), id=f"x{n}", reported_cost_usd=0.25) for n in range(3)]
    for number, exchange in enumerate(whole):
        source = (ReplySource(exchange.id),)
        reply = Message(f"m{number}", Role.ASSISTANT, (), NOON, None, source)
        await (await store.begin_exchange("s1", [reply], exchange)).finish(exchange)
    damage = "UPDATE exchange SET folded = x'00' WHERE id = 'x1'"
    await store.database.write(lambda c: c.execute(damage))
    exchanges = (await store.load_session("s1")).exchanges
    assert (exchanges["x0"], exchanges["x2"]) == (whole[0], whole[2])
    assert exchanges["x1"].state is ExchangeState.FAILED
    assert exchanges["x1"].failure is not None
    assert "can't be read" in exchanges["x1"].failure.message


@pytest.mark.parametrize("is_indexed", [False, True])
async def test_what_a_session_took_is_known_without_reading_its_replies(
    store: SqliteStore, is_indexed: bool
) -> None:
    await store.create_session(session())
    for number, cost_usd in enumerate((0.25, None, 0.5)):
        usage = Usage(total_tokens=10) if cost_usd else None
        exchange = replace(ended(), id=f"x{number}", reported_cost_usd=cost_usd, usage=usage)
        reply = Message(f"m{number}", Role.ASSISTANT, (), NOON, None, (ReplySource(exchange.id),))
        await (await store.begin_exchange("s1", [reply], exchange)).finish(exchange)
    if is_indexed:
        await SqliteSearchIndex(lambda: store.database, facts_of).update()
    stored = await store.load_session("s1")
    assert stored.spent == Spent(tokens=20, cost_usd=0.75)
    assert not stored.is_held
    assert len(vars(stored.exchanges)["_read"]) == (0 if is_indexed else 3)


async def test_a_long_session_stores_each_message_of_its_requests_once(store: SqliteStore) -> None:
    await store.create_session(session())
    await store.add_message("s1", user_message("x"))
    elements: list[bytes] = []
    for turn in range(30):
        elements.append(
            b'{"role":"user","content":"%d %s"}' % (turn, os.urandom(500).hex().encode())
        )
        message = Message(f"r{turn}", Role.ASSISTANT, (), NOON, "m1", (ReplySource(f"x{turn}"),))
        journal = await store.begin_exchange("s1", [message], make_exchange(id=f"x{turn}"))
        body = b'{"messages":[' + b",".join(elements) + b'],"model":"m"}'
        await journal.record_request(RequestSent("POST", "u", (), body))
        wire = await store.load_wire(f"x{turn}")
        assert wire.request is not None
        assert wire.request.body == body
    sent = sum(len(e) * (30 - n) for n, e in enumerate(elements))
    kept = await store._database.read(
        lambda c: c.execute("SELECT sum(length(data)) FROM piece").fetchone()[0]
    )
    assert kept < sent / 10


async def test_deleted_sessions_are_not_listed_and_unknown_ones_are_said_so(
    store: SqliteStore,
) -> None:
    from dataclasses import replace

    await store.create_session(session("abc"))
    await store.create_session(replace(session("abd"), deleted_at=NOON))
    assert [s.id for s in await store.list_sessions()] == ["abc"]
    assert await store.find_session_id("abc") == "abc"
    with pytest.raises(SessionNotFound, match="Several"):
        await store.find_session_id("ab")
    with pytest.raises(SessionNotFound, match="No session"):
        await store.find_session_id("zz")
    with pytest.raises(SessionNotFound):
        await store.load_session("zz")


async def test_what_a_day_cost_is_known(store: SqliteStore) -> None:
    await store.create_session(session())
    for number, cost in enumerate((0.25, None, 0.5)):
        message = Message(
            f"r{number}", Role.ASSISTANT, (), NOON, None, (ReplySource(f"x{number}"),)
        )
        opening = make_exchange(id=f"x{number}")
        journal = await store.begin_exchange("s1", [message], opening)
        done = replace(opening, state=ExchangeState.COMPLETED, estimated_cost_usd=cost)
        await journal.finish(done)
    costs = await store.daily_costs(NOON - timedelta(days=2))
    assert list(costs.values()) == [0.75]
    library = SqliteLibrary(lambda: store.database)
    await library.purge(["s1"], NOON + timedelta(hours=1))
    assert await store.daily_costs(NOON - timedelta(days=2)) == costs
    await library.purge([], NOON)
    assert await store.daily_costs(NOON + timedelta(days=2)) == {}


async def test_old_costs_are_not_kept_after_a_purge(store: SqliteStore) -> None:
    await store.create_session(session())
    message = Message("r", Role.ASSISTANT, (), NOON, None, (ReplySource("x"),))
    opening = make_exchange(id="x")
    journal = await store.begin_exchange("s1", [message], opening)
    await journal.finish(replace(opening, state=ExchangeState.COMPLETED, estimated_cost_usd=0.5))
    await SqliteLibrary(lambda: store.database).purge(["s1"], NOON + timedelta(days=30))
    assert await store.daily_costs(NOON - timedelta(days=2)) == {}


async def test_a_reservation_counts_in_every_process_until_its_own_ends(tmp_path: Path) -> None:
    one, two = (SqliteStore(tmp_path / "s.db", name) for name in ("one", "two"))

    def wanted(name: str, at: datetime = NOON) -> Reservation:
        return Reservation(name, "s1", 0.5, at)

    assert await one.ledger.reserve(wanted("a"), NOON) == Committed()
    assert await two.ledger.reserve(wanted("b"), NOON) == Committed(0.5, 0.5)
    assert await one.ledger.committed("other", NOON) == Committed(1.0, 0.0)
    await two.ledger.release("b")
    assert await two.ledger.committed("s1", NOON) == Committed(0.5, 0.5)
    one._hold.release()  # as the system does when a process dies
    assert await two.ledger.reserve(wanted("c"), NOON) == Committed()
    later = NOON + timedelta(days=2)
    assert await two.ledger.reserve(wanted("d", later), later) == Committed()
    await one.close()
    await two.close()


async def test_the_values_of_prompts_go_with_their_session(store: SqliteStore) -> None:
    for name in ("old", "new"):
        await store.create_session(session(name))
    await store.remember_values("old", "look", {"x": "1", "long": "y" * 2_001})
    assert await store.last_values("look") == {"x": "1"}
    await store.remember_values("new", "look", {"x": "2"})
    await store.remember_values("gone", "look", {"x": "3"})
    assert await store.last_values("look") == {"x": "2"}
    library = SqliteLibrary(lambda: store.database)
    await library.set_deleted(["new"], 1)
    assert await store.last_values("look") == {"x": "1"}
    await library.purge(["new", "old"], NOON)
    assert await store.last_values("look") == {}
    await store.create_session(session("many"))
    for number in range(201):
        await store.remember_values("many", f"n{number}", {})
    rows = await store.database.read(
        lambda c: c.execute("SELECT count(*) FROM prompt_value").fetchone()
    )
    assert rows == (200,)


async def test_two_processes_see_each_others_sessions(tmp_path: Path) -> None:
    one = SqliteStore(tmp_path / "s.db", "one")
    two = SqliteStore(tmp_path / "s.db", "two")
    await one.open()
    await two.open()
    before = await two.next_change(-1)
    await one.create_session(session("from-one"))
    assert await two.next_change(before) != before
    assert [s.id for s in await two.list_sessions()] == ["from-one"]
    await one.close()
    await two.close()


async def test_only_exchanges_of_dead_writers_are_taken(tmp_path: Path) -> None:
    alive = SqliteStore(tmp_path / "s.db", "alive")
    other = SqliteStore(tmp_path / "s.db", "other")
    await alive.create_session(session())
    await alive.add_message("s1", user_message("x"))
    reply = Message("m2", Role.ASSISTANT, (), NOON, "m1", (ReplySource("x1"),))
    journal = await alive.begin_exchange("s1", [reply], make_exchange())
    await journal.append([WireFrame(1.0, "data: 1\n\n")])
    assert await other.take_unfinished() == ()
    assert [file.name for file in (tmp_path / "live").iterdir()] == ["alive.lock"]
    alive._hold.release()
    (taken,) = await other.take_unfinished()
    assert taken.opening.id == "x1"
    assert len(taken.frames) == 1
    await alive.close()
    await other.close()


async def test_the_last_prompts_are_kept_once_each(store: SqliteStore) -> None:
    for text in ("a", "b", "a"):
        await store.add_history(text)
    assert await store.load_history(10) == ("b", "a")


async def test_a_damaged_file_is_said_so_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(b"this is not a database" * 100)
    broken = SqliteStore(path, "w")
    with pytest.raises(StoreCorrupt, match="damaged"):
        await broken.open()
    await broken.close()
    assert path.read_bytes() == b"this is not a database" * 100


async def test_a_newer_file_is_said_so_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE future (x)")
    connection.execute("PRAGMA user_version = 99")
    connection.commit()
    connection.close()
    newer = SqliteStore(path, "w")
    with pytest.raises(StoreTooNew, match="newer"):
        await newer.open()
    await newer.close()
    left = sqlite3.connect(path)
    assert left.execute("SELECT name FROM sqlite_master").fetchall() == [("future",)]
    left.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
async def test_a_folder_that_is_none_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    blocked = SqliteStore(tmp_path / "file" / "s.db", "w")
    with pytest.raises(StoreError):
        await blocked.open()
    await blocked.close()


def test_a_migration_backs_the_file_up_first(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection, path, ["CREATE TABLE a (x);"])
    connection.execute("INSERT INTO a VALUES (1)")
    migrate(connection, path, ["CREATE TABLE a (x);", "ALTER TABLE a ADD COLUMN y;"])
    assert connection.execute("SELECT x, y FROM a").fetchall() == [(1, None)]
    connection.close()
    backup = sqlite3.connect(tmp_path / "s.db.v1.bak")
    assert backup.execute("SELECT * FROM a").fetchall() == [(1,)]
    backup.close()


def test_half_a_backup_is_not_taken_for_one(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection, path, ["CREATE TABLE a (x);"])
    connection.execute("INSERT INTO a VALUES (1)")
    (tmp_path / "s.db.v1.bak.part").write_bytes(b"what a process that was killed left")
    migrate(connection, path, ["", "ALTER TABLE a ADD COLUMN y;"])
    connection.close()
    assert sorted(p.name for p in tmp_path.glob("*.bak*")) == ["s.db.v1.bak"]
    backup = sqlite3.connect(tmp_path / "s.db.v1.bak")
    assert backup.execute("SELECT * FROM a").fetchall() == [(1,)]
    backup.close()


def test_a_failing_migration_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection, path, ["CREATE TABLE a (x);"])
    with pytest.raises(sqlite3.Error):
        migrate(connection, path, ["", "CREATE TABLE b (x); CREATE TABLE b (x);"])
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("a",)]
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    connection.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
async def test_the_file_is_its_owners_only(store: SqliteStore, tmp_path: Path) -> None:
    await store.create_session(session())
    for path in tmp_path.glob("sessions.db*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_file_that_is_gone_takes_nothing_more_until_it_is_back(
    store: SqliteStore, tmp_path: Path
) -> None:
    await store.create_session(session())
    path, away = tmp_path / "sessions.db", tmp_path / "away.db"
    path.rename(away)
    with pytest.raises(StoreGone, match="removed or replaced"):
        await store.add_message("s1", user_message("lost"))
    with pytest.raises(StoreGone):
        await store.load_session("s1")
    path.write_bytes(b"")
    with pytest.raises(StoreGone):
        await store.add_message("s1", user_message("lost"))
    assert path.read_bytes() == b""
    away.replace(path)
    await store.add_message("s1", user_message("kept"))
    assert [m.text for m in (await store.load_session("s1")).messages] == ["kept"]


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 999")


def _no_database(path: Path) -> None:
    path.write_bytes(b"some text " * 200)


USES: dict[str, Callable[[SqliteStore], Awaitable[object]]] = {
    "the writer": lambda store: store.open(),
    "the reader": lambda store: store.list_sessions(),
    "the search": lambda store: SqliteSearchIndex(lambda: store.database, facts_of).names(),
}


def open_files() -> set[str]:
    folder = Path("/proc/self/fd")
    return {os.readlink(file) for file in folder.iterdir() if file.is_symlink()}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs the list of open files")
@pytest.mark.parametrize(
    ("make", "use"),
    [(_newer, "the writer"), *((_no_database, use) for use in USES)],
)
async def test_a_file_that_cannot_be_used_is_closed_at_once(
    make: Callable[[Path], None], use: str, tmp_path: Path
) -> None:
    path = tmp_path / "s.db"
    make(path)
    store = SqliteStore(path, "w")
    with pytest.raises(StoreError) as failure:
        await USES[use](store)
    assert failure.tb is not None  # a traceback keeps its frames, and what they hold, alive
    assert str(path) not in open_files()
    await store.close()


def test_no_statement_numbers_its_placeholders() -> None:
    """Python 3.14 rejects `?1` together with a sequence of values."""
    folder = Path(rows.__file__).parent
    found = [
        path.name for path in folder.glob("*.py") if re.search(r"\?\d", path.read_text("utf-8"))
    ]
    assert found == []
