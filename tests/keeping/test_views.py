"""The SQL views: as documented, and read by plain SQLite and by DuckDB."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from replyscope.domain.exchange import Choice, ExchangeState, ToolCall, Usage
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import (
    FilePart,
    ImagePart,
    Message,
    ReplySource,
    Role,
    TextPart,
    ToolResultPart,
)
from replyscope.domain.session import Session
from replyscope.domain.sql_views import VIEWS
from replyscope.domain.tool import ToolCallState
from tests.keeping.archive import filled
from tests.support.build import NOON, make_exchange

CALLS = (
    ToolCall("c1", "function", "read_file", '{"path": "a.py"}', ToolCallState.REQUESTED),
    ToolCall("w1", "web_search_call", "web_search", "{}", ToolCallState.COMPLETED, "found it"),
)


async def made(folder: Path) -> Path:
    """An archive with a question, two choices, two calls and a result; and a deleted session."""
    wiring = await filled(folder)
    store = wiring.store
    await store.create_session(Session("s1", "Views", NOON, NOON))
    asked = (
        TextPart("read\n\U0001f600 it"),
        ImagePart("a.png", "image/png", b"x"),
        FilePart("f", "in f"),
    )
    await store.add_message("s1", Message("q1", Role.USER, asked, NOON))
    choices = (
        Choice(0, "first", finish_reason=FinishReason.TOOL_CALLS, tool_calls=CALLS),
        Choice(1, "second", finish_reason=FinishReason.STOP),
    )
    exchange = make_exchange(
        id="x9", state=ExchangeState.COMPLETED, choices=choices, usage=Usage(10, 20, 30)
    )
    replies = [
        Message(f"a{n}", Role.ASSISTANT, (), NOON, "q1", (ReplySource("x9", n),)) for n in (0, 1)
    ]
    journal = await store.begin_exchange("s1", replies, exchange)
    await journal.finish(exchange)
    result = ToolResultPart("c1", "the text", state=ToolCallState.FAILED, duration_ms=12.5)
    await store.add_message("s1", Message("t9", Role.TOOL, (result,), NOON, "a0"))
    await wiring.review.delete(["pictures"])
    await wiring.review.update_index()
    await wiring.close()
    return wiring.paths.database


@pytest.fixture
async def views(tmp_path: Path) -> Path:
    return await made(tmp_path)


def rows(path: Path, sql: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(sql)]


async def test_the_columns_are_those_of_the_documentation(views: Path) -> None:
    for view in VIEWS:
        (first, *_) = rows(views, f"SELECT * FROM {view.name}")
        assert list(first) == [column.name for column in view.columns]
        kinds = {"text": str, "integer": int, "real": float}
        for row in rows(views, f"SELECT * FROM {view.name}"):
            for column in view.columns:
                value = row[column.name]
                assert value is None or isinstance(value, kinds[column.type]), column


async def test_sqlite_reads_them(views: Path) -> None:
    (reply,) = rows(views, "SELECT * FROM replies WHERE session_id = 's1'")
    assert reply["text"] == "first\nsecond"
    assert reply["started_at"] == "2026-11-23T12:00:00.000Z"
    assert (reply["finish_reason"], reply["total_tokens"], reply["has_error"]) == (
        "tool_calls",
        30,
        0,
    )
    messages = rows(views, "SELECT * FROM messages WHERE session_id = 's1' ORDER BY id")
    assert [(one["id"], one["role"], one["reply_id"]) for one in messages] == [
        ("a0", "assistant", "x9"),
        ("a1", "assistant", "x9"),
        ("q1", "user", None),
        ("t9", "tool", None),
    ]
    assert [one["text"] for one in messages[:2]] == ["first", "second"]
    assert messages[2]["text"] == "read\n\U0001f600 it\nin f"
    assert messages[3]["text"] == "the text"
    calls = rows(views, "SELECT * FROM tool_calls ORDER BY position")
    assert [(one["name"], one["state"], one["result"], one["duration_ms"]) for one in calls] == [
        ("read_file", "failed", "the text", 12.5),
        ("web_search", "completed", "found it", None),
    ]
    assert json.loads(calls[0]["arguments"]) == {"path": "a.py"}


async def test_deleted_sessions_are_left_out(views: Path) -> None:
    for view in ("replies", "messages"):
        assert rows(views, f"SELECT 1 FROM {view} WHERE session_id = 'pictures'") == []
    (total,) = rows(views, "SELECT sum(replies) AS n FROM usage_by_day")
    assert total["n"] == 4


async def test_a_text_that_is_not_unicode_does_not_stop_a_query(tmp_path: Path) -> None:
    """A lone surrogate, as a program may paste it, has no UTF-8."""
    wiring = await filled(tmp_path)
    lone = Message("l1", Role.USER, (TextPart("half \ud83d"),), NOON)
    await wiring.store.add_message("pictures", lone)
    await wiring.close()
    (found,) = rows(wiring.paths.database, "SELECT * FROM messages WHERE id = 'l1'")
    assert found["text"] is None


async def test_a_damaged_message_does_not_stop_a_query(views: Path) -> None:
    with closing(sqlite3.connect(views)) as connection, connection:
        connection.execute("UPDATE message SET parts = '{' WHERE id = 'q1'")
    assert len(rows(views, "SELECT * FROM messages WHERE session_id = 's1'")) == 4


def in_duckdb(path: Path) -> Iterator["duckdb.DuckDBPyConnection"]:
    """The views as tables of DuckDB. Its SQLite extension is a download, so the rows go through
    Python's sqlite3.
    """
    kinds = {"text": "VARCHAR", "integer": "BIGINT", "real": "DOUBLE"}
    with duckdb.connect() as connection:
        for view in VIEWS:
            columns = ", ".join(f"{c.name} {kinds[c.type]}" for c in view.columns)
            connection.execute(f"CREATE TABLE {view.name} ({columns})")
            found = [tuple(row.values()) for row in rows(path, f"SELECT * FROM {view.name}")]
            marks = ", ".join("?" * len(view.columns))
            connection.executemany(f"INSERT INTO {view.name} VALUES ({marks})", found)
        yield connection


async def test_duckdb_reads_them(views: Path) -> None:
    for connection in in_duckdb(views):
        joined = connection.execute(
            "SELECT c.name, r.total_tokens, CAST(r.started_at AS TIMESTAMP), m.text "
            "FROM tool_calls c JOIN replies r ON r.id = c.reply_id "
            "JOIN messages m ON m.reply_id = r.id AND m.id = r.message_id ORDER BY c.position"
        ).fetchall()
        assert joined == [
            ("read_file", 30, NOON.replace(tzinfo=None), "first"),
            ("web_search", 30, NOON.replace(tzinfo=None), "first"),
        ]
        (sums,) = connection.execute(
            "SELECT sum(replies), sum(output_tokens), sum(without_usage) FROM usage_by_day"
        ).fetchall()
        assert sums == (4, 20 + 3 * 7, 0)
        path_of = "SELECT arguments->>'path' FROM tool_calls WHERE name = 'read_file'"
        assert connection.execute(path_of).fetchall() == [("a.py",)]


async def test_counts_that_no_reply_has_do_not_overflow_the_sums(tmp_path: Path) -> None:
    wiring = await filled(tmp_path)
    await wiring.review.update_index()
    await wiring.close()
    path = wiring.paths.database
    (before,) = rows(path, "SELECT sum(output_tokens) AS n FROM usage_by_day")
    with closing(sqlite3.connect(path)) as connection, connection:
        first, second = connection.execute("SELECT id, output FROM fact LIMIT 2").fetchall()
        huge = "UPDATE fact SET input = ?, output = ?, cost = 1e308 WHERE id = ?"
        for key, _ in (first, second):
            connection.execute(huge, (2**63 - 1, 2**63 - 1, key))
    (sums,) = rows(path, "SELECT sum(output_tokens) AS n, sum(cost_usd) AS usd FROM usage_by_day")
    assert sums["n"] == before["n"] - first[1] - second[1]
    assert sums["usd"] is None or sums["usd"] < 1e12
