"""Sending and branches on a desk, without a terminal."""

import json
from dataclasses import replace
from pathlib import Path

from replyscope.domain.message import Role
from replyscope.domain.session import Parameters, SessionSettings
from tests.support.server import LoopbackServer, error, reply
from tests.ui.chat.bench import on_bench


async def test_a_message_is_sent_and_its_reply_is_saved(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        await bench.say("hi")
        assert bench.texts() == ["hi", "Hello world"]
        assert bench.editor.history == ["hi"]
        stored = await bench.desk.archive.open(bench.desk.conversation.session.id)
        assert [m.text for m in stored.read_messages()] == ["hi", "Hello world"]


async def test_what_is_sent_during_a_reply_is_queued_and_sent_after_it(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        bench.sending.send("first")
        await bench.say("second")
        assert bench.texts() == ["first", "Hello world", "second", "Hello world"]


async def test_a_message_without_a_provider_comes_back_and_asks_for_one(tmp_path: Path) -> None:
    async with on_bench(tmp_path, None) as bench:
        await bench.say("hi")
        assert bench.editor.text == "hi"
        assert [type(dialog).__name__ for dialog in bench.host.app.dialogs] == ["FirstRun"]
        assert bench.texts() == []


async def test_a_message_that_will_not_fit_is_sent_only_when_the_person_says_so(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.models_body = json.dumps(
        {"object": "list", "data": [{"id": "test-model", "context_window": 60}]}
    )
    async with on_bench(tmp_path, server.base_url) as bench:
        await bench.providers.learn_models()
        assert bench.desk.targets.window_of("test-model") == 60
        bench.answer(None)
        await bench.say("word " * 200)
        assert bench.texts() == []
        assert bench.editor.text.startswith("word word")
        bench.answer("send")
        await bench.say("word " * 200)
        assert len(bench.texts()) == 2


async def test_raising_the_limit_doubles_it_and_continues(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply("cut", finish="length")
    async with on_bench(tmp_path, server.base_url) as bench:
        settings = SessionSettings(parameters=Parameters(max_tokens=8))
        bench.view.show_conversation(bench.desk.archive.new(settings))
        await bench.say("hi")
        server.answer = lambda _request: reply(" and whole")
        bench.sending.raise_limit()
        await bench.host.quiet()
        assert bench.texts() == ["hi", "cut and whole"]
        assert "max_tokens is now 16" in bench.told


async def test_a_retry_stays_beside_the_reply_and_walking_goes_back(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        await bench.say("hi")
        server.answer = lambda _request: reply("another")
        bench.branches.retry("other-model")
        await bench.host.quiet()
        assert bench.texts() == ["hi", "another"]
        assert server.requests[-1]["model"] == "other-model"
        bench.branches.walk(-1)
        await bench.host.quiet()
        assert bench.texts() == ["hi", "Hello world"]


async def test_an_edited_message_becomes_a_sibling(server: LoopbackServer, tmp_path: Path) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        await bench.say("first wording")
        bench.branches.edit_message()
        assert bench.editor.text == "first wording"
        await bench.say("second wording")
        assert bench.texts() == ["second wording", "Hello world"]
        question = bench.desk.conversation.messages[0]
        assert len(bench.desk.conversation.tree.siblings(question)) == 2


async def test_a_fork_is_a_session_of_its_own(server: LoopbackServer, tmp_path: Path) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        await bench.say("hi")
        old = bench.desk.conversation.session.id
        bench.branches.fork()
        await bench.host.quiet()
        assert bench.desk.conversation.session.id != old
        assert bench.texts() == ["hi", "Hello world"]


async def test_the_end_of_a_reply_rings_only_when_the_person_looks_elsewhere(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        bench.services.settings = replace(bench.services.settings, bell=True)
        await bench.say("hi")
        bench.host.app.app_focus = False
        await bench.say("again")
        assert bench.host.app.rings == 1


async def test_a_failing_server_costs_the_reply_and_not_the_message(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: error(429, "over your quota")
    async with on_bench(tmp_path, server.base_url) as bench:
        await bench.say("hi")
        assert [m.role for m in bench.desk.conversation.messages] == [Role.USER, Role.ASSISTANT]
        exchange = bench.desk.last_exchange()
        assert exchange is not None
        assert exchange.failure is not None
