"""Messages that are left out or pinned: what requests have, on both APIs."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import Api
from replyscope.domain.json_values import settings_from_json, settings_to_json
from replyscope.domain.message import Message, Role, TextPart
from replyscope.domain.ports import Clock
from replyscope.domain.session import SessionSettings
from replyscope.engine.archive import Archive
from replyscope.engine.conversation import Conversation
from replyscope.engine.message_marks import (
    check_marks,
    groups_of,
    leave_out,
    pin,
    sent_messages,
)
from replyscope.inspection.context import fit_into
from replyscope.store.sqlite_store import SqliteStore
from tests.engine.test_conversation import Ids, drive
from tests.engine.test_tools import Workshop, asks, in_turn
from tests.support.build import NOON, open_chat
from tests.support.responses import response
from tests.support.server import LoopbackServer, reply

ROLES = {"u": Role.USER, "a": Role.ASSISTANT, "t": Role.TOOL}


def branch_of(letters: str) -> list[Message]:
    return [
        Message(f"m{number}", ROLES[letter], (TextPart("x" * 400),), NOON)
        for number, letter in enumerate(letters)
    ]


# A branch begins with a message of the person; results follow a reply.
branches = st.lists(st.sampled_from(["u", "a", "at"]), max_size=8).map(
    lambda letters: branch_of("u" + "".join(letters))
)
ids = st.lists(st.integers(0, 16).map(lambda number: f"m{number}"), unique=True).map(tuple)


@pytest.fixture
def archive(store: SqliteStore, clock: Clock) -> Archive:
    return Archive(store, clock, Ids())


def mark(conversation: Conversation, number: int, change: Any = leave_out) -> None:
    messages, settings = conversation.messages, conversation.session.settings
    conversation.change_settings(change(messages, settings, messages[number].id)[0])


def contents(request: dict[str, Any], name: str = "messages") -> list[Any]:
    return [entry.get("content") for entry in request[name]]


@given(branches, ids, ids, st.integers(0, 20))
def test_calls_and_their_results_are_sent_together_and_the_last_always(
    branch: list[Message], left_out: tuple[str, ...], pinned: tuple[str, ...], drops: int
) -> None:
    settings = SessionSettings(left_out=left_out, pinned=pinned)
    sent = sent_messages(branch, settings, drops)
    known = {message.id for message in sent}
    assert [message for message in branch if message.id in known] == sent
    for group in groups_of(branch):
        assert len({message.id in known for message in group}) == 1
        if any(message.id in pinned for message in group):
            assert group[0].id in known
    assert groups_of(branch)[-1][0].id in known


@given(branches, st.lists(st.tuples(st.booleans(), st.integers(0, 16)), max_size=6))
def test_no_message_is_both_left_out_and_pinned(
    branch: list[Message], steps: list[tuple[bool, int]]
) -> None:
    settings = SessionSettings()
    for is_pin, number in steps:
        message_id = branch[number % len(branch)].id
        was = settings.mark_of(message_id)
        settings, _ = (pin if is_pin else leave_out)(branch, settings, message_id)
        undone = was == ("pinned" if is_pin else "left out")
        assert settings.mark_of(message_id) == (
            "" if undone else "pinned" if is_pin else "left out"
        )
        assert not set(settings.left_out) & set(settings.pinned)
    for group in groups_of(branch):
        assert len({settings.mark_of(message.id) for message in group}) == 1
    assert settings_from_json(settings_to_json(settings)) == settings


def test_marks_of_another_type_in_a_file_are_ignored() -> None:
    read = settings_from_json({"left_out": ["a", 1, {"b": 2}], "pinned": [None]})
    assert (read.left_out, read.pinned) == (("a",), ())


async def test_a_message_that_is_left_out_is_not_sent_and_comes_back(
    server: LoopbackServer, clock: Clock, archive: Archive, store: SqliteStore
) -> None:
    server.answer = lambda _request: reply(f"reply {len(server.requests)}")
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider, "first")
        mark(conversation, 0)
        await drive(conversation, provider, "second")
        again = await Archive(store, clock, Ids(50)).open(conversation.session.id)
        assert again.session.settings.mark_of(again.messages[0].id) == "left out"
        mark(again, 0)
        await drive(again, provider, "third")
    assert contents(server.requests[1]) == ["reply 1", "second"]
    assert contents(server.requests[2])[:2] == ["first", "reply 1"]
    second = again.exchanges[again.messages[3].sources[0].exchange_id]
    assert second.left_out == (again.messages[0].id,)
    assert second.adaptations == ("1 message left out, as marked",)


async def test_a_tool_call_goes_with_its_result(
    server: LoopbackServer, clock: Clock, store: SqliteStore, tmp_path: Path
) -> None:
    workshop = Workshop(store, clock, tmp_path)
    in_turn(server, asks(("add", '{"a": 1, "b": 2}')), reply("It is 3."), reply("Bye."))
    await workshop.send(server, clock)
    result = workshop.conversation.messages[2]
    assert result.role is Role.TOOL
    mark(workshop.conversation, 2)
    assert set(workshop.conversation.session.settings.left_out) == {
        workshop.conversation.messages[1].id,
        result.id,
    }
    await workshop.send(server, clock, text="bye")
    roles = [entry["role"] for entry in server.requests[2]["messages"]]
    assert roles == ["user", "assistant", "user"]
    assert "tool_calls" not in server.requests[2]["messages"][1]


async def test_a_server_that_keeps_replies_gets_the_whole_history_while_something_is_left_out(
    server: LoopbackServer, clock: Clock, archive: Archive
) -> None:
    server.answer = lambda _request: response("x", response_id=f"resp_{len(server.requests)}")
    conversation = archive.new(SessionSettings())
    changed = conversation.session.settings.parameters.changed({"store": True})
    conversation.change_settings(SessionSettings(parameters=changed))
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        await drive(conversation, provider, "one")
        await drive(conversation, provider, "two")
        mark(conversation, 0)
        await drive(conversation, provider, "three")
        await drive(conversation, provider, "four")
        mark(conversation, 0)
        await drive(conversation, provider, "five")
        await drive(conversation, provider, "six")
    requests = server.requests
    chained = [request.get("previous_response_id") for request in requests]
    assert chained == [None, "resp_1", None, "resp_3", None, "resp_5"]
    assert len(requests[2]["input"]) == 4
    assert len(requests[3]["input"]) == 1
    assert contents(requests[4], "input")[0] == "one"
    assert len(requests[4]["input"]) == 9


def test_a_conversation_of_the_server_refuses_in_words() -> None:
    branch = branch_of("ua")
    check_marks(branch, SessionSettings(left_out=("elsewhere",)), "conv_1")
    check_marks(branch, SessionSettings(left_out=("m0",)), None)
    with pytest.raises(ReplyscopeError, match="keeps this conversation"):
        check_marks(branch, SessionSettings(left_out=("m0",)), {"id": "conv_1"})


async def test_a_fork_keeps_the_marks(
    server: LoopbackServer, clock: Clock, archive: Archive
) -> None:
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, clock) as provider:
        await drive(conversation, provider)
        await drive(conversation, provider)
    mark(conversation, 0)
    mark(conversation, 1, pin)
    forked = await archive.fork(conversation, conversation.messages[2].id)
    settings = forked.session.settings
    assert [settings.mark_of(m.id) for m in forked.messages] == ["left out", "pinned", ""]


def test_pinned_messages_are_kept_when_a_request_is_shortened() -> None:
    branch = branch_of("uauaua")
    settings = SessionSettings(pinned=("m0",))
    fit = fit_into(branch, {}, (TextPart("new"),), 520, settings)
    assert fit.is_too_large
    assert fit.drops == 4
    assert fit.oldest == "the oldest 4 messages but the pinned ones"
    assert [m.id for m in sent_messages(branch, settings, 4)] == ["m0", "m4", "m5"]
    shorter = fit_into(branch, {}, (), 520, SessionSettings(left_out=("m1", "m2")))
    assert shorter.tokens == 4 * 104 + 4
