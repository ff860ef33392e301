"""Opens the connections to a PostgreSQL hub, with bounds in time."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext

import psycopg
from psycopg import sql

from replyscope.domain.errors import HubRefused
from replyscope.domain.web_address import is_loopback_host
from replyscope.hub.postgres.address import Address, is_local
from replyscope.hub.postgres.faults import translated
from replyscope.hub.postgres.password_file import check_password_file

Password = Callable[[str], str | None]
"""Returns the password with a name from the keyring; with None, libpq uses its own sources."""
_COMPRESSION = """
SELECT pg_catalog.set_config(name, 'lz4', false) FROM pg_catalog.pg_settings
WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)
"""
"""Long texts are compressed with lz4 where the server has it: pglz takes most of a push's time."""
Connection = psycopg.Connection[tuple[object, ...]]
_CONNECT_S = 10
_OPTIONS = {
    "statement_timeout": "60s",
    "lock_timeout": "20s",
    "idle_in_transaction_session_timeout": "120s",
    "client_encoding": "UTF8",
    "search_path": "pg_catalog",
}
"""Every name in our statements has its schema: another role cannot put one before it."""
_READING = {"default_transaction_read_only": "on", "jit": "off", "work_mem": "32MB"}
"""Compiling a query over the partitions of many months takes longer than running it; the replies
that are counted for facets stay in memory.
"""


def connect(address: Address, password: Password, *, reads: bool = False) -> Connection:
    """A new connection in autocommit mode; with `reads` it can't write. Raises HubError."""
    given = address.conninfo()
    secret = password(address.keyring_name)
    if secret:
        given["password"] = secret
    elif address.password_file is not None:
        check_password_file(address.password_file)
    options = {**_OPTIONS, **_READING} if reads else _OPTIONS
    with translated(address.shown):
        connection = psycopg.connect(
            autocommit=True,
            connect_timeout=_CONNECT_S,
            keepalives_idle=30,
            keepalives_count=3,
            keepalives_interval=10,
            tcp_user_timeout=30_000,
            application_name="replyscope",
            **given,  # type: ignore[arg-type]
        )
        try:
            _check_route(connection, address)
            for name, value in options.items():
                connection.execute("SELECT pg_catalog.set_config(%s, %s, false)", (name, value))
            if not reads:
                connection.execute(_COMPRESSION)
        except BaseException:
            connection.close()
            raise
    return connection


def _check_route(connection: Connection, address: Address) -> None:
    """Check that a connection without TLS does not leave this machine."""
    there = connection.info.hostaddr
    is_here = is_local(address.host) and (not there or is_loopback_host(there))
    if not is_here and not connection.pgconn.ssl_in_use:
        raise HubRefused(
            f"The connection to the hub at {address.shown} is not encrypted.",
            "Give the server a certificate (ssl = on).",
        )


def pipelined(connection: Connection) -> AbstractContextManager[object]:
    """Sends statements without waiting for their results, where libpq can (from 14 on)."""
    return connection.pipeline() if psycopg.Pipeline.is_supported() else nullcontext()


def by_column(rows: Iterable[Sequence[object]]) -> list[list[object]]:
    """The columns of rows, as the arrays of `unnest`; empty without rows."""
    return [list(column) for column in zip(*rows, strict=True)]


def named(schema: str, statement: str) -> sql.Composed:
    """A statement with the schema of the hub in place of {schema}."""
    return sql.SQL(statement).format(schema=sql.Identifier(schema))
