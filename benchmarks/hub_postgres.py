"""`python -m benchmarks.hub_postgres [--replies N] [--runs N]`: a hub in a PostgreSQL database.

A real server on loopback, with its defaults except `shared_buffers`. The replies have words of a
language-like frequency, a tenth of them tool calls. The first are pushed as a machine does; the
rest of the corpus is made of rows like theirs.
"""

import argparse
import asyncio
import bisect
import itertools
import json
import random
import statistics
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection
from tests.support.build import make_exchange
from tests.support.hub_entries import Log
from tests.support.postgres import PostgresServer, find_installs

from benchmarks.bench import Bench
from benchmarks.row import Row, print_table
from replyscope.domain.errors import SearchInterrupted
from replyscope.domain.exchange import Choice, Exchange, ExchangeState, Timing, ToolCall, Usage
from replyscope.domain.finish import FinishReason
from replyscope.domain.hub import START, HubEntry
from replyscope.domain.matching import read_query
from replyscope.domain.message import TextPart
from replyscope.domain.search import Search, Sort
from replyscope.hub.postgres.hub import PostgresHub
from replyscope.hub.postgres.lexemes import index_texts
from replyscope.hub.postgres.opening import open_postgres
from replyscope.hub.postgres.reading import HubReader
from replyscope.hub.postgres.search import PostgresSearchIndex
from replyscope.inspection.facts import facts_of

_VOCABULARY = 60_000
_WORDS = 120
PUSHED = 4_000
_AT_ONCE = 500
YEARS_BACK = 3
_MODELS = ("gpt-6-sol", "gpt-6-mini", "claude-5", "local-8b")
_SEED = 7
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_QUERIES = (
    ("a rare word", "w{rare}"),
    ("two words", "w{middle} w{rare}"),
    ("a phrase", '"w{middle} w{middle2}"'),
    ("a common word", "w{common}"),
    ("a common word and fields", "w{common} finish:length model:gpt-6*"),
    ("fields", "finish:length cost:>0.01 after:2026-10-01"),
    ("a tool", "tool:read_file tokens:>900"),
    ("no query", ""),
)
Values = tuple[object, ...]


class Corpus:
    """Makes replies whose words follow Zipf's law, each run the same."""

    def __init__(self) -> None:
        self.chance = random.Random(_SEED)
        weights = (1 / (rank + 3) for rank in range(_VOCABULARY))
        self._sums = list(itertools.accumulate(weights))

    def words(self, count: int = _WORDS) -> str:
        """A text."""
        top = self._sums[-1]
        ranks = (bisect.bisect(self._sums, self.chance.random() * top) for _ in range(count))
        return " ".join(f"w{rank}" for rank in ranks)

    def started_at(self) -> datetime:
        """A time in the last years."""
        return NOW - timedelta(seconds=self.chance.random() * YEARS_BACK * 365 * 86_400)

    def exchange(self, key: str) -> Exchange:
        """A reply."""
        chance = self.chance
        is_cut = chance.random() < 0.05
        calls = (ToolCall("c", "function", "read_file", '{"path": "a"}'),)
        finish = FinishReason.LENGTH if is_cut else FinishReason.STOP
        choice = Choice(
            0,
            self.words(),
            finish_reason=finish,
            tool_calls=calls if chance.random() < 0.1 else (),
        )
        return replace(
            make_exchange(state=ExchangeState.COMPLETED, model=chance.choice(_MODELS)),
            id=key,
            started_at=self.started_at(),
            choices=(choice,),
            usage=Usage(500, chance.randrange(1000), chance.randrange(500, 2000)),
            estimated_cost_usd=chance.random() / 50,
            timing=Timing(100.0, 110.0, 900.0, 910.0, (5,) * 20, 125.0),
        )

    def query(self, template: str) -> str:
        """A query with words of the corpus."""
        chance = self.chance
        return template.format(
            rare=chance.randrange(20_000, _VOCABULARY),
            middle=chance.randrange(500, 3_000),
            middle2=chance.randrange(100, 500),
            common=chance.randrange(20),
        )


