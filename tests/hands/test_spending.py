"""Spending limits: asked before each request that would pass one, however it is sent."""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from replyscope.config.paths import find_paths
from replyscope.config.settings import parse_settings
from replyscope.domain.errors import OverLimit, SettingsError
from replyscope.domain.exchange import SENDABLE, Api
from replyscope.domain.message import Role, TextPart
from replyscope.domain.session import Parameters, SessionSettings
from replyscope.domain.spending import SpendingLimits
from replyscope.domain.tool import Tool
from replyscope.engine.consent import say_yes
from replyscope.engine.conversation import Conversation
from replyscope.engine.live_reply import Target
from replyscope.engine.spending import Overrun, Period, SpendingAnswer
from replyscope.ui.chat.spending import SpendingQuestions
from replyscope.ui.services import Services
from tests.cli.run import run_command
from tests.engine.test_tools import asks, in_turn
from tests.models.test_command_line import write_settings
from tests.support.server import Answer, LoopbackServer, delta, reply, sse, usage
from tests.ui.app import chat_of, frame, make_app, make_services, open_chat, until
from tests.ui.chat.bench import on_bench
from tests.ui.test_chat import SIZE, is_idle, send

PRICES = '[prices."test-model"]\ninput = 0\noutput = 1000\n'
"""A reply of 7 output tokens costs $0.007."""
HI = (TextPart("hi"),)


class Person:
    """Answers questions about limits, and keeps them."""

    def __init__(self, *answers: SpendingAnswer) -> None:
        self.answers = list(answers)
        self.asked: list[Overrun] = []
        self.notes: list[str] = []

    async def ask(self, over: Overrun) -> SpendingAnswer:
        self.asked.append(over)
        return self.answers.pop(0)


def settings(folder: Path, text: str) -> None:
    file = find_paths(str(folder)).settings
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


async def opened(folder: Path, server: LoopbackServer, person: Person, **changes: Any) -> Services:
    services = make_services(folder, server.base_url, **changes)
    await services.open_store()
    assert services.spending is not None
    services.spending.ask, services.spending.note = person.ask, person.notes.append
    return services


async def target_of(services: Services, **changes: Any) -> Target:
    endpoint = services.endpoint
    assert endpoint is not None
    provider = await services.open_provider(endpoint)
    return Target(endpoint, provider, "test-model", known=services.settings, **changes)


def with_limit(tokens: int | None = 10, **changes: Any) -> SessionSettings:
    return SessionSettings(parameters=Parameters(max_tokens=tokens), **changes)


def said(conversation: Conversation) -> list[str]:
    return [message.text for message in conversation.read_messages()]


async def test_a_request_that_fits_is_sent_and_one_that_does_not_changes_nothing(
    server: LoopbackServer, tmp_path: Path
) -> None:
    settings(tmp_path, f"{PRICES}[limits]\nsession = 0.015\n")
    person = Person(SpendingAnswer.NO, SpendingAnswer.ONCE)
    services = await opened(tmp_path, server, person)
    try:
        conversation = services.archive.new(with_limit())
        target = await target_of(services)
        await conversation.send(HI, target)
        assert person.asked == []
        head = conversation.session.head_id
        with pytest.raises(OverLimit, match="it would pass the spending limit of"):
            await conversation.send(HI, target)
        assert (len(server.requests), conversation.session.head_id) == (1, head)
        assert said(conversation) == ["hi", "Hello world"]
        (over,) = person.asked
        assert (over.period, over.limit_usd) == (Period.SESSION, 0.015)
        assert over.spent_usd == pytest.approx(0.007)
        assert over.price.usd == pytest.approx(0.01)
        assert over.title == "Pass the spending limit of this session?"
        assert "10 output tokens at most" in over.note
        await conversation.send(HI, target)
        assert len(server.requests) == 2
    finally:
        await services.close()


