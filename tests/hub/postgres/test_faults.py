"""What goes wrong at a PostgreSQL server is named in sentences, and loses nothing."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from replyscope.domain.errors import (
    HubError,
    HubFull,
    HubReadOnly,
    HubRefused,
    HubUnreachable,
    NotAHub,
    SearchInterrupted,
    StoreError,
)
from replyscope.domain.hub import START
from replyscope.domain.query import parse_query
from replyscope.domain.search import Search
from replyscope.hub.postgres.archive import PostgresArchive
from replyscope.hub.postgres.faults import translate
from replyscope.hub.postgres.hub import PostgresHub
from replyscope.hub.postgres.opening import open_postgres
from replyscope.hub.postgres.reading import HubReader
from replyscope.hub.postgres.search import PostgresSearchIndex
from replyscope.inspection.facts import facts_of
from tests.hub.postgres.conftest import FOUNDER, OpenHub
from tests.hub.postgres.test_search import NOW
from tests.support.hub_entries import Log
from tests.support.postgres import PostgresServer
from tests.support.queries import answer


def open_url(url: str, password: str = "") -> PostgresHub:
    return open_postgres(url, lambda _name: password, facts_of, {})


def test_a_server_that_is_not_there_is_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(HubUnreachable, match="can't be reached"):
        open_url(f"postgresql://a@127.0.0.1:{port}/d").status()


def test_another_server_is_named(other_server: int) -> None:
    with pytest.raises(HubUnreachable, match="can't be reached"):
        open_url(f"postgresql://a@127.0.0.1:{other_server}/d").status()


@pytest.fixture
def other_server() -> Iterator[int]:
    """A server of another kind: it answers each connection with a line of HTTP."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def test_a_wrong_password_and_a_missing_database_are_named(
    server: PostgresServer, database: str
) -> None:
    with pytest.raises(HubRefused, match="rejected the login"):
        open_url(server.url(database, FOUNDER), "wrong").status()
    with pytest.raises(HubRefused, match="rejected the login"):
        open_url(server.url(database, FOUNDER)).status()
    with pytest.raises(NotAHub, match="does not exist"):
        open_url(server.url("gone", FOUNDER), server.password).status()


def test_a_database_of_another_encoding_is_refused(server: PostgresServer) -> None:
    with server.connect() as connection:
        connection.execute(
            f"CREATE DATABASE latin OWNER {FOUNDER} ENCODING 'LATIN1' LOCALE 'C' "
            "TEMPLATE template0".encode()
        )
    try:
        with (
            closing(open_url(server.url("latin", FOUNDER), server.password)) as hub,
            pytest.raises(HubError, match="LATIN1; a hub needs UTF8"),
        ):
            hub.initialise()
    finally:
        with server.connect() as connection:
            connection.execute("DROP DATABASE latin WITH (FORCE)")


def test_a_hub_that_can_only_be_read_is_named(
    hub: PostgresHub, open_hub: OpenHub, server: PostgresServer, database: str
) -> None:
    with server.connect(database) as connection:
        connection.execute(f"ALTER ROLE {FOUNDER} SET default_transaction_read_only = on".encode())
    try:
        with pytest.raises(HubReadOnly, match="only be read"):
            open_hub().push("laptop", "L", Log().turn("one", "Hi", answer("ok")), START)
    finally:
        with server.connect(database) as connection:
            connection.execute(f"ALTER ROLE {FOUNDER} RESET default_transaction_read_only".encode())


def test_a_full_disk_and_a_server_that_shuts_down_are_named() -> None:
    assert isinstance(translate(psycopg.errors.DiskFull("no space left"), "db"), HubFull)
    assert isinstance(translate(psycopg.errors.AdminShutdown("going down"), "db"), HubUnreachable)
    assert isinstance(
        translate(psycopg.errors.TooManyConnections("too many"), "db"), HubUnreachable
    )


def test_a_cut_connection_loses_nothing_and_the_next_call_continues(
    hub: PostgresHub, server: PostgresServer, database: str
) -> None:
    log = Log()
    head = hub.push("laptop", "L", log.turn("one", "Hi", answer("ok")), START)
    with server.connect(database) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
            ("replyscope",),
        )
    more = log.turn("two", "Hi", answer("ok"))
    with pytest.raises(HubUnreachable):
        hub.push("laptop", "L", more, head)
    hub.push("laptop", "L", more, head)
    assert len(hub.pull("laptop", 0, 10**6)) == 8


def test_a_push_that_fails_in_the_middle_leaves_nothing(
    hub: PostgresHub, server: PostgresServer, database: str
) -> None:
    with server.connect(database, FOUNDER) as connection:
        connection.execute("ALTER TABLE replyscope.words ADD CHECK (said NOT LIKE '%forbidden%')")
    with pytest.raises(Exception, match="rejected"):
        hub.push("laptop", "L", Log().turn("one", "Hi", answer("forbidden")), START)
    assert hub.pull("laptop", 0, 10**6) == ()
    assert hub.status().machines == {}


async def test_half_a_surrogate_pair_is_named(hub: PostgresHub, server: PostgresServer) -> None:
    archive = PostgresArchive(HubReader(hub.address, lambda _name: server.password))
    for call in (archive.find_session_id, archive.load_session, archive.load_wire):
        with pytest.raises(StoreError, match="surrogate"):
            await call("\ud800")
    await archive.close()


async def test_a_newer_search_cancels_the_running_one(
    hub: PostgresHub, server: PostgresServer
) -> None:
    reader = HubReader(hub.address, lambda _name: server.password)
    started = threading.Event()

    def sleep(connection: psycopg.Connection[tuple[object, ...]]) -> None:
        started.set()
        connection.execute("SELECT pg_sleep(60)")

    job = asyncio.create_task(reader.read(sleep, is_search=True))
    await asyncio.to_thread(started.wait)
    while not job.done():  # the server may not have begun the statement
        reader.interrupt()
        await asyncio.wait([job], timeout=0.05)
    with pytest.raises(SearchInterrupted):
        await job
    index = PostgresSearchIndex(reader)
    assert await index.find(Search(parse_query(""), NOW)) == ()
    with pytest.raises(StoreError):
        await index.rebuild()
    await reader.close()
