"""A session's requests go to its own provider, whatever another session has chosen."""

import threading
from pathlib import Path

from replyscope.config.paths import find_paths
from replyscope.config.settings import read_settings
from replyscope.domain.session import SessionSettings
from replyscope.engine.provider_choice import ProviderChoice, ProviderKind
from replyscope.engine.targets import Targets
from tests.cli.run import run_command
from tests.models.test_command_line import providers, write_settings
from tests.models.test_picker import make_two
from tests.support.server import Answer, LoopbackServer, reply
from tests.ui.app import chat_of, frame, make_services, open_chat, until
from tests.ui.test_chat import is_idle, send


async def test_a_session_keeps_its_provider_when_another_session_switches(
    server: LoopbackServer, tmp_path: Path
) -> None:
    with LoopbackServer() as other:
        async with open_chat(make_two(tmp_path, server, other)) as pilot:
            await send(pilot, "first")
            await until(pilot, lambda: is_idle(pilot) and bool(server.requests))
            opened = chat_of(pilot).desk.conversation.session.id
            await send(pilot, "/new")
            await until(pilot, lambda: chat_of(pilot).desk.conversation.session.id != opened)
            chat_of(pilot).groups.providers.use_found(
                chat_of(pilot).desk.targets.parse_model("two/x9")
            )
            await until(pilot, lambda: "x9 · two" in frame(pilot))
            await send(pilot, "second")
            await until(pilot, lambda: is_idle(pilot) and bool(other.requests))
            chat_of(pilot).groups.sessions.open_session(opened)
            await until(pilot, lambda: "m1 · one" in frame(pilot))
            await send(pilot, "third")
            await until(pilot, lambda: is_idle(pilot) and len(server.requests) == 2)
            settings = chat_of(pilot).desk.conversation.session.settings
            assert (settings.endpoint, settings.model) == ("one", "m1")
        assert [request["model"] for request in other.requests] == ["x9"]
    assert [request["model"] for request in server.requests] == ["m1", "m1"]


async def test_a_session_of_an_unknown_provider_uses_no_model_of_it(
    server: LoopbackServer, tmp_path: Path
) -> None:
    with LoopbackServer() as other:
        write_settings(tmp_path, providers(server, other))
        done = run_command(tmp_path, "ask", "hi", "--base-url", "http://127.0.0.1:9/v1", "-m", "x")
        assert done.returncode != 0
        app = make_two(tmp_path, server, other, opens_newest=True)
        async with open_chat(app) as pilot:
            await until(pilot, lambda: "m1 · one" in frame(pilot))
            await send(pilot, "hi")
            await until(pilot, lambda: is_idle(pilot) and bool(server.requests))
    assert server.requests[0]["model"] == "m1"


def test_ask_continues_a_session_at_its_own_provider(
    server: LoopbackServer, tmp_path: Path
) -> None:
    with LoopbackServer() as other:
        write_settings(tmp_path, f'provider = "one"\n{providers(server, other)}')
        for more in (["-m", "x9", "--provider", "two"], ["--continue"]):
            done = run_command(tmp_path, "ask", "hi", *more)
            assert (done.returncode, done.stderr) == (0, "")
        assert [request["model"] for request in other.requests] == ["x9", "x9"]
        assert server.requests == []
        done = run_command(tmp_path, "ask", "hi", "--continue", "--provider", "one")
        assert (done.returncode, done.stderr) == (0, "")
    assert [request["model"] for request in server.requests] == ["m1"]


async def test_a_private_session_writes_no_provider_to_the_settings(
    server: LoopbackServer, tmp_path: Path
) -> None:
    with LoopbackServer() as other:
        async with open_chat(make_two(tmp_path, server, other)) as pilot:
            await send(pilot, "/private")
            await until(pilot, lambda: chat_of(pilot).desk.conversation.is_private)
            chat_of(pilot).groups.providers.use_found(
                chat_of(pilot).desk.targets.parse_model("two/x9")
            )
            await until(pilot, lambda: "x9 · two" in frame(pilot))
    assert read_settings(find_paths(str(tmp_path)).settings).provider == "one"


async def test_a_provider_that_a_private_session_adds_is_not_saved(tmp_path: Path) -> None:
    services = make_services(tmp_path, None)
    private = services.archive.new(SessionSettings(), is_private=True)
    targets = Targets(services)
    for way, note in ((ProviderKind.KEY_STORED, True), (ProviderKind.URL, False)):
        choice = ProviderChoice(way, "https://one.example/v1", key="sk-for-one-1")
        said = await targets.take(private, choice)
        assert (said is not None and "This session is private" in said) is note
    assert private.session.settings.endpoint == "one-example"
    assert not find_paths(str(tmp_path)).settings.exists()


async def test_a_queued_message_goes_to_the_provider_of_its_session(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gate = threading.Event()
    server.answer = lambda _request: Answer(chunks=[gate, *reply("ok").chunks])
    with LoopbackServer() as other:
        async with open_chat(make_two(tmp_path, server, other)) as pilot:
            await send(pilot, "first")
            await until(pilot, lambda: bool(server.requests))
            await send(pilot, "queued")
            chat = chat_of(pilot)
            opened = chat.desk.conversation.session.id
            await until(pilot, lambda: chat.desk.pending.queued_count(opened))
            chat.groups.sessions.new_session()
            chat.groups.providers.use_found(chat.desk.targets.parse_model("two/x9"))
            await until(pilot, lambda: "x9 · two" in frame(pilot))
            gate.set()
            await until(pilot, lambda: len(server.requests) == 2)
        assert other.requests == []
    assert [request["model"] for request in server.requests] == ["m1", "m1"]
