"""A background reply goes on at the server when the person leaves, and is read to its end."""

import threading
from functools import partial
from pathlib import Path
from typing import Any

from replyscope.domain.exchange import Api, ExchangeState
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import TextPart
from replyscope.domain.ports import Clock
from replyscope.domain.session import Parameters, SessionSettings
from replyscope.engine.archive import Archive
from replyscope.engine.recovery import recover
from replyscope.inspection.explain import Remedy, explain
from replyscope.provider.opening import translate_frames
from replyscope.store.sqlite_store import SqliteStore
from tests.engine.test_conversation import Ids, target_of
from tests.support.build import open_chat
from tests.support.responses import events
from tests.support.server import Answer, LoopbackServer, sse
from tests.support.turns import running_to, says

BACKGROUND = SessionSettings(parameters=Parameters(background=True))
ALL = events("one ", "two ", "three", response_id="resp_b")


def archive_on(store: SqliteStore, clock: Clock) -> Archive:
    return Archive(store, clock, Ids(), translate=translate_frames)


def frames(some: list[dict[str, Any]]) -> list[bytes]:
    return sse(*some, done=False)


def cut_after(text: str) -> int:
    return next(n for n, e in enumerate(ALL) if e.get("delta") == text) + 1


async def leave_in_the_middle(
    server: LoopbackServer, clock: Clock, store: SqliteStore, *, is_leaving: bool
) -> str:
    hold = threading.Event()
    server.answer = lambda _request: Answer(chunks=[*frames(ALL[: cut_after("two ")]), hold])
    conversation = archive_on(store, clock).new(BACKGROUND)
    async with (
        open_chat(server.base_url, clock, api=Api.RESPONSES) as provider,
        running_to(
            says("two "), partial(conversation.send, (TextPart("go"),), target_of(provider))
        ),
    ):
        conversation.leave(is_leaving=is_leaving)
    hold.set()
    return conversation.session.id


async def test_leaving_keeps_it_and_coming_back_reads_the_rest(
    server: LoopbackServer, clock: Clock, store: SqliteStore
) -> None:
    session_id = await leave_in_the_middle(server, clock, store, is_leaving=True)
    assert server.requests[0]["background"] is True
    conversation = await archive_on(store, clock).open(session_id)
    (left,) = conversation.exchanges.values()
    assert (left.state, left.is_detached) == (ExchangeState.IN_PROGRESS, True)
    assert left.choice(0).text == "one two "
    assert explain(left).remedies == (Remedy.RESUME,)

    rest = ALL[cut_after("two ") :]
    server.routes["GET", "/responses/resp_b"] = Answer(chunks=frames(rest))
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        await conversation.resume(target_of(provider))
    after = ALL[cut_after("two ") - 1]["sequence_number"]
    assert f"starting_after={after}" in server.paths[-1]
    (whole,) = conversation.exchanges.values()
    assert whole.choice(0).text == "one two three"
    assert whole.choice(0).finish_reason is FinishReason.STOP
    assert (whole.state, whole.is_detached) == (ExchangeState.COMPLETED, False)
    wire = await store.load_wire(whole.id)
    assert len(wire.frames) == len(ALL)
    assert wire.request is not None
    assert b"background" in wire.request.body
    stored = await store.load_session(session_id)
    assert tuple(stored.exchanges.values()) == (whole,)


async def test_stopping_it_is_no_leaving(
    server: LoopbackServer, clock: Clock, store: SqliteStore
) -> None:
    session_id = await leave_in_the_middle(server, clock, store, is_leaving=False)
    (exchange,) = (await store.load_session(session_id)).exchanges.values()
    assert (exchange.state, exchange.is_detached) == (ExchangeState.CANCELLED, False)


async def test_one_that_has_expired_keeps_what_came_and_says_so(
    server: LoopbackServer, clock: Clock, store: SqliteStore
) -> None:
    session_id = await leave_in_the_middle(server, clock, store, is_leaving=True)
    conversation = await archive_on(store, clock).open(session_id)
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        await conversation.resume(target_of(provider))
    (exchange,) = conversation.exchanges.values()
    assert exchange.state is ExchangeState.FAILED
    assert exchange.choice(0).text == "one two "
    assert exchange.failure is not None


async def test_after_a_crash_it_can_be_resumed_too(
    server: LoopbackServer, clock: Clock, tmp_path: Path
) -> None:
    dead = SqliteStore(tmp_path / "s.db", "dead")
    alive = SqliteStore(tmp_path / "s.db", "alive")
    opening_store = archive_on(dead, clock)
    hold = threading.Event()
    server.answer = lambda _request: Answer(chunks=[*frames(ALL[: cut_after("two ")]), hold])
    conversation = opening_store.new(BACKGROUND)
    async with (
        open_chat(server.base_url, clock, api=Api.RESPONSES) as provider,
        running_to(
            says("two "), partial(conversation.send, (TextPart("go"),), target_of(provider))
        ),
    ):
        (exchange_id,) = conversation.lives
        journal = await dead.reopen_exchange(exchange_id)
        await journal.append(conversation.lives[exchange_id].frames)
        dead._hold.release()
        assert await recover(alive, translate_frames) == 1
        stored = await alive.load_session(conversation.session.id)
        assert next(iter(stored.exchanges.values())).is_detached
        assert next(iter(stored.exchanges.values())).choice(0).text == "one two "
    hold.set()
    await dead.close()
    await alive.close()
