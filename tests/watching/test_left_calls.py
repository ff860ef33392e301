"""Held calls when nobody can decide about them any more."""

import asyncio

from replyscope.domain.facts import Facts
from replyscope.engine.watching.held_calls import HeldCall, HeldCalls, SendHeld, Verdict
from tests.watching.watched import request_of


async def test_calls_are_sent_when_the_screen_is_left() -> None:
    held, sent = HeldCalls(), list[Verdict]()

    async def accept(verdict: Verdict) -> None:
        sent.append(verdict)

    def call() -> HeldCall:
        return HeldCall(request_of({}), Facts(), "{}")

    waiting = asyncio.create_task(held.decide(call(), accept))
    await asyncio.sleep(0)
    assert held.count == 1
    held.leave()
    await waiting
    await held.decide(call(), accept)
    assert sent == [SendHeld(), SendHeld()]
    assert held.count == 0
