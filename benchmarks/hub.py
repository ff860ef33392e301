"""What a hub in a folder costs: the first sync, the sync of one ending, and following.

`python -m benchmarks.hub [--replies N]` measures another size.
"""

import argparse
import asyncio
import json
import random
import resource
import shutil
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.archive import fill, sentences
from benchmarks.bench import Bench
from benchmarks.row import Row, print_table
from replyscope.cli.hub_opening import open_hub, sync_of
from replyscope.cli.wiring import Wiring, wire
from replyscope.config.paths import Paths
from replyscope.domain.event import RequestSent, WireFrame
from replyscope.domain.exchange import Api, Choice, Exchange, ExchangeState, Timing, Usage
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Message, ReplySource, Role, TextPart
from replyscope.domain.session import Session
from replyscope.engine.hub.following import HubFollower
from replyscope.engine.hub.sync import HubSync

REPLIES = 5_000
_ENDINGS = 20
_FOLLOWED_S = 20.0
_WORDS = 300
"""The frames of one reply; each has a word."""


def measure_hub(bench: Bench) -> list[Row]:
    """Measure on a folder of the benchmarks."""
    return asyncio.run(measure(bench.folder / "hub", REPLIES))


class _Machine:
    """One archive on the hub, through the real wiring."""

    def __init__(self, folder: Path, url: str) -> None:
        self.wiring: Wiring = wire(Paths(folder, folder / "config", folder / "logs"))
        self.url = url
        self.sync_of: HubSync = sync_of(self.wiring, url)
        wiring = self.wiring
        self.follower = HubFollower(self.sync_of, wiring.review, wiring.library, wiring.clock)

    async def join(self) -> None:
        open_hub(self.url).initialise()
        await self.sync_of.log.join(self.url, self.wiring.new_id(), "bench")

    async def sync(self) -> None:
        report = await self.follower.once()
        assert not report.faults, report.faults


async def measure(folder: Path, replies: int) -> list[Row]:
    """Fill an archive, send it, receive it elsewhere, and go on."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    hub = folder / "shared"
    here, there = (_Machine(folder / name, f"folder:{hub}") for name in ("here", "there"))
    for one in (here, there):
        await one.wiring.store.open()
    await fill(here.wiring.store, replies // 10)
    await here.join()
    await there.join()
    rows = await _first(here, there, replies, hub)
    rows += await _endings(here, there, hub)
    rows.append(await _following(here))
    for one in (here, there):
        await one.wiring.close()
    return rows


async def _first(here: _Machine, there: _Machine, replies: int, hub: Path) -> list[Row]:
    began = time.perf_counter()
    await here.sync()
    sent_s = time.perf_counter() - began
    began = time.perf_counter()
    await there.sync()
    received_s = time.perf_counter() - began
    files = [file for file in hub.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    own = here.wiring.paths.database.stat().st_size
    return [
        Row(
            f"first sync: send {replies:,} replies",
            sent_s,
            "s",
            replies / 1000,
            f"{replies / sent_s:,.0f} replies/s; {size / 1e6:.0f} MB in {len(files)} files, "
            f"the archive has {own / 1e6:.0f} MB",
        ),
        Row(
            f"first sync: receive {replies:,} replies",
            received_s,
            "s",
            None,
            f"{replies / received_s:,.0f} replies/s",
        ),
    ]


async def _endings(here: _Machine, there: _Machine, hub: Path) -> list[Row]:
    """Endings in one session that gets longer: what each sends, and how long that takes."""
    now = here.wiring.clock.now()
    session = Session("bench", "A long session", now, now)
    await here.wiring.store.create_session(session)
    talk = _Talk(here.wiring, session.id)
    sent_ms, sizes, received_ms = [], [], []
    for _ in range(_ENDINGS):
        await talk.go_on()
        before = _size(hub)
        began = time.perf_counter()
        await here.sync()
        sent_ms.append((time.perf_counter() - began) * 1000)
        sizes.append(_size(hub) - before)
        began = time.perf_counter()
        await there.sync()
        received_ms.append((time.perf_counter() - began) * 1000)
    worst = f"worst {max(sent_ms):.0f} ms"
    largest = f"largest {max(sizes) / 1000:.1f} kB; replies of {_WORDS} frames"
    return [
        Row("sync of one ending: send", statistics.median(sent_ms), "ms", 100, worst),
        Row("sync of one ending: bytes on the hub", statistics.median(sizes), "B", 30_000, largest),
        Row("sync of one ending: receive", statistics.median(received_ms), "ms"),
    ]


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*.bundle"))


class _Talk:
    """A session whose requests have its whole history."""

    def __init__(self, wiring: Wiring, session_id: str) -> None:
        self._wiring = wiring
        self._session_id = session_id
        self._dice = random.Random(3)
        self._said: list[dict[str, str]] = []
        self._head: str | None = None

    async def go_on(self) -> None:
        """A question, and a reply of many frames."""
        store, new_id, now = self._wiring.store, self._wiring.new_id, self._wiring.clock.now()
        question, words = sentences(self._dice, 500), sentences(self._dice, 7 * _WORDS).split()
        asked = Message(new_id(), Role.USER, (TextPart(question),), now, self._head)
        await store.add_message(self._session_id, asked)
        opening = Exchange(new_id(), Api.CHAT, "bench", "http://127.0.0.1/v1", "m", now)
        source = (ReplySource(opening.id, 0),)
        reply = Message(new_id(), Role.ASSISTANT, (), now, asked.id, source)
        journal = await store.begin_exchange(self._session_id, (reply,), opening)
        self._said.append({"role": "user", "content": question})
        body = json.dumps({"model": "m", "stream": True, "messages": self._said}).encode()
        await journal.record_request(RequestSent("POST", "http://127.0.0.1/v1", (), body))
        self._said.append({"role": "assistant", "content": " ".join(words)})
        await journal.finish(_ended(opening, " ".join(words)), list(map(_frame, words)))
        self._head = reply.id


def _ended(opening: Exchange, text: str) -> Exchange:
    return replace(
        opening,
        state=ExchangeState.COMPLETED,
        choices=(Choice(0, text, finish_reason=FinishReason.STOP),),
        usage=Usage(100, 300, 400),
        timing=Timing(100.0, 110.0, 6_000.0, 6_010.0),
    )


def _frame(word: str) -> WireFrame:
    delta = {"index": 0, "delta": {"content": f"{word} "}, "finish_reason": None}
    data = {"id": "chatcmpl-AbCdEf", "object": "chat.completion.chunk", "choices": [delta]}
    return WireFrame(20.0, f"data: {json.dumps(data)}\n\n")


async def _following(machine: _Machine) -> Row:
    """The processor time of a follower while nothing happens."""
    stopped = asyncio.Event()
    before = resource.getrusage(resource.RUSAGE_SELF)
    following = asyncio.create_task(machine.follower.follow(lambda _report, _error: None, stopped))
    await asyncio.sleep(_FOLLOWED_S)
    stopped.set()
    await following
    after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Row("following: processor of one core", 100 * used / _FOLLOWED_S, "%", 3)


def main() -> None:
    """Measure another size in a temporary folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hub", description=__doc__)
    parser.add_argument("--replies", type=int, default=REPLIES)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="replyscope-hub-") as folder:
        print_table("A hub in a folder", asyncio.run(measure(Path(folder), chosen.replies)))


if __name__ == "__main__":
    main()
