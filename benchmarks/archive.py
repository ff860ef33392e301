"""`python -m benchmarks.archive [--sessions N] [--folder DIR]`: search on a large archive.

Fills a data folder (kept when one is named, so that a second run is quick) and asks a
fixed mix of queries: a rare word, a common one, a phrase, a prefix, a CJK substring,
field terms alone, and both together.
"""

import argparse
import asyncio
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.fill import fill as fill_session
from benchmarks.row import Row, print_table
from replyscope.domain.exchange import Api, Choice, Exchange, ExchangeState, Timing, ToolCall, Usage
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Message, ReplySource, Role, TextPart
from replyscope.domain.query import parse_query
from replyscope.domain.search import Search
from replyscope.domain.session import Session
from replyscope.domain.shared import Form, Shared
from replyscope.engine.sharing import Sharing
from replyscope.inspection.facts import facts_of
from replyscope.inspection.sharing.redaction import Redactor
from replyscope.store import rows
from replyscope.store.journal import save_ended
from replyscope.store.search import SqliteSearchIndex
from replyscope.store.sqlite_store import SqliteStore

QUERIES = {
    "rare word": "zyzzyva{n}",
    "common word": "{m}",
    "phrase": '"{m} {k}"',
    "prefix": "zyz*",
    "CJK substring": "京都",
    "field terms": "finish:length tokens:>400",
    "both together": "{m} model:model-2 finish:stop",
}
ARCHIVE = "archive"
_REPLIES = 10
_WORDS = 5_000
_START = datetime(2025, 1, 1, tzinfo=UTC)