def _entries(corpus: Corpus, log: Log, count: int) -> Iterator[list[HubEntry]]:
    """The entries of replies, in batches; a session has ten."""
    for first in range(0, count, _AT_ONCE):
        some: list[HubEntry] = []
        for number in range(first, min(count, first + _AT_ONCE)):
            name, parent = f"s{number // 10}", f"s{number // 10}-m{number - 1}"
            if number % 10 == 0:
                some.append(log.session(name, title=corpus.words(5)))
            asked, said = f"{name}-q{number}", f"{name}-m{number}"
            exchange = corpus.exchange(f"{name}-x{number}")
            above = parent if number % 10 else None
            some.append(log.message(asked, name, (TextPart(corpus.words(20)),), parent=above))
            reply = [(exchange.id, 0)]
            some.append(log.message(said, name, role="assistant", parent=asked, sources=reply))
            frames = [f"data: {word}\n\n" for word in exchange.choices[0].text.split()]
            some.append(log.exchange(exchange, name, said, frames))
        yield some


def push_replies(hub: PostgresHub, corpus: Corpus) -> list[Row]:
    """Push the first replies of a corpus as a machine does."""
    log, head, took, sizes = Log("bench"), START, 0.0, 0
    for some in _entries(corpus, log, PUSHED):
        began = time.monotonic()
        head = hub.push("bench", "bench", some, head)
        took += time.monotonic() - began
        sizes += sum(len(entry.body) for entry in some)
    single = []
    for number in range(40):
        turn = log.turn(f"one-{number}", corpus.words(20), corpus.exchange("x"))
        began = time.monotonic()
        head = hub.push("bench", "bench", turn, head)
        single.append((time.monotonic() - began) * 1000)
    detail = f"{PUSHED:,} replies, {sizes / PUSHED / 1000:.1f} kB each"
    return [
        Row("replies pushed to a PostgreSQL hub", PUSHED / took, "/s", None, detail),
        Row("push of one ending, median", statistics.median(single), "ms", 100),
    ]


def _fill(server: PostgresServer, database: str, corpus: Corpus, count: int) -> float:
    """Add rows like those of a push until the hub has `count` replies. Returns the seconds."""
    began = time.monotonic()
    with server.connect(database) as connection:
        months = sorted(
            {(NOW - timedelta(days=days)).strftime("%Y%m") for days in range(YEARS_BACK * 366 + 31)}
        )
        connection.execute("SELECT replyscope.make_months(%s)", (months,))
        step = 20_000
        for first in range(PUSHED, count, step):
            rows = [_row(corpus, number) for number in range(first, min(count, first + step))]
            _copy(connection, rows)
        connection.execute("VACUUM ANALYZE replyscope.reply")
        connection.execute("VACUUM ANALYZE replyscope.words")
        connection.execute("VACUUM ANALYZE replyscope.session")
    return time.monotonic() - began


def _row(corpus: Corpus, number: int) -> tuple[Values, Values]:
    chance = corpus.chance
    key, session = f"f{number}", f"s{number // 10 % (PUSHED // 10)}"
    at_ms = int(corpus.started_at().timestamp() * 1000)
    prompt, text = corpus.words(20), corpus.words()
    indexed = index_texts(prompt, text, "", "")
    finish = "length" if chance.random() < 0.05 else "stop"
    names = [f"finish\x1f{finish}"]
    if chance.random() < 0.1:
        names.append("tool\x1fread_file")
    packed = zlib.compress(json.dumps((prompt, text, "", "")).encode(), 1)
    reply = (
        "founder", key, at_ms, session, f"{key}-m", "bench", "completed", chance.choice(_MODELS),
        "", "chat", finish, chance.randrange(500, 2000), 500, 100, chance.random() / 50, 0.1, 0.9,
        100.0, "  ", False, names, packed, False,
    )  # fmt: skip
    words = (
        "founder", key, at_ms, session, False, indexed.is_cut, indexed.lexemes, *indexed.texts,
    )  # fmt: skip
    return reply, words


