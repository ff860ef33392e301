"""A reply broken at each of its bytes, in each way, over both APIs."""

import asyncio
import random

import pytest

from replyscope.domain.exchange import SENDABLE, Api, ExchangeState
from replyscope.domain.finish import FinishReason
from replyscope.store.sqlite_store import SqliteStore
from tests.faults.bench import Left, open_bench
from tests.faults.server import Case, broken, fault_server
from tests.faults.streams import Said, said_in, stream_of
from tests.support.suite import Suite

_SIDE_BY_SIDE = {"stall": 96}
_STALL_S = 2.0
_FEW = 0.1
_BROKEN_OFF = ("cut", "reset", "stall", "end")


def cases_of(kind: str, api: Api, suite: Suite, dice: random.Random) -> list[Case]:
    """A case for each byte of the reply, or for as many as this run does."""
    length = len(stream_of(api))
    places = range(length + 1) if kind in _BROKEN_OFF else range(length)
    ends = {places[0], *places[-4:]}
    # There are fourteen of these tests: a sample's share of each is small.
    count = suite.count(len(places)) if suite.size >= _FEW else suite.count(len(places) // 4)
    chosen = sorted(ends | set(dice.sample(places, count)))
    others = [byte for byte in range(256) if byte not in b"\r\n"]
    return [Case(kind, at, dice.choice(others)) for at in chosen]


@pytest.mark.parametrize("api", SENDABLE)
@pytest.mark.parametrize("kind", ["cut", "reset", "end", "stall", "split", "garble", "flood"])
async def test_a_reply_broken_at_any_byte_keeps_what_came(
    kind: str, api: Api, suite: Suite, store: SqliteStore
) -> None:
    cases = cases_of(kind, api, suite, suite.dice(f"bytes/{kind}/{api}"))
    waits_s = _STALL_S if kind == "stall" else 60.0
    async with (
        fault_server() as server,
        open_bench(store, server.base_url, api) as bench,
        open_bench(store, server.base_url, api, timeout_s=waits_s) as hasty,
    ):
        bench.broken = hasty.provider
        waiting = iter(cases)

        async def work() -> None:
            for case in waiting:
                check(api, case, await bench.run(case.prompt))

        async with asyncio.TaskGroup() as group:
            for _ in range(_SIDE_BY_SIDE.get(kind, 8)):
                group.create_task(work())
    assert await store.check_integrity() is None
    suite.say(
        f"{kind} at {len(cases):,} bytes of a reply over {api.value}: each prompt, all that came "
        "and the ending are on disk, and each next message was answered"
    )


@pytest.mark.parametrize("api", SENDABLE)
async def test_a_reply_that_trickles_byte_by_byte_is_whole(
    api: Api, suite: Suite, store: SqliteStore
) -> None:
    async with fault_server() as server, open_bench(store, server.base_url, api) as bench:
        check(api, Case("trickle", 0), await bench.run(Case("trickle", 0).prompt))
    suite.say(f"a reply over {api.value} that came byte by byte is whole")


async def test_the_server_ends_each_connection_before_it_is_left() -> None:
    async with fault_server() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        body = Case("stall", 1).prompt.encode()
        writer.write(b"POST /v1 HTTP/1.1\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        assert await reader.readuntil(b"\r\n\r\n")
    assert asyncio.all_tasks() == {asyncio.current_task()}
    writer.close()


def check(api: Api, case: Case, left: Left) -> None:
    """Nothing that came is missing, and the ending is called what it is."""
    sent = broken(stream_of(api), case)
    if case.kind in ("garble", "flood"):
        check_garbled(api, case, left)
        return
    said = said_in(api, sent)
    choice = left.exchange.choice(0)
    arguments = "".join(call.arguments for call in choice.tool_calls)
    came = (choice.text, choice.reasoning or "", arguments)
    assert came == (said.text, said.reasoning, said.arguments), case
    assert left.wire.rstrip("\n") == sent.decode("utf-8", "replace").rstrip("\n"), case
    assert left.exchange.state is state_after(case, said), (case, left.exchange.failure)
    if said.has_reason:
        assert choice.finish_reason is FinishReason.TOOL_CALLS, case
    else:
        assert choice.finish_reason is FinishReason.TRUNCATED, case
    if said.has_end or is_said_in_full(case, said):
        assert left.exchange.failure is None, (case, left.exchange.failure)
        assert left.exchange.usage is not None, case
    else:
        check_told(case, said, left, has_begun=b"data: {" in sent)


def state_after(case: Case, said: Said) -> ExchangeState:
    """A reply whose end was told is whole, whatever became of the connection."""
    is_closed_whole = case.kind == "end" and said.has_reason and not said.is_cut
    whole = said.has_end or is_closed_whole or is_said_in_full(case, said)
    return ExchangeState.COMPLETED if whole else ExchangeState.TRUNCATED


def is_said_in_full(case: Case, said: Said) -> bool:
    """The end is missing, and nothing else is: nobody waits for it."""
    return case.kind == "stall" and said.has_usage


def check_told(case: Case, said: Said, left: Left, *, has_begun: bool) -> None:
    """The failure is of the right kind and names the server."""
    failure = left.exchange.failure
    if case.kind == "end" and has_begun and not said.is_cut:
        assert failure is None, (case, failure)
        return
    kinds = {"cut": "interrupted", "reset": "interrupted", "stall": "timeout"}
    wanted = kinds.get(case.kind, "interrupted" if case.at else "empty")
    assert failure is not None, case
    assert failure.kind == wanted, (case, failure)
    assert "127.0.0.1" in failure.message, failure


def check_garbled(api: Api, case: Case, left: Left) -> None:
    """What came before the fault is there, and a frame that can't be read is told."""
    stream = stream_of(api)
    before = (
        stream[: stream.rfind(b"\n\n", 0, case.at) + 2] if b"\n\n" in stream[: case.at] else b""
    )
    said = said_in(api, before)
    choice = left.exchange.choice(0)
    assert choice.text.startswith(said.text), case
    assert (choice.reasoning or "").startswith(said.reasoning), case
    assert left.wire.startswith(before.decode()), case
    now = said_in(api, broken(stream, case))
    if now.is_garbled and left.exchange.state is not ExchangeState.COMPLETED:
        assert left.exchange.failure is not None, case
        assert left.exchange.failure.kind == "garbled", (case, left.exchange.failure)
        assert "127.0.0.1" in left.exchange.failure.message