async def test_two_processes_do_not_pass_the_limit_of_a_day_together(
    server: LoopbackServer, tmp_path: Path
) -> None:
    settings(tmp_path, f"{PRICES}[limits]\nday = 0.019\n")
    gate = threading.Event()
    ending = sse(delta(finish="stop"), usage())
    server.answer = lambda _request: Answer(chunks=[*sse(delta("part"), done=False), gate, *ending])
    people = [Person(), Person(SpendingAnswer.NO, SpendingAnswer.NO)]
    runs = [await opened(tmp_path, server, person) for person in people]
    try:
        has_begun = asyncio.Event()
        first = asyncio.create_task(
            runs[0]
            .archive.new(with_limit())
            .send(HI, await target_of(runs[0]), lambda _: has_begun.set())
        )
        await has_begun.wait()
        with pytest.raises(OverLimit):
            await runs[1].archive.new(with_limit()).send(HI, await target_of(runs[1]))
        gate.set()
        await first
        assert len(server.requests) == 1
        assert people[1].asked[0].spent_usd == pytest.approx(0.01)
        # Its reply cost less than was reserved, and a purge does not lower the sum.
        (spent,) = await runs[0].archive.list_sessions()
        await runs[0].review.delete([spent.id])
        await runs[0].review.purge([spent.id])
        with pytest.raises(OverLimit):
            await runs[1].archive.new(with_limit(13)).send(HI, await target_of(runs[1]))
    finally:
        gate.set()
        for run in runs:
            await run.close()
    assert people[0].asked == []


async def test_every_way_of_sending_is_asked_about(server: LoopbackServer, tmp_path: Path) -> None:
    settings(tmp_path, f"{PRICES}[limits]\nsession = 0.007\n")
    server.answer = lambda _request: reply("part", finish="length")
    person = Person(*[SpendingAnswer.NO] * 4)
    services = await opened(tmp_path, server, person)
    try:
        conversation = services.archive.new(with_limit(7))
        target = await target_of(services)
        await conversation.send(HI, target)
        first = conversation.messages[0]
        starts: tuple[Callable[[], Awaitable[object]], ...] = (
            lambda: conversation.send(HI, target),
            lambda: conversation.send(HI, target, instead_of=first),
            lambda: conversation.retry(target),
            lambda: conversation.continue_reply(target),
        )
        for start in starts:
            with pytest.raises(OverLimit):
                await start()
            assert said(conversation) == ["hi", "part"]
        assert (len(server.requests), len(person.asked)) == (1, 4)
    finally:
        await services.close()


async def test_the_limit_of_a_day_counts_all_sessions_of_all_runs(
    server: LoopbackServer, tmp_path: Path
) -> None:
    settings(tmp_path, f"{PRICES}[limits]\nday = 0.02\n")
    for expected in (0, 0, 1):
        person = Person(SpendingAnswer.NO)
        services = await opened(tmp_path, server, person)
        try:
            conversation = services.archive.new(with_limit(7))
            target = await target_of(services)
            if expected:
                with pytest.raises(OverLimit):
                    await conversation.send(HI, target)
                assert person.asked[0].period is Period.DAY
                assert person.asked[0].spent_usd == pytest.approx(0.014)
            else:
                await conversation.send(HI, target)
            assert len(person.asked) == expected
        finally:
            await services.close()
    assert len(server.requests) == 2


async def test_send_all_is_not_asked_again(server: LoopbackServer, tmp_path: Path) -> None:
    settings(tmp_path, f"{PRICES}[limits]\nsession = 0\nday = 0\n")
    person = Person(SpendingAnswer.ALWAYS, SpendingAnswer.ALWAYS, SpendingAnswer.ALWAYS)
    services = await opened(tmp_path, server, person)
    try:
        target = await target_of(services)
        one, two = (services.archive.new(with_limit()) for _ in range(2))
        for conversation in (one, one, two, two):
            await conversation.send(HI, target)
        assert [over.period for over in person.asked] == [
            *(Period.SESSION, Period.DAY, Period.SESSION)
        ]
    finally:
        await services.close()


async def test_rounds_of_tools_are_asked_between(server: LoopbackServer, tmp_path: Path) -> None:
    settings(tmp_path, f"{PRICES}[limits]\nsession = 0.008\n")
    in_turn(server, asks(("calculate", '{"expression": "1+1"}')), reply("two"))
    person = Person(SpendingAnswer.NO, SpendingAnswer.ONCE)
    services = await opened(tmp_path, server, person)
    assert services.consent is not None
    services.consent.ask = say_yes
    try:
        conversation = services.archive.new(with_limit(7, tools=("calculate",)))
        target = await target_of(services)
        why = await conversation.send(HI, target)
        assert why is not None
        assert "[limits] session" in why
        roles = [message.role for message in conversation.messages]
        assert roles == [Role.USER, Role.ASSISTANT, Role.TOOL]
        assert len(server.requests) == 1
        assert await conversation.run_tools(target) is None
        assert said(conversation)[-1] == "two"
    finally:
        await services.close()


