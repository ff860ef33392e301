"""Spending limits where no turn is run: probes, titles, and questions that wait for each other."""

import asyncio
import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from replyscope.domain.errors import OverLimit
from replyscope.domain.spending import Committed, Reservation
from replyscope.engine.ledgers import Ledgers
from replyscope.engine.spending import Overrun, Period, Price, SpendingAnswer
from tests.cli.run import run_command
from tests.hands.test_spending import (
    HI,
    PRICES,
    Person,
    opened,
    settings,
    target_of,
    with_limit,
)
from tests.models.test_command_line import write_settings
from tests.support.server import Answer, LoopbackServer, delta, sse
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import SIZE, is_idle, send


def test_probes_are_within_the_limits_unless_they_may_pass_them(
    server: LoopbackServer, tmp_path: Path
) -> None:
    write_settings(tmp_path, f"{PRICES.replace('test-model', 'm')}[limits]\nday = 0.5\n")
    probing = ("doctor", "--probe", "--base-url", server.base_url, "-m", "m")
    done = run_command(tmp_path, *probing)
    assert (done.returncode, len(server.requests)) == (6, 0)
    assert "[limits] day" in done.stderr
    run_command(tmp_path, *probing, "--over-limit")
    assert len(server.requests) > 3


async def test_send_all_also_answers_the_questions_that_wait(
    server: LoopbackServer, tmp_path: Path
) -> None:
    settings(tmp_path, f"{PRICES}[limits]\nday = 0\n")
    person = Person(SpendingAnswer.ALWAYS)
    gate, is_asked = asyncio.Event(), asyncio.Event()

    async def ask(over: Overrun) -> SpendingAnswer:
        is_asked.set()
        await gate.wait()
        return await person.ask(over)

    services = await opened(tmp_path, server, person)
    assert services.spending is not None
    services.spending.ask = ask
    try:
        target = await target_of(services)
        sends = [
            asyncio.create_task(services.archive.new(with_limit()).send(HI, target))
            for _ in range(3)
        ]
        await is_asked.wait()
        gate.set()
        await asyncio.gather(*sends)
        assert (len(person.asked), len(server.requests)) == (1, 3)
    finally:
        await services.close()


async def test_no_title_is_asked_for_after_a_reply_that_was_stopped(
    server: LoopbackServer, tmp_path: Path
) -> None:
    settings(tmp_path, 'title_model = "session"\n')
    gate = threading.Event()
    server.answer = lambda _request: Answer(chunks=[*sse(delta("part"), done=False), gate])
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "hi")
        await until(pilot, lambda: "part" in frame(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: is_idle(pilot))
        gate.set()
        await pilot.app.workers.wait_for_complete()
        assert len(server.requests) == 1
        assert len(chat_of(pilot).desk.conversation.tree.messages) == 2


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="needs time zones by name")
async def test_a_day_begins_at_midnight_also_when_the_clocks_change(
    server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "TZ", "Europe/Berlin")
    time.tzset()
    settings(tmp_path, f"{PRICES}[limits]\nday = 0\n")
    services = await opened(tmp_path, server, Person(SpendingAnswer.NO))
    since: list[datetime] = []

    class Noting(Ledgers):
        async def reserve(
            self, wanted: Reservation, at: datetime, *, is_private: bool
        ) -> Committed:
            since.append(at)
            return await super().reserve(wanted, at, is_private=is_private)

    class Noon:
        def now(self) -> datetime:
            return datetime(2026, 3, 29, 12, tzinfo=UTC)

    try:
        spending = services.spending
        assert spending is not None
        spending.ledgers = Noting(services.archive._store, None)
        spending._clock = Noon()  # type: ignore[assignment]
        with pytest.raises(OverLimit):
            await services.archive.new(with_limit()).send(HI, await target_of(services))
        assert since[0].astimezone(UTC) == datetime(2026, 3, 28, 23, tzinfo=UTC)
    finally:
        await services.close()
        monkeypatch.undo()
        time.tzset()


def test_a_long_title_is_cut_in_the_question() -> None:
    price = Price("m", 5, None, None)
    over = Overrun("s", "long " * 1_000, Period.SESSION, 1.0, 1.0, price)
    assert len(over.note) < 300