def _copy(connection: "Connection[Any]", rows: Sequence[tuple[Values, Values]]) -> None:
    columns = (
        "owner, exchange_id, started_at, session_id, message_id, machine, state, model, answered, "
        "api, finish, tokens, input, output, cost, ttft, duration, tps, marks, is_reported, "
        "named, texts, is_shared"
    )
    into = (f"replyscope.reply ({columns})", "replyscope.words")
    for place, table in enumerate(into):
        statement = f"COPY {table} FROM STDIN".encode()
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row[place])


async def search_hub(
    hub: PostgresHub, server: PostgresServer, corpus: Corpus, runs: int
) -> list[Row]:
    """The times of the queries, of the facets, and of a cancellation."""
    reader = HubReader(hub.address, lambda _name: server.password)
    index = PostgresSearchIndex(reader)
    rows, all_times = [], []
    for title, template in _QUERIES:
        times = []
        for _ in range(runs):
            search = Search(read_query(corpus.query(template)), NOW, Sort.RANK)
            began = time.monotonic()
            await index.find(search)
            times.append((time.monotonic() - began) * 1000)
        all_times += times
        times.sort()
        detail = f"worst {times[-1]:.0f} ms"
        rows.append(Row(f"first 50: {title}, median", statistics.median(times), "ms", None, detail))
    all_times.sort()
    rows += [
        Row("first 50 of all these, median", statistics.median(all_times), "ms", 100),
        Row("first 50, 99th percentile", all_times[int(len(all_times) * 0.99)], "ms", 500),
    ]
    began = time.monotonic()
    facets = await index.facets(Search(read_query(""), NOW))
    took = time.monotonic() - began
    rows.append(Row("facets of all replies", took, "s", None, f"{facets.total:,} replies"))
    began = time.monotonic()
    facets = await index.facets(Search(read_query(corpus.query("w{common} finish:length")), NOW))
    took = time.monotonic() - began
    rows.append(Row("facets of a common word", took, "s", None, f"{facets.total:,} replies"))
    rows.append(await _cancelling(index))
    await reader.close()
    return rows


async def _cancelling(index: PostgresSearchIndex) -> Row:
    """From the cancellation of a long search to its end."""
    job = asyncio.create_task(index.facets(Search(read_query("w1 or w2 or w3"), NOW)))
    await asyncio.sleep(0.05)
    began = time.monotonic()
    index.interrupt()
    try:
        await job
    except SearchInterrupted:
        pass
    return Row("a search is cancelled", (time.monotonic() - began) * 1000, "ms", 100)


def measure_hub_postgres(bench: Bench) -> list[Row]:
    """The rows of a small corpus, for the table of all benchmarks."""
    return measure(50_000, 10 * bench.runs)


def measure(replies: int, runs: int) -> list[Row]:
    """The rows; none without PostgreSQL."""
    installs = find_installs()
    if not installs:
        return []
    server = PostgresServer(installs[0], "shared_buffers=512MB", "max_wal_size=4GB")
    try:
        server.create_role("founder")
        database = server.create_database("founder")
        url, corpus = server.url(database, "founder"), Corpus()
        hub = open_postgres(url, lambda _name: server.password, facts_of, {})
        hub.initialise()
        rows = push_replies(hub, corpus)
        took = _fill(server, database, corpus, replies)
        print(f"filled {replies:,} replies in {took:.0f} s", flush=True)
        rows += asyncio.run(search_hub(hub, server, corpus, runs))
        hub.close()
    finally:
        server.stop()
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hub_postgres", description=__doc__)
    parser.add_argument("--replies", type=int, default=50_000, help="in the corpus")
    parser.add_argument("--runs", type=int, default=30, help="of each query")
    chosen = parser.parse_args()
    print_table(
        f"A PostgreSQL hub, {chosen.replies:,} replies", measure(chosen.replies, chosen.runs)
    )


if __name__ == "__main__":
    main()