async def test_a_rule_that_retries_is_asked_about(server: LoopbackServer, tmp_path: Path) -> None:
    rule = '[[rule]]\nwhen = "finish:length"\ndo = "retry"\nmodel = "test-model"\n'
    settings(tmp_path, f"{rule}{PRICES}[limits]\nsession = 0.008\n")
    server.answer = lambda _request: reply("part", finish="length")
    person = Person(SpendingAnswer.NO)
    services = await opened(tmp_path, server, person)
    try:
        conversation = services.archive.new(with_limit(7))
        why = await conversation.send(HI, await target_of(services))
        assert "[limits] session" in (why or "")
        assert said(conversation) == ["hi", "part"]
        assert len(server.requests) == 1
    finally:
        await services.close()


async def test_requests_that_still_run_count_as_spent(
    server: LoopbackServer, tmp_path: Path
) -> None:
    settings(tmp_path, f"{PRICES}[limits]\nday = 0.015\n")
    gate = threading.Event()
    server.answer = lambda _request: Answer(
        chunks=[*sse(delta("part"), done=False), gate, *sse(delta(finish="stop"), usage())]
    )
    person = Person(SpendingAnswer.NO)
    services = await opened(tmp_path, server, person)
    try:
        target = await target_of(services)
        one, two = (services.archive.new(with_limit()) for _ in range(2))
        has_begun = asyncio.Event()
        first = asyncio.create_task(one.send(HI, target, lambda _event: has_begun.set()))
        await has_begun.wait()
        with pytest.raises(OverLimit):
            await two.send(HI, target)
        assert person.asked[0].spent_usd == pytest.approx(0.01)
        gate.set()
        await first
        person.answers.append(SpendingAnswer.NO)
        with pytest.raises(OverLimit):
            await two.send(HI, target)
        assert person.asked[1].spent_usd == pytest.approx(0.007)
    finally:
        await services.close()


@pytest.mark.parametrize("api", SENDABLE)
async def test_several_answers_cost_several_times(
    server: LoopbackServer, tmp_path: Path, api: Api
) -> None:
    settings(tmp_path, '[prices."*"]\ninput = 1000\noutput = 1000\n[limits]\nsession = 0\n')
    person = Person(SpendingAnswer.NO)
    services = await opened(tmp_path, server, person)
    assert services.endpoint is not None
    object.__setattr__(services.endpoint, "api", api)
    try:
        parameters = Parameters(max_tokens=100, n=3)
        conversation = services.archive.new(SessionSettings(parameters=parameters))
        with pytest.raises(OverLimit):
            await conversation.send((TextPart("x" * 400),), await target_of(services))
        tokens = person.asked[0].price.input_tokens
        requests = 1 if api is Api.CHAT else 3
        assert 100 <= tokens < 120
        assert person.asked[0].price.usd == pytest.approx((tokens * requests + 300) / 1_000)
    finally:
        await services.close()


async def test_an_unknown_price_is_reported_once_and_stops_only_at_the_limit(
    server: LoopbackServer, tmp_path: Path
) -> None:
    settings(tmp_path, "[limits]\nsession = 1\n")
    person = Person(SpendingAnswer.NO)
    services = await opened(tmp_path, server, person)
    try:
        conversation = services.archive.new(with_limit())
        target = await target_of(services)
        await conversation.send(HI, target)
        await conversation.send(HI, target)
        assert person.notes == [
            "The price of test-model is unknown: its replies do not count for [limits]. "
            "[prices] sets one."
        ]
        settings(tmp_path, "[limits]\nsession = 0\n")
        with pytest.raises(OverLimit):
            await conversation.send(HI, target)
        assert "The price of test-model is unknown" in person.asked[0].note
    finally:
        await services.close()


def test_limits_are_read_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    read = parse_settings("[limits]\nsession = 1\nday = 5.5\n", file)
    assert read.limits == SpendingLimits(1.0, 5.5)
    assert not parse_settings("", file).limits.is_set
    for line, sentence in (
        ("day = -1", r"settings.toml:2: limits.day is -1; it must be between 0 and"),
        ('day = "5"', r"settings.toml:2: limits.day"),
        ("week = 1", r"settings.toml:2: limits.week"),
    ):
        with pytest.raises(SettingsError, match=sentence):
            parse_settings(f"[limits]\n{line}\n", file)


def test_ask_refuses_with_a_status_of_its_own_unless_it_may(
    server: LoopbackServer, tmp_path: Path
) -> None:
    provider = f'[providers.one]\nbase_url = "{server.base_url}"\nmodel = "test-model"\n'
    write_settings(tmp_path, f"{provider}{PRICES}[limits]\nday = 0.01\n")
    asked = ("ask", "hi", "--max-tokens", "10")
    assert run_command(tmp_path, *asked).returncode == 0
    done = run_command(tmp_path, *asked)
    assert (done.returncode, done.stdout, len(server.requests)) == (6, "", 1)
    assert "[limits] day" in done.stderr
    done = run_command(tmp_path, *asked, "--over-limit")
    assert (done.returncode, done.stderr, len(server.requests)) == (0, "", 2)


