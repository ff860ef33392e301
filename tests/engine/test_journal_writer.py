"""Commits that are on their way when a reply ends or is stopped: nothing lost, nothing twice."""

import asyncio
import sqlite3
from dataclasses import replace

import pytest

from replyscope.domain.event import Event, FinishStated, StreamEnded, WireFrame
from replyscope.domain.exchange import ExchangeState
from replyscope.domain.message import Message, ReplySource, Role, TextPart
from replyscope.domain.ports import Clock
from replyscope.domain.session import SessionSettings
from replyscope.engine import journal_writer
from replyscope.engine.archive import Archive
from replyscope.engine.journal_writer import JournalWriter
from replyscope.engine.live_reply import Target
from replyscope.store.sqlite_store import SqliteStore
from tests.support.build import make_exchange, open_chat
from tests.support.server import LoopbackServer


def hold(store: SqliteStore) -> sqlite3.Connection:
    """Another process writes: ours wait until this connection is closed."""
    assert store._database.path is not None
    other = sqlite3.connect(store._database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


async def turn(times: int = 50) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


async def test_a_reply_that_ends_during_a_commit_keeps_each_frame_once(
    store: SqliteStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_writer, "INTERVAL_S", 0.0)
    conversation = Archive(store, clock, iter(["s1", "x"]).__next__).new(SessionSettings())
    await conversation.save_head()
    opening = replace(make_exchange(id="x1"), state=ExchangeState.IN_PROGRESS)
    message = Message("m1", Role.ASSISTANT, (), clock.now(), None, (ReplySource("x1"),))
    writer = JournalWriter(await store.begin_exchange("s1", [message], opening))
    frames = [WireFrame(float(n), f"data: {n}\n\n") for n in range(3)]
    other = hold(store)
    writer.add(frames[0])
    await turn()
    assert writer._flushing.locked()
    writer.add(frames[1])
    writer.add(frames[2])
    ending = asyncio.ensure_future(writer.finish(replace(opening, state=ExchangeState.COMPLETED)))
    await turn()
    other.close()
    await ending
    assert list((await store.load_wire("x1")).frames) == frames
    saved = await store.load_session("s1")
    assert next(iter(saved.exchanges.values())).state is ExchangeState.COMPLETED


async def test_a_reply_stopped_while_its_end_is_saved_is_saved(
    server: LoopbackServer, store: SqliteStore, clock: Clock
) -> None:
    ids = (f"id{n}" for n in range(100))
    conversation = Archive(store, clock, lambda: next(ids)).new(SessionSettings())
    async with open_chat(server.base_url, clock) as provider:
        target = Target(provider._endpoint, provider, "test-model")
        others: list[sqlite3.Connection] = []
        is_done = asyncio.Event()

        def listen(event: Event) -> None:
            if isinstance(event, FinishStated):
                others.append(hold(store))
                is_done.set()
            assert not isinstance(event, StreamEnded), "told before it was saved"

        reading = asyncio.ensure_future(conversation.send((TextPart("hi"),), target, listen))
        await is_done.wait()
        await turn()
        assert conversation.is_streaming
        reading.cancel()
        await turn()
        others[0].close()
        with pytest.raises(asyncio.CancelledError):
            await reading
    saved = await store.load_session(conversation.session.id)
    assert next(iter(saved.exchanges.values())).state is ExchangeState.COMPLETED
