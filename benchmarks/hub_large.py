"""`python -m benchmarks --only hub-large`: a hub of two million replies, searched.

It is built once, in an hour, and kept (REPLYSCOPE_BENCH_CACHE, else the cache of the user); later
runs only search it. `python -m benchmarks.hub_large --folder DIR --replies N` takes another size.

A few thousand replies are pushed as a machine does; the server copies them until there are enough.
A copy has another time, and fifteen of sixteen copies have rare words of their own, so that a rare
word stays rare.
"""

import argparse
import asyncio
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from psycopg import Connection
from tests.support.postgres import PostgresServer, find_installs

from benchmarks.bench import Bench, kept_folder
from benchmarks.hub_postgres import NOW, PUSHED, YEARS_BACK, Corpus, push_replies, search_hub
from benchmarks.row import Row, print_table
from replyscope.hub.postgres.hub import PostgresHub
from replyscope.hub.postgres.opening import open_postgres
from replyscope.inspection.facts import facts_of

REPLIES = 2_000_000
_RUNS = 30
_VOCABULARIES = 16
_SPAN = timedelta(days=365 * YEARS_BACK) // timedelta(milliseconds=1)
_FIRST = int(NOW.timestamp() * 1000) - _SPAN
_STEP = 7_919 * 3_600_000
"""A copy is this much later, around the end of the time span to its beginning."""
_OPTIONS = ("shared_buffers=512MB", "max_wal_size=4GB", "wal_level=minimal", "max_wal_senders=0",
            "maintenance_work_mem=512MB", "autovacuum=off")  # fmt: skip
_TABLES = ("session", "reply", "words")
_INDEX = "SELECT pg_get_indexdef('replyscope.words_by_lexeme'::regclass)"


def _renamed(column: str) -> str:
    """SQL for a text whose rare words, those with four digits and more, are of a copy."""
    other = f"regexp_replace({column}::text, 'w([0-9]{{4,}})', 'w\\1x' || %(copy)s, 'g')"
    return f"CASE WHEN %(copy)s %% {_VOCABULARIES} = 0 THEN {column}::text ELSE {other} END"


_COPIED = {
    "id": "id || '-' || %(copy)s",
    "exchange_id": "exchange_id || '-' || %(copy)s",
    "session_id": "session_id || '-' || %(copy)s",
    "message_id": "message_id || '-' || %(copy)s",
    "started_at": f"{_FIRST} + (started_at - {_FIRST} + %(copy)s * {_STEP}::bigint) %% {_SPAN}",
    "lexemes": f"({_renamed('lexemes')})::tsvector",
    "said": _renamed("said"),
    "prompt": _renamed("prompt"),
}
"""How the columns of a copy differ from those of the reply that was pushed."""


def _copying(connection: "Connection[Any]", table: str) -> str:
    """The statement that makes one copy of the rows of a table."""
    rows = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
        "AND NOT attisdropped ORDER BY attnum",
        (f"replyscope.{table}",),
    ).fetchall()
    names = [str(name) for (name,) in rows]
    plain = ("said",) if table == "reply" else ()  # JSON, only shown
    values = [name if name in plain else _COPIED.get(name, name) for name in names]
    return (
        f"INSERT INTO replyscope.{table} ({', '.join(names)}) "
        f"SELECT {', '.join(values)} FROM pushed_{table}"
    )


def _fill(server: PostgresServer, database: str, replies: int) -> None:
    """Copy the pushed replies on the server. The index of words is built at the end, at once."""
    with server.connect(database) as connection:
        days = range(YEARS_BACK * 366 + 31)
        months = sorted({f"{NOW - timedelta(days=day):%Y%m}" for day in days})
        connection.execute("SELECT replyscope.make_months(%s)", (months,))
        row = connection.execute(_INDEX).fetchone()
        assert row is not None
        connection.execute("DROP INDEX replyscope.words_by_lexeme")
        for table in _TABLES:
            connection.execute(
                f"CREATE TEMP TABLE pushed_{table} AS SELECT * FROM replyscope.{table}".encode()
            )
        statements = [_copying(connection, table).encode() for table in _TABLES]
        for copy in range(1, replies // PUSHED):
            for statement in statements:
                connection.execute(
                    statement.replace(b"%(copy)s", str(copy).encode()).replace(b"%%", b"%")
                )
            if copy % 25 == 0:
                print(f"{(copy + 1) * PUSHED:,} replies", flush=True)
        connection.execute(str(row[0]).replace(" ON ONLY ", " ON ").encode())
        for table in _TABLES:
            connection.execute(f"VACUUM ANALYZE replyscope.{table}".encode())


def _built(server: PostgresServer, replies: int) -> PostgresHub:
    """The hub of the server, which is built if it is not complete."""
    mark = server.folder / f"hub-{replies}"
    database = mark.read_text() if mark.exists() else ""
    if not database:
        server.create_role("founder")
        database = server.create_database("founder")
    url = server.url(database, "founder")
    hub = open_postgres(url, lambda _name: server.password, facts_of, {})
    hub.initialise()  # or changes its format to that of this program
    if mark.exists():
        return hub
    push_replies(hub, Corpus())
    began = time.monotonic()
    _fill(server, database, replies)
    print(f"built in {time.monotonic() - began:.0f} s", flush=True)
    mark.write_text(database)
    return hub


def measure(folder: Path, replies: int, runs: int) -> list[Row]:
    """The rows; none without PostgreSQL."""
    installs = find_installs()
    if not installs:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    server = PostgresServer(installs[-1], *_OPTIONS, folder=folder.absolute())
    try:
        hub = _built(server, replies)
        rows = asyncio.run(search_hub(hub, server, Corpus(), runs))
        hub.close()
    finally:
        server.stop()
    return rows


def measure_hub_large(_bench: Bench) -> list[Row]:
    """The rows of the group, named apart from those of the usual hub."""
    rows = measure(kept_folder() / "hub", REPLIES, _RUNS)
    return [replace(row, what=f"{REPLIES:,} on a hub: {row.what}") for row in rows]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hub_large", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="keeps the server")
    parser.add_argument("--replies", type=int, default=REPLIES)
    parser.add_argument("--runs", type=int, default=_RUNS, help="of each query")
    chosen = parser.parse_args()
    rows = measure(chosen.folder, chosen.replies, chosen.runs)
    print_table(f"A PostgreSQL hub, {chosen.replies:,} replies", rows)


if __name__ == "__main__":
    main()