def _vocabulary() -> list[str]:
    """Words of syllables; the first are short, as the common words of languages are."""
    dice = random.Random(5)
    words: dict[str, None] = {}
    while len(words) < _WORDS:
        count = 1 + min(3, len(words) // 60 + dice.randrange(2))
        syllables = (dice.choice("bcdfghklmnprst") + dice.choice("aeiou") for _ in range(count))
        words["".join(syllables) + dice.choice(["", "n", "r", "s", "t"])] = None
    return list(words)


VOCABULARY = _vocabulary()


def sentences(dice: random.Random, size: int) -> str:
    """Prose of about `size` characters, its words as unequal as those of a language."""
    picks = (VOCABULARY[int(dice.paretovariate(0.7)) % _WORDS] for _ in range(size // 7))
    return " ".join(picks)


def exchanges(dice: random.Random, session: int) -> Iterator[tuple[str, Exchange]]:
    """A session's prompts and what came of them."""
    for turn in range(_REPLIES):
        number = session * _REPLIES + turn
        extra = f" zyzzyva{number}" if number % 50 == 0 else ""
        extra += " 東京都庁の建物" if number % 200 == 0 else ""
        calls = (ToolCall("c", "function", f"tool{number % 7}", '{"path": "a.txt"}'),)
        reason = (FinishReason.STOP, FinishReason.STOP, FinishReason.LENGTH)[number % 3]
        text = sentences(dice, dice.choice((500, 2_000, 12_000))) + extra
        yield (
            sentences(dice, 300),
            Exchange(
                id=f"x{number:07}",
                api=Api.CHAT,
                endpoint="bench",
                base_url="http://127.0.0.1/v1",
                model=f"model-{number % 4}",
                started_at=_START + timedelta(minutes=7 * (number % 1_000_000)),
                state=ExchangeState.COMPLETED,
                choices=(
                    Choice(0, text, finish_reason=reason, tool_calls=calls[: number % 5 == 0]),
                ),
                usage=Usage(100, len(text) // 4, 100 + len(text) // 4),
                timing=Timing(first_token_ms=200.0 + number % 3_000, duration_ms=4_000.0),
                reported_cost_usd=0.0001 * (number % 90),
            ),
        )


async def fill(store: SqliteStore, sessions: int) -> None:
    """Sessions of ten messages and ten replies each, in one transaction for fifty."""
    dice = random.Random(7)
    for first in range(0, sessions, 50):
        made = [
            (number, list(exchanges(dice, number)))
            for number in range(first, min(first + 50, sessions))
        ]
        await store.database.write(lambda c, made=made: _insert(c, made))  # type: ignore[misc]


def _insert(connection: object, made: list[tuple[int, list[tuple[str, Exchange]]]]) -> None:
    for number, replies in made:
        at = replies[0][1].started_at
        session = Session(f"s{number:06}", f"Session {number}", at, at)
        rows.insert_session(connection, session)  # type: ignore[arg-type]
        parent: str | None = None
        for prompt, exchange in replies:
            asked = Message(f"u{exchange.id}", Role.USER, (TextPart(prompt),), at, parent)
            source = (ReplySource(exchange.id, 0),)
            reply = Message(f"a{exchange.id}", Role.ASSISTANT, (), at, asked.id, source)
            opened = replace(exchange, state=ExchangeState.IN_PROGRESS, choices=())
            rows.insert_message(connection, session.id, asked)  # type: ignore[arg-type]
            rows.insert_exchange(connection, session.id, [reply], opened, "w")  # type: ignore[arg-type]
            save_ended(connection, exchange)  # type: ignore[arg-type]
            rows.set_head(connection, session.id, reply)  # type: ignore[arg-type]
            parent = reply.id


async def time_queries(index: SqliteSearchIndex, runs: int) -> dict[str, list[float]]:
    """The times of the queries of the mix, in ms, by kind."""
    dice = random.Random(8)
    took: dict[str, list[float]] = {}
    for name, form in QUERIES.items():
        for _ in range(runs):
            text = form.format(
                n=dice.randrange(400) * 50,
                m=VOCABULARY[dice.randrange(1, 30)],
                k=VOCABULARY[dice.randrange(1, 9)],
            )
            began = time.perf_counter()
            await index.find(Search(parse_query(text), datetime.now(UTC).astimezone()))
            took.setdefault(name, []).append((time.perf_counter() - began) * 1000)
    return took


async def ask(index: SqliteSearchIndex, runs: int) -> list[Row]:
    """Time each kind of query: medians, and the 99th percentile of all."""
    took = await time_queries(index, runs)
    every = sorted(one for kind in took.values() for one in kind)
    rows = [
        Row(f"first 50: {name}", statistics.median(ms), "ms", None, f"worst {max(ms):.0f} ms")
        for name, ms in took.items()
    ]
    rows.append(Row("first 50: all queries, median", statistics.median(every), "ms", 50))
    worst_but_one = every[int(len(every) * 0.99)]
    rows.append(Row("first 50: all queries, 99th percentile", worst_but_one, "ms", 200))
    began = time.perf_counter()
    await index.facets(Search(parse_query(VOCABULARY[3]), datetime.now(UTC).astimezone()))
    took_ms = (time.perf_counter() - began) * 1000
    return [*rows, Row("counting what a common word finds", took_ms, "ms")]


async def export_some(store: SqliteStore, ids: Sequence[str]) -> int:
    """Export sessions as JSON. Returns the characters."""
    sizes: list[int] = []
    clean = Redactor(is_on=False)
    await Sharing(store).export(ids, Form.JSON, lambda text: sizes.append(len(text)), clean)
    return sum(sizes)


async def export(store: SqliteStore) -> list[Row]:
    """Time the export of everything as JSON, and how much memory it takes."""
    ids = [summary.id for summary in await store.list_sessions()]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    size = await export_some(store, ids) / 1e6
    took = time.perf_counter() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000
    speed = f"{size:.0f} MB in {took:.1f} s: {size / took:.0f} MB/s"
    return [
        Row("JSON export of everything, a MB", took / size * 1000, "ms", 50, speed),
        Row("JSON export of everything, memory", grown, "MB", 20),
    ]


def some_sessions(count: int) -> list[Shared]:
    """Sessions that no archive has yet, as an import reads them."""
    dice = random.Random(9)
    made = []
    for number in range(count):
        messages: list[Message] = []
        found: dict[str, Exchange] = {}
        for prompt, exchange in exchanges(dice, 1_000_000 + number):
            parent = messages[-1].id if messages else None
            at = exchange.started_at
            messages.append(Message(f"u{exchange.id}", Role.USER, (TextPart(prompt),), at, parent))
            source = (ReplySource(exchange.id, 0),)
            messages.append(
                Message(f"a{exchange.id}", Role.ASSISTANT, (), at, messages[-1].id, source)
            )
            found[exchange.id] = exchange
        at = messages[0].created_at
        head = messages[-1].id
        session = Session(f"i{number:06}", f"Imported {number}", at, at, head_id=head)
        made.append(Shared(session, tuple(messages), found))
    return made


async def open_long(folder: Path) -> list[Row]:
    """Time how long a session of 10,000 messages takes to load."""
    await fill_session(folder, 10_000)
    store = SqliteStore(folder / "sessions.db", "long")
    began = time.perf_counter()
    await store.load_session("bench")
    took = time.perf_counter() - began
    await store.close()
    return [Row("loading a session of 10,000 messages", took, "s", 0.5)]


async def measure(folder: Path, sessions: int, runs: int) -> list[Row]:
    """Fill, index, ask, export. A folder that is filled stays as it is."""
    folder.mkdir(exist_ok=True)
    store = SqliteStore(folder / "sessions.db", "bench")
    await store.open()
    if not await store.list_sessions(limit=1):
        await fill(store, sessions)
    index = SqliteSearchIndex(lambda: store.database, facts_of)
    began = time.perf_counter()
    await index.update()
    took = time.perf_counter() - began
    size = (folder / "sessions.db").stat().st_size / 1e6
    count = f"{sessions:,} sessions with {sessions * _REPLIES:,} replies"
    rows = [Row("the archive's size", size, "MB", None, count)]
    if took > 1:
        rows.append(Row("indexing all of it", took, "s"))
    rows += await ask(index, runs)
    rows += await export(store)
    await store.close()
    return rows


def measure_archive(bench: Bench) -> list[Row]:
    """The archive of one table: in a folder that the bench throws away."""
    rows = asyncio.run(measure(bench.folder / ARCHIVE, 5_000, 30))
    return rows + asyncio.run(open_long(bench.folder / "long"))


def main() -> None:
    """Measure it alone, perhaps in a folder that is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=5_000)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--folder", type=Path, default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as spare:
        folder = arguments.folder or Path(spare) / "archive"
        rows = asyncio.run(measure(folder, arguments.sessions, arguments.runs))
        rows += asyncio.run(open_long(Path(spare) / "long"))
    print_table("A large archive", rows)


if __name__ == "__main__":
    main()