def test_ask_stops_between_rounds_with_the_same_status(
    server: LoopbackServer, tmp_path: Path
) -> None:
    provider = f'[providers.one]\nbase_url = "{server.base_url}"\nmodel = "test-model"\n'
    write_settings(tmp_path, f"{provider}{PRICES}[limits]\nsession = 0.011\n")
    in_turn(server, asks(("calculate", '{"expression": "1+1"}')), reply("two"))
    done = run_command(
        *(tmp_path, "ask", "hi", "--max-tokens", "10", "--tools", "calculate", "--yes")
    )
    assert (done.returncode, len(server.requests)) == (6, 1)
    assert "--over-limit sends it" in done.stderr


async def test_the_chat_asks_and_gives_the_message_back(
    server: LoopbackServer, tmp_path: Path
) -> None:
    settings(tmp_path, f"{PRICES}[limits]\nsession = 0.007\n")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat = chat_of(pilot)
        await send(pilot, "first")
        await until(pilot, lambda: is_idle(pilot))
        await send(pilot, "second")
        await until(pilot, lambda: "Pass the spending limit of this session?" in frame(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: chat.panes.composer.text == "second")
        assert len(server.requests) == 1
        await pilot.press("enter")
        await until(pilot, lambda: "Pass the spending limit" in frame(pilot))
        await pilot.press("down", "enter")
        await until(pilot, lambda: len(server.requests) == 2)
        await until(pilot, lambda: is_idle(pilot))
        assert said(chat.desk.conversation)[2] == "second"


class SlowToolbox:
    """A toolbox whose servers take a while to start."""

    def __init__(self) -> None:
        self.is_ready = asyncio.Event()

    async def offer(self, names: object) -> tuple[Tool, ...]:
        await self.is_ready.wait()
        return ()


async def test_the_status_line_says_what_a_question_waits_for(
    server: LoopbackServer, tmp_path: Path
) -> None:
    settings(tmp_path, f"{PRICES}[limits]\nsession = 0\n[tools]\nenabled = ['calculate']\n")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        conversation = chat_of(pilot).desk.conversation
        assert conversation._tooling is not None
        toolbox = SlowToolbox()
        conversation._tooling = replace(conversation._tooling, box=toolbox)  # type: ignore[arg-type]
        await send(pilot, "first")
        await until(pilot, lambda: "starting tools…" in frame(pilot))
        toolbox.is_ready.set()
        await until(pilot, lambda: "Pass the spending limit of this session?" in frame(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: chat_of(pilot).panes.composer.text == "first")
        await until(pilot, lambda: "preparing the request…" not in frame(pilot))
    assert server.requests == []


async def test_a_queued_message_and_a_retry_are_asked_about_in_the_chat(
    server: LoopbackServer, tmp_path: Path
) -> None:
    settings(tmp_path, f"{PRICES}[limits]\nsession = 0.007\n")
    async with on_bench(tmp_path, server.base_url) as bench:
        SpendingQuestions(bench.desk)
        bench.sending.send("one")
        bench.sending.send("two")
        bench.answer(None, "do not send")
        await bench.host.quiet()
        assert bench.editor.text == "two"
        bench.branches.retry()
        await bench.host.quiet()
        assert len(bench.host.app.dialogs) == 2
        assert bench.texts() == ["one", "Hello world"]
    assert len(server.requests) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pty")
def test_the_linear_chat_asks_by_numbers(server: LoopbackServer, tmp_path: Path) -> None:
    from tests.stories.test_linear import start

    write_settings(tmp_path, '[prices."*"]\ninput = 0\noutput = 1000\n[limits]\nsession = 0.007\n')
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("first\r")
        terminal.wait_for("tokens:")
        terminal.type("second\r")
        terminal.wait_for("limit: Pass the spending limit of this session?")
        terminal.wait_for("Number from 1 to 3")
        terminal.type("1\r")
        terminal.wait_for("error: The request was not sent")
        terminal.type("third\r")
        terminal.wait_until(lambda: terminal.screen.count("Number from 1 to 3") == 2)
        terminal.type("2\r")
        terminal.wait_until(lambda: terminal.screen.count("tokens:") == 2)
        terminal.type("/quit\r")
        assert terminal.wait_for_end() == 0
    said = [one["content"] for one in server.requests[-1]["messages"] if one["role"] == "user"]
    assert said == ["first", "third"]
