"""The SQL views of a hub: the same rows as in the archive, and only those of the role."""

from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from replyscope.domain.hub import START
from replyscope.domain.sql_views import VIEWS
from replyscope.hub.postgres.hub import PostgresHub
from tests.hub.postgres.conftest import OpenHub
from tests.hub.postgres.test_machines import TeamMachine
from tests.keeping.test_views import made, rows
from tests.support.hub_entries import Log
from tests.support.postgres import PostgresServer
from tests.support.queries import answer

_ONLY_HUB = {"owner", "machine"}


def seen(
    server: PostgresServer, database: str, role: str, view: str, columns: str = "*"
) -> list[dict[str, Any]]:
    """The rows of a view, as psycopg reads them."""
    with server.connect(database, role) as connection:
        cursor = connection.cursor(row_factory=dict_row)
        return cursor.execute(f"SELECT {columns} FROM replyscope.{view}".encode()).fetchall()


def _sorted(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    plain = [{k: v for k, v in row.items() if k not in _ONLY_HUB} for row in found]
    return sorted(plain, key=repr)


async def test_the_views_have_the_same_rows_as_those_of_the_archive(
    hub: PostgresHub, open_hub: OpenHub, server: PostgresServer, database: str, tmp_path: Path
) -> None:
    path = await made(tmp_path)
    one = TeamMachine(path.parent, "m", tmp_path)
    one.opens = open_hub
    await one.store.open()
    await one.log.join("postgresql://test", one.new_id(), one.name)
    await one.sync()
    await one.close()
    for view in VIEWS:
        there = seen(server, database, "founder", view.name)
        columns = [name for name in there[0] if name not in _ONLY_HUB]
        assert columns == [column.name for column in view.columns]
        here = rows(path, f"SELECT * FROM {view.name}")
        for mine, theirs in zip(_sorted(here), _sorted(there), strict=True):
            assert theirs == mine, view.name


def test_a_member_sees_its_own_rows_and_what_is_shared(
    hub: PostgresHub, open_hub: OpenHub, server: PostgresServer, database: str
) -> None:
    for role in ("anna", "ben"):
        hub.grant(role)
    anna, ben = open_hub("anna"), open_hub("ben")
    private = Log("a").turn("private", "a secret", answer("for me"))
    log = Log("a", is_shared=True)
    log.number = len(private)
    anna.push("a", "laptop", [*private, *log.turn("shared", "for all", answer("yes"))], START)
    ben.push("b", "desk", Log("b").turn("bens", "his", answer("own")), START)
    assert [r["text"] for r in seen(server, database, "anna", "replies")] == ["for me", "yes"]
    found = seen(server, database, "ben", "replies")
    assert {(r["text"], r["owner"], r["machine"]) for r in found} == {
        ("yes", "anna", "laptop"),
        ("own", "ben", "desk"),
    }
    texts = [r["text"] for r in seen(server, database, "ben", "messages")]
    assert sorted(texts) == ["for all", "his", "own", "yes"]
    assert sum(r["replies"] for r in seen(server, database, "ben", "usage_by_day")) == 2
    assert seen(server, database, "founder", "messages", "count(*)")[0]["count"] == 2
    hub.revoke("ben")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        seen(server, database, "ben", "replies")


def test_no_value_of_a_member_makes_the_queries_of_others_fail(
    hub: PostgresHub, open_hub: OpenHub, server: PostgresServer, database: str
) -> None:
    hub.grant("ben")
    hostile = Log("b", is_shared=True).turn("x", "it", answer("yes"))
    open_hub("ben").push("b", "desk", hostile, START)
    for change in (
        "said = '{\"a\": 1}', tool_calls = '7'",
        'said = \'[1, [2], {}]\', tool_calls = \'[1, {"ms": 1e999}, {"ms": "x"}]\'',
        "input = 'NaN', output = 1e300, tokens = '-infinity', cost = 'infinity'",
        "started_at = 9223372036854775807",
        "started_at = -9223372036854775808",
    ):
        with server.connect(database, "ben") as connection:
            connection.execute(f"UPDATE replyscope.reply SET {change}".encode())
            connection.execute(
                "UPDATE replyscope.message SET created_at = -1 - 9223372036854775807"
            )
        for view in VIEWS:
            seen(server, database, "founder", view.name)


def test_a_hub_of_the_first_format_gets_the_views(
    hub: PostgresHub, open_hub: OpenHub, server: PostgresServer, database: str
) -> None:
    hub.grant("ben")
    hub.push("m", "laptop", Log("m", is_shared=True).turn("s", "hello", answer("yes")), START)
    with server.connect(database, "founder") as connection:
        for view in VIEWS:
            connection.execute(f"DROP VIEW replyscope.{view.name}".encode())
        for table, columns in (
            ("reply", ("said", "tool_calls")),
            ("message", ("created_at", "said", "choices")),
        ):
            drops = ", ".join(f"DROP COLUMN {name}" for name in columns)
            connection.execute(f"ALTER TABLE replyscope.{table} {drops}".encode())
        connection.execute("UPDATE replyscope.hub SET version = 1")
    hub.close()
    hub.initialise()
    (row,) = seen(server, database, "ben", "replies")
    assert row["text"] is None
    assert [r["text"] for r in seen(server, database, "ben", "messages")] == [None, None]


def test_a_sum_that_is_too_large_for_a_column_stops_no_query(
    hub: PostgresHub, server: PostgresServer, database: str
) -> None:
    """Ten million replies of the largest count; a thousand of a larger one stand for them."""
    hub.push("m", "laptop", Log("m").turn("s", "hello", answer("yes")), START)
    with server.connect(database, "founder") as connection:
        connection.execute("UPDATE replyscope.reply SET input = 1e16, output = 7")
        (definition,) = connection.execute(
            "SELECT pg_get_viewdef('replyscope.usage_by_day'::regclass)"
        ).fetchone() or ("",)
        many = str(definition).replace("'1000000000000'", "'100000000000000000'")
        assert many != definition
        rows = "(SELECT r.* FROM replyscope.reply r, generate_series(1, 1000)) r"
        statement = many.rstrip(";").replace("replyscope.reply r", rows)
        (found,) = connection.execute(statement.encode()).fetchall()
    assert (found[2], found[4], found[5]) == (1000, None, 7000)


def test_a_hub_of_the_third_format_gets_the_bounds(
    hub: PostgresHub, open_hub: OpenHub, server: PostgresServer, database: str
) -> None:
    hub.grant("ben")
    hub.push("m", "laptop", Log("m", is_shared=True).turn("s", "hello", answer("yes")), START)
    with server.connect(database, "founder") as connection:
        connection.execute("DROP VIEW replyscope.usage_by_day")
        connection.execute("CREATE VIEW replyscope.usage_by_day AS SELECT 1 AS day")
        connection.execute("UPDATE replyscope.hub SET version = 3")
    hub.close()
    hub.initialise()
    (row,) = seen(server, database, "ben", "usage_by_day")
    assert row["replies"] == 1
