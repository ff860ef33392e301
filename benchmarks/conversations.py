"""What it costs to find the conversation of a watched call, and to store an agent's run."""

import asyncio
import json
import os
import random
import sqlite3
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.archive import sentences
from benchmarks.bench import Bench
from benchmarks.row import Row
from replyscope.cli.system import SystemClock, new_id
from replyscope.domain.exchange import Api
from replyscope.domain.watched import CallListener, Client, WatchedRequest
from replyscope.engine.watching.archive import WatchArchive, WatchServices
from replyscope.engine.watching.placing import chained, find_replied
from replyscope.provider.watched_wire import WatchedWire
from replyscope.store.sqlite_store import SqliteStore
from replyscope.store.watched import SqliteWatchStore

_SESSIONS = 10_000
_MESSAGES = 10
_TURNS = (20, 50, 200)
_LONG = 400
_MOST_MS = 5.0
_SSE = (("content-type", "text/event-stream"),)


def measure_conversations(bench: Bench) -> list[Row]:
    """Match the calls of an agent among 10,000 watched sessions; measure the file of its run."""
    return asyncio.run(_measure(bench.folder / "conversations"))


async def _measure(folder: Path) -> list[Row]:
    rows = []
    store = await _open(folder / "many")
    await store.database.write(_fill)
    times = await _play(store, max(_TURNS), _TURNS)
    await store.close()
    for turns, passed_ms in times.items():
        what = f"find the conversation of a call after {turns} turns, of {_SESSIONS:,} sessions"
        rows.append(Row(what, passed_ms, "ms", _MOST_MS, f"{passed_ms:.2f} ms"))
    sizes = {}
    for turns in (_LONG // 2, _LONG):
        store = await _open(folder / str(turns))
        await _play(store, turns, ())
        await store.close()
        sizes[turns] = sum(p.stat().st_size for p in (folder / str(turns)).glob("*.db*"))
    detail = f"{sizes[_LONG // 2]:,} and {sizes[_LONG]:,} bytes"
    growth = sizes[_LONG] / sizes[_LONG // 2]
    rows.append(
        Row(f"file of an agent's run, {_LONG // 2} to {_LONG} turns", growth, "x", 2.2, detail)
    )
    return rows


async def _open(folder: Path) -> SqliteStore:
    folder.mkdir(parents=True)
    store = SqliteStore(folder / "sessions.db", new_id())
    await store.open()
    return store


def _fill(connection: sqlite3.Connection) -> None:
    """Sessions with places of their own."""
    for number in range(_SESSIONS):
        session_id = f"s{number}"
        connection.execute(
            "INSERT INTO session (id, title, created_at, updated_at, settings, source) "
            "VALUES (?, 'Filled', 0, 0, '{}', 'watch')",
            (session_id,),
        )
        ids = [f"{session_id}-{place}" for place in range(_MESSAGES)]
        connection.executemany(
            "INSERT INTO message VALUES (?, ?, NULL, 'user', '[]', 0)",
            [(one, session_id) for one in ids],
        )
        connection.executemany(
            "INSERT INTO place VALUES (?, ?, ?, 0, 1)",
            [(os.urandom(16), one, session_id) for one in ids for _ in range(3)],
        )


async def _play(store: SqliteStore, turns: int, stops: tuple[int, ...]) -> dict[int, float]:
    """Run an agent. Returns the milliseconds that finding its conversation takes at some turns."""
    wire, found = WatchedWire(), SqliteWatchStore(lambda: store)
    archive = WatchArchive(WatchServices(found, wire, SystemClock(), new_id))
    times: dict[int, float] = {}
    for turn, (body, reply) in enumerate(_agent(turns), 1):
        request = _request(body)
        if turn in stops:
            times[turn] = statistics.median(
                [await _match_ms(found, wire, request) for _ in range(9)]
            )
        _answer(archive.called(request), reply)
        await archive.close(60)
    return times


async def _match_ms(store: SqliteWatchStore, wire: WatchedWire, request: WatchedRequest) -> float:
    """The time to hash a request that is parsed, and to find the place that it continues."""
    asked = wire.asked(request, Api.CHAT)
    began = time.perf_counter()
    call = chained(asked)
    places = {place.key: (place,) for place in await store.find_places(call.newest)}
    assert find_replied(call, places, "agent") is not None
    return (time.perf_counter() - began) * 1000


def _agent(turns: int) -> Iterator[tuple[dict[str, Any], bytes]]:
    """The requests of an agent with a growing history, each with its reply."""
    dice = random.Random(turns)
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": sentences(dice, 1_000)},
        {"role": "user", "content": sentences(dice, 400)},
    ]
    for turn in range(turns):
        text, result = sentences(dice, 200), sentences(dice, 1_400)
        function = {"name": "read", "arguments": json.dumps({"path": sentences(dice, 30)})}
        call = {"id": f"call_{turn}", "type": "function", "function": function}
        delta = {"content": text, "tool_calls": [{"index": 0, **call}]}
        choice = {"index": 0, "delta": delta, "finish_reason": "tool_calls"}
        frame = json.dumps({"id": f"c{turn}", "choices": [choice]})
        yield (
            {"model": "bench", "messages": messages},
            f"data: {frame}\n\ndata: [DONE]\n\n".encode(),
        )
        said = {"role": "assistant", "content": text, "tool_calls": [call]}
        told = {"role": "tool", "tool_call_id": f"call_{turn}", "content": result}
        messages = [*messages, said, told]


def _request(body: dict[str, Any]) -> WatchedRequest:
    return WatchedRequest(
        new_id(),
        datetime.now(UTC),
        "bench",
        "http://127.0.0.1:9/v1",
        "POST",
        "/chat/completions",
        "",
        (),
        json.dumps(body).encode(),
        Client("agent"),
    )


def _answer(listener: CallListener, reply: bytes) -> None:
    listener.responded(200, _SSE, 1.0)
    listener.received(reply, 2.0)
    listener.ended(None, 3.0)
