"""`python -m benchmarks --only large`: an archive of 500,000 replies against one of 50,000.

Both are built once and kept in a folder (REPLYSCOPE_BENCH_CACHE, else the cache of the user). What
changes an archive is measured on a copy. Most targets are of the large archive; the growth of each
figure from the small one has its own.
"""

import asyncio
import resource
import shutil
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.archive import VOCABULARY, export_some, fill, some_sessions, time_queries
from benchmarks.bench import Bench, kept_folder
from benchmarks.disk import measure_disk, measure_journal, measure_whole
from benchmarks.row import Row
from replyscope.domain.query import parse_query
from replyscope.domain.search import Search
from replyscope.inspection.facts import facts_of
from replyscope.inspection.stats import spans_of_usage, stats_of_usage
from replyscope.store.library import SqliteLibrary
from replyscope.store.search import SqliteSearchIndex
from replyscope.store.sqlite_store import SqliteStore

_SIZES = {"small": 5_000, "large": 50_000}
_REPLIES = 10
_RUNS = 30
_GROWTH = 3
_PURGED = 1_000
_IMPORTED = 500
_EXPORTED = 2_000


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of one archive; `target` is for the large one."""

    what: str
    value: float
    unit: str
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Archive:
    """An open archive."""

    store: SqliteStore
    index: SqliteSearchIndex
    library: SqliteLibrary


def measure_large(bench: Bench) -> list[Row]:
    """The figures of the large archive, each with that of the small one and the growth."""
    cache = kept_folder()
    found = {name: asyncio.run(_figures(_built(cache, name), bench)) for name in _SIZES}
    rows: list[Row] = []
    grown: list[Row] = []
    for small, large in zip(found["small"], found["large"], strict=True):
        growth = large.value / small.value if small.value else 1.0
        detail = f"{small.value:,.4g} {small.unit} in 50,000 replies: {growth:.1f}×"
        rows.append(Row(large.what, large.value, large.unit, large.target, detail))
        if large.target is not None and large.unit != "MB":
            grown.append(Row(f"growth: {large.what}", growth, "x", _GROWTH, detail))
    replies = _SIZES["large"] * _REPLIES
    disk = measure_disk(cache / "large" / "sessions.db", replies)
    return [*rows, *grown, *disk, *measure_journal(), *asyncio.run(measure_whole(bench.folder))]


def _built(cache: Path, name: str) -> Path:
    """The folder of an archive, which is built if it is not complete."""
    folder = cache / name
    done = folder / "complete"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        asyncio.run(_build(folder, _SIZES[name]))
        done.touch()
    return folder


async def _build(folder: Path, sessions: int) -> None:
    archive = await _open(folder)
    await fill(archive.store, sessions)
    await archive.index.update()
    await archive.store.close()


async def _open(folder: Path) -> Archive:
    store = SqliteStore(folder / "sessions.db", "bench")
    await store.open()
    return Archive(
        store,
        SqliteSearchIndex(lambda: store.database, facts_of),
        SqliteLibrary(lambda: store.database),
    )


async def _figures(folder: Path, bench: Bench) -> list[Figure]:
    archive = await _open(folder)
    await archive.index.update()
    size = (folder / "sessions.db").stat().st_size
    replies = (await archive.library.size()).exchanges
    found = [
        Figure("bytes on disk for a reply", size / replies, "bytes"),
        *await _searching(archive),
        *await _counting(archive),
        *await _lists(archive),
        *await _exporting(archive),
    ]
    await archive.store.close()
    copy = bench.folder / f"copy-{folder.name}"
    shutil.copytree(folder, copy)
    found += await _changing(copy)
    shutil.rmtree(copy)
    return found


async def _searching(archive: Archive) -> list[Figure]:
    """The first 50 results, over the mix of queries and by their kind."""
    took = await time_queries(archive.index, _RUNS)
    every = sorted(one for kind in took.values() for one in kind)
    return [
        Figure("first 50: all queries, median", statistics.median(every), "ms", 50),
        Figure("first 50: all queries, 99th percentile", every[int(len(every) * 0.99)], "ms", 250),
        *(Figure(f"first 50: {kind}", statistics.median(ms), "ms") for kind, ms in took.items()),
    ]


async def _counting(archive: Archive) -> list[Figure]:
    """Facets, pages of sessions, the order of all results, and the sums of the numbers screen."""
    now = datetime.now(UTC).astimezone()
    index = archive.index
    common, field, everything = (
        Search(parse_query(text), now) for text in (VOCABULARY[3], "finish:length", "")
    )

    async def sums() -> None:
        usage = await index.usage()
        assert usage is not None
        stats_of_usage(usage)
        spans_of_usage(usage, 100)

    return [
        Figure("counts of a common word", await _seconds(lambda: index.facets(common)), "s", 1),
        Figure("counts of one field", await _seconds(lambda: index.facets(field)), "s", 1),
        Figure("counts of all", await _seconds(lambda: index.facets(everything)), "s", 1),
        *await _sessions(index, {"all": everything, "a common word": common}),
        Figure("the names of all results", await _seconds(lambda: index.find_ids(everything)), "s"),
        Figure("F9: the sums and times", await _seconds(sums), "s", 1),
        Figure("the figures of each reply", await _seconds(lambda: index.figures(everything)), "s"),
    ]


async def _sessions(index: SqliteSearchIndex, searches: Mapping[str, Search]) -> list[Figure]:
    """The first page of the sessions that match."""

    async def took_ms(search: Search) -> float:
        return await _seconds(lambda: index.find_sessions(search)) * 1000

    return [
        Figure(f"first 50 sessions of {name}", await took_ms(search), "ms", 50)
        for name, search in searches.items()
    ]


async def _lists(archive: Archive) -> list[Figure]:
    """What a start, the sidebar and `doctor` read."""

    async def check() -> None:
        await archive.store.check_quickly()
        await archive.library.size()
        await archive.index.unreadable()

    async def sidebar() -> None:
        await archive.store.list_sessions(limit=200, pinned_first=True)

    return [
        Figure("the sidebar's 200 sessions", await _seconds(sidebar) * 1000, "ms", 50),
        Figure("doctor: the checks of the file", await _seconds(check), "s", 2),
    ]


async def _exporting(archive: Archive) -> list[Figure]:
    """The export of a part as JSON: seconds for a MB, and the growth of the memory."""
    ids = [one.id for one in await archive.store.list_sessions(limit=_EXPORTED)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    size_mb = await export_some(archive.store, ids) / 1e6
    took_s = time.perf_counter() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000
    return [
        Figure("JSON export, a MB", took_s / size_mb * 1000, "ms", 50),
        Figure("JSON export, memory", grown, "MB", 20),
    ]


async def _changing(folder: Path) -> list[Figure]:
    """Importing sessions with their index, then removing old ones, on a copy."""
    archive = await _open(folder)
    sessions = some_sessions(_IMPORTED)

    async def import_all() -> None:
        for shared in sessions:
            await archive.store.import_session(shared)
        await archive.index.update()

    import_s = await _seconds(import_all, runs=1)
    oldest = [one.id for one in (await archive.store.list_sessions())[-_PURGED - 1 :]]
    await archive.library.set_deleted(oldest, 1)
    first_s = await _purge(archive, oldest[_PURGED:])
    purge_s = await _purge(archive, oldest[:_PURGED])
    await archive.store.close()
    replies = sum(len(shared.exchanges) for shared in sessions)
    return [
        Figure("import with its index, 5,000 replies", import_s / replies * 5_000, "s", 1),
        Figure("the first purge, of 1 session", first_s, "s"),
        Figure(f"purge of {_PURGED:,} sessions", purge_s, "s", 5),
    ]


async def _purge(archive: Archive, session_ids: Sequence[str]) -> float:
    """The time of a purge. The first one rewrites a file that an older version has written to."""
    now = datetime.now(UTC)
    return await _seconds(lambda: archive.library.purge(session_ids, now), runs=1)


async def _seconds(job: Callable[[], Awaitable[object]], runs: int = 3) -> float:
    """The median time of a job."""
    took = []
    for _ in range(runs):
        began = time.perf_counter()
        await job()
        took.append(time.perf_counter() - began)
    return statistics.median(took)
