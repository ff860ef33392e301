"""Numbers of imported replies that cannot be kept: they become unknown, and a finding says so."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.exchange import Exchange
from replyscope.engine.importing import import_batch
from replyscope.inspection.findings import find_oddities
from replyscope.store.sqlite_store import SqliteStore
from tests.readers.samples import database, sample
from tests.support.importing import read_file

Make = Callable[[Path, object], Path]
NO_COUNT = (-1, 2**63, 10**30, 1.5, float("inf"), "many")
NO_MEASURE = (-1, -0.5, 1e300, "long")


def in_json(name: str, *place: str | int) -> Make:
    """A sample in JSON with a value in one place of it."""

    def make(folder: Path, value: object) -> Path:
        path = sample(name, folder)
        document = inner = json.loads(path.read_text())
        for key in place[:-1]:
            inner = inner.setdefault(key, {}) if isinstance(inner, dict) else inner[key]
        inner[place[-1]] = value
        path.write_text(json.dumps(document))
        return path

    return make


def webui(*place: str) -> Make:
    history = (0, "chat", "history", "messages", "m1")
    return in_json("open-webui", *history, *place)


def in_stream(folder: Path, value: object) -> Path:
    path = sample("sse", folder)
    path.write_text(
        path.read_text().replace('"prompt_tokens": 3', f'"prompt_tokens": {json.dumps(value)}')
    )
    return path


def in_log(column: str) -> Make:
    def make(folder: Path, value: object) -> Path:
        path = sample("llm", folder)
        return database(path, f"UPDATE responses SET {column} = {_sql(value)};")

    return make


def in_thread(column: str) -> Make:
    """A conversation of llm as a thread; of those there is no fixture."""

    def make(folder: Path, value: object) -> Path:
        path = sample("llm", folder)
        return database(path, THREAD + f"UPDATE turns SET {column} = {_sql(value)};")

    return make


THREAD = """
    DELETE FROM responses;
    CREATE TABLE threads (id TEXT, name TEXT, tip_message_hash TEXT, datetime_utc TEXT);
    CREATE TABLE turns (id TEXT, thread_id TEXT, parent_message_hash TEXT,
        tip_message_hash TEXT, model TEXT, resolved_model TEXT, input_tokens INTEGER,
        output_tokens INTEGER, duration_ms INTEGER, datetime_utc TEXT);
    CREATE TABLE messages (hash TEXT PRIMARY KEY, parent_hash TEXT, role TEXT);
    CREATE TABLE parts (id INTEGER PRIMARY KEY, message_hash TEXT, position INTEGER,
        type TEXT, tool_name TEXT, text TEXT, payload TEXT);
    INSERT INTO threads VALUES ('t', 'Birds', 'm2', '2026-11-01T10:00:00+00:00');
    INSERT INTO messages VALUES ('m1', NULL, 'user'), ('m2', 'm1', 'assistant');
    INSERT INTO parts (message_hash, position, type, text) VALUES
        ('m1', 0, 'text', 'Say pelican'), ('m2', 0, 'text', 'A pelican.');
    INSERT INTO turns VALUES
        ('u', 't', 'm1', 'm2', 'small', NULL, 3, 4, 900, '2026-11-01T10:00:00+00:00');
"""


def _sql(value: object) -> str:
    if isinstance(value, str):
        return f"'{value}'"
    return "9e999" if value == float("inf") else str(value)


COUNTS: dict[str, tuple[Make, str]] = {
    **{
        f"replyscope {name}": (in_json("replyscope", "exchanges", 0, "usage", name), name)
        for name in (
            *("input_tokens", "output_tokens", "total_tokens", "cached_input_tokens"),
            *("cache_write_tokens", "reasoning_tokens"),
        )
    },
    "open-webui prompt": (webui("usage", "prompt_tokens"), "input_tokens"),
    "open-webui completion": (webui("usage", "completion_tokens"), "output_tokens"),
    "open-webui total": (webui("usage", "total_tokens"), "total_tokens"),
    "open-webui cached": (
        webui("usage", "prompt_tokens_details", "cached_tokens"),
        "cached_input_tokens",
    ),
    "open-webui reasoning": (
        webui("usage", "completion_tokens_details", "reasoning_tokens"),
        "reasoning_tokens",
    ),
    "llm input": (in_log("input_tokens"), "input_tokens"),
    "llm output": (in_log("output_tokens"), "output_tokens"),
    "llm thread input": (in_thread("input_tokens"), "input_tokens"),
    "llm thread output": (in_thread("output_tokens"), "output_tokens"),
    "sse": (in_stream, "input_tokens"),
}
MEASURES: dict[str, Make] = {
    "replyscope duration": in_json("replyscope", "exchanges", 0, "timing", "duration_ms"),
    "replyscope first token": in_json("replyscope", "exchanges", 0, "timing", "first_token_ms"),
    "replyscope cost": in_json("replyscope", "exchanges", 0, "reported_cost_usd"),
    "replyscope estimate": in_json("replyscope", "exchanges", 0, "estimated_cost_usd"),
    "open-webui duration": webui("usage", "total_duration"),
    "llm duration": in_log("duration_ms"),
    "llm thread duration": in_thread("duration_ms"),
}


async def saved_exchange(store: SqliteStore, path: Path) -> Exchange:
    """The exchange of the only reply, as it is loaded again."""
    done = await import_batch(read_file(path), store, is_dry=False)
    assert done.failed == ()
    (summary,) = await store.list_sessions()
    (exchange,) = (await store.load_session(summary.id)).exchanges.values()
    return exchange


def unknown(exchange: Exchange, words: str) -> list[str]:
    return [finding for finding in find_oddities(exchange) if words in finding]


@pytest.mark.parametrize("value", NO_COUNT)
@pytest.mark.parametrize("place", COUNTS)
async def test_a_count_that_cannot_be_kept_is_unknown_and_reported(
    store: SqliteStore, tmp_path: Path, place: str, value: object
) -> None:
    make, field = COUNTS[place]
    exchange = await saved_exchange(store, make(tmp_path, value))
    assert exchange.usage is None or getattr(exchange.usage, field) is None
    (finding,) = unknown(exchange, "which is not a token count; shown as unknown")
    assert finding.startswith("usage.")


@pytest.mark.parametrize("value", NO_MEASURE)
@pytest.mark.parametrize("place", MEASURES)
async def test_a_time_or_cost_that_cannot_be_kept_is_unknown_and_reported(
    store: SqliteStore, tmp_path: Path, place: str, value: object
) -> None:
    exchange = await saved_exchange(store, MEASURES[place](tmp_path, value))
    timing: Any = exchange.timing
    assert not any((timing.duration_ms, timing.first_token_ms, exchange.cost_usd))
    (finding,) = unknown(exchange, "which is not a time or a cost; shown as unknown")
    assert "usage" not in finding


@pytest.mark.parametrize("value", [0, 3, 3.0, 2**63 - 1])
@pytest.mark.parametrize("place", COUNTS)
async def test_a_count_that_can_be_kept_is_not_reported(
    store: SqliteStore, tmp_path: Path, place: str, value: float
) -> None:
    make, field = COUNTS[place]
    exchange = await saved_exchange(store, make(tmp_path, value))
    assert exchange.usage is not None
    assert getattr(exchange.usage, field) == value
    assert unknown(exchange, "so it is unknown") == []
