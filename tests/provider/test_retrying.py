"""Tries that failed before anything came are made again, visibly; nothing else is."""

from datetime import UTC, datetime

import pytest

from replyscope.domain.event import RetryScheduled
from replyscope.domain.exchange import ExchangeState
from replyscope.domain.ports import Clock
from replyscope.provider.retrying import wait_asked_for
from tests.support.build import ask, collect, open_chat, run
from tests.support.server import Answer, LoopbackServer, delta, error, reply, sse

NOW = {"retry-after": "0"}


def failing(status: int, times: int, server: LoopbackServer, **headers: str) -> None:
    def answer(_request: object) -> Answer:
        if len(server.requests) > times:
            return reply("at last")
        return Answer(
            status,
            "application/json",
            [b'{"error":{"message":"not now"}}'],
            headers={**NOW, **headers},
        )

    server.answer = answer


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_a_passing_fault_is_tried_again_and_told(
    server: LoopbackServer, clock: Clock, status: int
) -> None:
    failing(status, 2, server)
    async with open_chat(server.base_url, clock, max_retries=2) as provider:
        exchange = await run(provider, ask())
    assert exchange.state is ExchangeState.COMPLETED
    assert exchange.choice(0).text == "at last"
    assert len(exchange.retries) == 2
    assert "not now" in exchange.retries[0].failure.message
    assert len(server.requests) == 3


async def test_it_gives_up_after_as_many_tries_as_it_may(
    server: LoopbackServer, clock: Clock
) -> None:
    failing(500, 99, server)
    async with open_chat(server.base_url, clock, max_retries=1) as provider:
        exchange = await run(provider, ask())
    assert exchange.state is ExchangeState.FAILED
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (400, {}),
        (401, {}),
        (404, {}),
        (500, {"x-should-retry": "false"}),
        (429, {"retry-after": "3600"}),
    ],
)
async def test_what_another_try_cannot_mend_is_not_tried_again(
    server: LoopbackServer, clock: Clock, status: int, headers: dict[str, str]
) -> None:
    failing(status, 99, server, **headers)
    async with open_chat(server.base_url, clock, max_retries=2) as provider:
        await run(provider, ask())
    assert len(server.requests) == 1


async def test_an_empty_account_is_not_asked_again(server: LoopbackServer, clock: Clock) -> None:
    server.answer = lambda _request: error(429, "Out of money.", code="insufficient_quota")
    async with open_chat(server.base_url, clock, max_retries=2) as provider:
        exchange = await run(provider, ask())
    assert len(server.requests) == 1
    assert exchange.failure is not None
    assert exchange.failure.kind == "quota"


async def test_a_reply_that_began_is_never_asked_for_twice(
    server: LoopbackServer, clock: Clock
) -> None:
    server.answer = lambda _request: Answer(chunks=sse(delta("half"), done=False), cut=True)
    async with open_chat(server.base_url, clock, max_retries=2) as provider:
        events = await collect(provider, ask())
    assert len(server.requests) == 1
    assert not any(isinstance(event, RetryScheduled) for event in events)


def test_the_wait_is_read_in_each_of_its_forms() -> None:
    now = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
    assert wait_asked_for({"retry-after": "7"}, now) == 7
    assert wait_asked_for({"retry-after-ms": "250"}, now) == 0.25
    assert wait_asked_for({"retry-after": "Mon, 23 Nov 2026 12:00:30 GMT"}, now) == 30
    assert wait_asked_for({"retry-after": "soon"}, now) is None
    assert wait_asked_for({}, now) is None
