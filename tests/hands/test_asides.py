"""The stash, quotes, side questions and titles by a model."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static

from replyscope.domain.errors import OverLimit
from replyscope.domain.message import Role, TextPart
from replyscope.domain.session import Parameters, SessionSettings
from replyscope.engine.aside import ask_aside
from replyscope.engine.spending import SpendingAnswer
from replyscope.engine.targets import Targets
from replyscope.engine.titles import title_by_model
from replyscope.ui.chat.asides import AsideDialog
from replyscope.ui.services import Services
from tests.hands.test_spending import (
    HI,
    PRICES,
    Person,
    opened,
    settings,
    target_of,
    with_limit,
)
from tests.support.server import Answer, LoopbackServer, delta, reply, sse, usage
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import SIZE, is_idle, send
from tests.ui.test_review import found, open_review

ASIDE = (TextPart("what is a monad?"),)


def sent(request: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["role"], one["content"]) for one in request["messages"]]


@asynccontextmanager
async def running(
    folder: Path, server: LoopbackServer, person: Person | None = None
) -> AsyncIterator[Services]:
    """The services of a data folder, with a person who is asked about limits."""
    services = await opened(folder, server, person or Person())
    try:
        yield services
    finally:
        await services.close()


async def test_an_aside_has_the_context_and_is_not_part_of_later_requests(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with running(tmp_path, server) as services:
        conversation = services.archive.new(with_limit(None, tools=("calculate",)))
        target = await target_of(services)
        await conversation.send(HI, target)
        head = conversation.session.head_id
        server.answer = lambda _request: reply("A burrito.")
        exchange = await ask_aside(conversation, ASIDE, target, services.spending)
        assert exchange.choice(0).text == "A burrito."
        assert conversation.session.head_id == head
        server.answer = lambda _request: reply("Later.")
        await conversation.send((TextPart("go on"),), target)
        asked, later = server.requests[1:]
        assert sent(asked) == [
            ("user", "hi"), ("assistant", "Hello world"), ("user", "what is a monad?"),
        ]  # fmt: skip
        assert "tools" not in asked
        assert sent(later) == [("user", "hi"), ("assistant", "Hello world"), ("user", "go on")]
        assert len(conversation.tree.siblings(conversation.messages[2])) == 1
        again = await services.sessions.load_session(conversation.session.id)
        roles = [message.role for message in again.messages]
        assert roles.count(Role.ASIDE) == 1
        assert len(again.exchanges) == 3
        await services.review.update_index()
        for word in ("burrito", "monad"):
            hits = await services.index.find(services.review.read(word))
            assert [hit.exchange_id for hit in hits] == [exchange.id]


async def test_switching_branches_never_leads_into_an_aside(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with running(tmp_path, server) as services:
        conversation = services.archive.new(with_limit())
        target = await target_of(services)
        await conversation.send(HI, target)
        first = conversation.messages[1]
        await ask_aside(conversation, ASIDE, target, None)
        await conversation.retry(target)
        await conversation.go_to(first.id)
        assert conversation.messages[-1].id == first.id


async def test_opening_an_aside_from_the_review_keeps_it_out_of_later_requests(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with running(tmp_path, server) as services:
        conversation = services.archive.new(with_limit())
        target = await target_of(services)
        first = await ask_aside(conversation, ASIDE, target, None)
        await conversation.send(HI, target)
        second = await ask_aside(conversation, ASIDE, target, None)
        await conversation.send((TextPart("go on"),), target)
        branch = [message.id for message in conversation.messages]
        for exchange in (first, second):
            (reply_id,) = [
                message.id
                for message in conversation.tree.messages
                if any(source.exchange_id == exchange.id for source in message.sources)
            ]
            await conversation.go_to(reply_id)
            again = await services.archive.open(conversation.session.id)
            assert [message.id for message in again.messages] == branch
        await conversation.send((TextPart("later"),), target)
        assert all("monad" not in text for _, text in sent(server.requests[-1]))


async def test_an_aside_is_answered_while_a_reply_streams(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()

    def answer(request: dict[str, Any]) -> Answer:
        if sent(request)[-1][1] == "what is a monad?":
            return reply("A burrito.")
        return Answer(
            chunks=[*sse(delta("part"), done=False), gate, *sse(delta(finish="stop"), usage())]
        )

    server.answer = answer
    async with running(tmp_path, server) as services:
        conversation = services.archive.new(with_limit())
        target = await target_of(services)
        has_begun = asyncio.Event()
        turn = asyncio.create_task(conversation.send(HI, target, lambda _: has_begun.set()))
        await has_begun.wait()
        exchange = await ask_aside(conversation, ASIDE, target, None)
        assert exchange.choice(0).text == "A burrito."
        assert sent(server.requests[1]) == [("user", "what is a monad?")]
        gate.set()
        await turn
        assert [m.text for m in conversation.read_messages()] == ["hi", "part"]


async def test_an_aside_is_asked_about_like_every_request(
    server: LoopbackServer, tmp_path: Path
) -> None:
    settings(tmp_path, f"{PRICES}[limits]\nsession = 0.014\n")
    person = Person(SpendingAnswer.NO)
    async with running(tmp_path, server, person) as services:
        conversation = services.archive.new(with_limit(7))
        target = await target_of(services)
        await conversation.send(HI, target)
        await ask_aside(conversation, ASIDE, target, services.spending)
        with pytest.raises(OverLimit):
            await ask_aside(conversation, ASIDE, target, services.spending)
        assert person.asked[0].spent_usd == pytest.approx(0.014)
        assert len(server.requests) == 2


async def test_an_aside_asks_for_one_reply_outside_of_a_kept_conversation(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with running(tmp_path, server) as services:
        given = Parameters(n=3).changed({"conversation": "conv_1"})
        conversation = services.archive.new(SessionSettings(parameters=given))
        await ask_aside(conversation, ASIDE, await target_of(services), None)
        (request,) = server.requests
        assert {"n", "conversation"} & set(request) == set()


async def test_a_model_writes_the_title_once_and_never_over_a_given_one(
    server: LoopbackServer, tmp_path: Path
) -> None:
    settings(tmp_path, f'title_model = "session"\n{PRICES}')
    server.answer = lambda request: reply(
        '"Greeting a machine"\n' if "title" in sent(request)[-1][1] else "Hello"
    )
    async with running(tmp_path, server) as services:
        target = await target_of(services)
        targets = Targets(services)
        one = services.archive.new(with_limit(7))
        await one.send(HI, target)
        assert await title_by_model(one, targets, services) == "Greeting a machine"
        assert (one.session.title, one.session.is_title_given) == ("Greeting a machine", False)
        assert one.exchanges.spent.cost_usd == pytest.approx(0.014)
        assert await title_by_model(one, targets, services) is None
        await one.send(HI, target)
        assert sent(server.requests[-1]) == [("user", "hi"), ("assistant", "Hello"), ("user", "hi")]
        two = services.archive.new(with_limit(7))
        await two.send(HI, target)
        await services.archive.rename(two.session.id, "Mine")
        assert await title_by_model(two, targets, services) is None
        private = services.archive.new(with_limit(7), is_private=True)
        await private.send(HI, target)
        assert await title_by_model(private, targets, services) is None
        assert len(server.requests) == 5


async def test_a_title_that_was_given_meanwhile_is_kept(
    server: LoopbackServer, tmp_path: Path
) -> None:
    settings(tmp_path, 'title_model = "other"\n')
    async with running(tmp_path, server) as services:
        conversation = services.archive.new(with_limit())
        await conversation.send(HI, await target_of(services))
        gate = threading.Event()
        server.answer = lambda _request: Answer(
            chunks=[gate, *sse(delta("A title"), delta(finish="stop"), usage())]
        )
        writing = asyncio.create_task(title_by_model(conversation, Targets(services), services))
        while len(server.requests) < 2:  # noqa: ASYNC110 - the server has no event
            await asyncio.sleep(0.01)
        await services.archive.rename(conversation.session.id, "Mine")
        gate.set()
        assert await writing is None
        assert conversation.session.title == "Mine"
        assert server.requests[1]["model"] == "other"


async def test_the_aside_dialog_shows_the_answer_and_leaves_the_conversation(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat = chat_of(pilot)
        await send(pilot, "hi")
        await until(pilot, lambda: is_idle(pilot))
        server.answer = lambda _request: reply("A burrito \x1b[31mred.")
        await send(pilot, "/aside what is a monad?")
        await until(pilot, lambda: "A burrito ␛[31mred." in frame(pilot))
        await until(pilot, lambda: "stop · test-model" in frame(pilot))
        assert "Aside: what is a monad?" in frame(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "burrito" not in frame(pilot))
        assert [m.text for m in chat.desk.conversation.read_messages()] == ["hi", "Hello world"]


async def test_a_huge_answer_of_an_aside_is_drawn_in_part_and_copied_whole(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        huge = "word " * 100_000
        server.answer = lambda _request: reply(huge)
        await send(pilot, "/aside how much?")
        await until(pilot, lambda: "stop · test-model" in frame(pilot))
        drawn = pilot.app.screen.query_one("#aside-answer", Static).visual
        assert "… 500,000 characters; [Ctrl+Y] copies all" in str(drawn)
        assert len(str(drawn)) < 21_000
        await pilot.press("ctrl+y")
        await until(pilot, lambda: pilot.app.clipboard == huge)


async def test_a_side_question_of_a_private_session_is_kept_out_of_the_log(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "/private")
        await until(pilot, lambda: chat_of(pilot).desk.conversation.is_private)
        await send(pilot, "/aside a secret?")
        await until(pilot, lambda: isinstance(pilot.app.screen, AsideDialog))
        dialog = pilot.app.screen
        assert isinstance(dialog, AsideDialog)
        assert dialog.is_unlogged


async def test_opening_an_aside_in_the_review_says_where_its_answer_is(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        chat = chat_of(pilot)
        await send(pilot, "hi")
        await until(pilot, lambda: is_idle(pilot))
        server.answer = lambda _request: reply("A burrito.")
        await send(pilot, "/aside what is a monad?")
        await until(pilot, lambda: "stop · test-model" in frame(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is chat)
        await open_review(pilot)
        await pilot.press(*"burrito")
        await until(pilot, lambda: found(pilot) == 1)
        await pilot.press("enter", "enter")
        await until(pilot, lambda: "A side question is not" in frame(pilot))
        assert [m.text for m in chat.desk.conversation.read_messages()] == ["hi", "Hello world"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pty")
def test_the_linear_chat_has_the_stash_quotes_and_asides(
    server: LoopbackServer, tmp_path: Path
) -> None:
    from tests.stories.test_linear import start

    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("hi\r")
        terminal.wait_for("tokens:")
        terminal.type("/aside what is a monad?\r")
        terminal.wait_for("not part of later requests")
        terminal.type("/stash half a thought\r")
        terminal.wait_for("1 message. /stash pop takes the newest back.")
        terminal.type("/stash pop\r")
        terminal.wait_until(lambda: terminal.screen.rstrip().endswith("you: half a thought"))
        terminal.type("!\r")
        terminal.wait_until(lambda: terminal.screen.count("tokens:") == 2)
        terminal.type("/quote\r")
        terminal.wait_for("more:")
        terminal.type("why?\r")
        terminal.wait_until(lambda: terminal.screen.count("tokens:") == 3)
        terminal.type("/quit\r")
        assert terminal.wait_for_end() == 0
    last = [one for role, one in sent(server.requests[-1]) if role == "user"]
    assert last == ["hi", "half a thought!", "> Hello world\n\nwhy?"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pty")
def test_the_linear_chat_prints_an_aside_while_it_streams(
    server: LoopbackServer, tmp_path: Path
) -> None:
    from tests.stories.test_linear import start

    gate = threading.Event()
    first = sse(delta("A burrito. And"), done=False)
    rest = sse(delta(" more."), delta(finish="stop"), usage())
    server.answer = lambda _request: Answer(chunks=[*first, gate, *rest])
    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("/aside what is a monad?\r")
        terminal.wait_for("aside: A burrito.")
        assert "not part of later requests" not in terminal.screen
        gate.set()
        terminal.wait_for("A burrito. And more.")
        terminal.wait_for("not part of later requests")
        terminal.type("/quit\r")
        assert terminal.wait_for_end() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pty")
def test_the_linear_chat_takes_commands_of_several_lines(
    server: LoopbackServer, tmp_path: Path
) -> None:
    from tests.stories.test_linear import start

    with start(tmp_path, server) as terminal:
        terminal.wait_for("you:")
        terminal.type("/system Be brief.\\\r")
        terminal.wait_for("more:")
        terminal.type("Be kind.\r")
        terminal.wait_for("system: Be brief.")
        terminal.type("/etc/hosts\\\r")
        terminal.wait_until(lambda: terminal.screen.count("more:") == 2)
        terminal.type("is a file\r")
        terminal.wait_for("tokens:")
        terminal.type("/quit\r")
        assert terminal.wait_for_end() == 0
    assert sent(server.requests[-1]) == [
        ("system", "Be brief.\nBe kind."), ("user", "/etc/hosts\nis a file"),
    ]  # fmt: skip
