"""`python -m benchmarks.hub_first_sync [--replies N]`: the first sync of an archive to PostgreSQL.

A real server on loopback, through the real wiring: reading, redacting, pushing, and the index of
the review. Then one large reply, and a second machine that receives everything.
"""

import argparse
import asyncio
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.support.build import make_exchange
from tests.support.hub_entries import Log
from tests.support.postgres import PostgresServer, find_installs

from benchmarks.archive import VOCABULARY, fill
from benchmarks.bench import Bench
from benchmarks.row import Row, print_table
from replyscope.cli.hub_opening import sync_of
from replyscope.cli.wiring import wire
from replyscope.config.paths import Paths
from replyscope.domain.exchange import Choice, ExchangeState
from replyscope.domain.hub import START
from replyscope.engine.hub.following import HubFollower
from replyscope.engine.hub.sync import SyncReport
from replyscope.hub.postgres.hub import PostgresHub
from replyscope.hub.postgres.opening import open_postgres
from replyscope.inspection.facts import facts_of

REPLIES = 10_000
LARGE = 60_000_000


class _Place:
    """A hub on a server, and the archives of two machines."""

    def __init__(self, server: PostgresServer, folder: Path) -> None:
        server.create_role("founder")
        self._server = server
        self._folder = folder
        self.url = server.url(server.create_database("founder"), "founder")

    def open(self, _url: str = "") -> PostgresHub:
        """A connection to the hub."""
        return open_postgres(self.url, lambda _name: self._server.password, facts_of, {})

    async def sync(self, name: str, replies: int) -> tuple[SyncReport, float, float, float]:
        """Let a machine join and synchronise. Returns the report, the seconds by the clock and of
        this process, and the growth of memory in MB.
        """
        folder = self._folder / name
        wiring = wire(Paths(folder, folder / "config", folder / "logs"))
        await wiring.store.open()
        await fill(wiring.store, replies // 10)
        sync = replace(sync_of(wiring, self.url), open_hub=self.open)
        await sync.log.join(self.url, name, name)
        follower = HubFollower(sync, wiring.review, wiring.library, wiring.clock)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began, busy = time.perf_counter(), time.process_time()
        report = await follower.once()
        took, busy = time.perf_counter() - began, time.process_time() - busy
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        await wiring.close()
        return report, took, busy, grown / 1000


async def _measure(place: _Place, replies: int) -> list[Row]:
    place.open().initialise()
    sent, took, busy, grown = await place.sync("here", replies)
    size = sent.pushed_bytes / replies / 1000
    detail = f"{replies:,} replies in {took:.1f} s, {size:.1f} kB each"
    rows = [
        Row("first sync to PostgreSQL: send", replies / took, "replies/s", None, detail),
        Row(
            "first sync to PostgreSQL: CPU of the client, 1,000 replies", 1000 * busy / replies, "s"
        ),
        Row("first sync to PostgreSQL: memory", grown, "MB"),
    ]
    received, took, _, _ = await place.sync("there", 0)
    assert received.applied.exchanges == replies
    rows.append(Row("first sync to PostgreSQL: receive", replies / took, "replies/s"))
    hub, log = place.open(), Log("large")
    text = " ".join(VOCABULARY) * (LARGE // len(" ".join(VOCABULARY)))
    exchange = make_exchange(state=ExchangeState.COMPLETED, choices=(Choice(0, text),))
    entries = log.turn("large", "Hi", exchange)
    del text, exchange
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    hub.push("large", "large", entries, START)
    took = time.perf_counter() - began
    size = len(entries[-1].body) / 1e6
    rows.append(Row("push of one large reply", took, "s", None, f"{size:.0f} MB"))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    rows.append(Row("push of one large reply: growth of the peak", grown / 1000, "MB"))
    hub.close()
    return rows


def measure_first_sync(bench: Bench) -> list[Row]:
    """The rows of a small archive, for the table of all benchmarks."""
    return measure(bench.folder / "first", REPLIES)


def measure(folder: Path, replies: int) -> list[Row]:
    """The rows; none without PostgreSQL."""
    installs = find_installs()
    if not installs:
        return []
    server = PostgresServer(installs[-1], "shared_buffers=512MB", "max_wal_size=4GB")
    try:
        return asyncio.run(_measure(_Place(server, folder), replies))
    finally:
        server.stop()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hub_first_sync", description=__doc__
    )
    parser.add_argument("--replies", type=int, default=REPLIES)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="replyscope-hub-") as folder:
        print_table("A first sync to PostgreSQL", measure(Path(folder), chosen.replies))


if __name__ == "__main__":
    main()
