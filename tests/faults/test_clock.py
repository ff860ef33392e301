"""A clock that jumps back, and a data folder that vanishes: nothing negative, nothing lost
unsaid.
"""

import json
import random
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from replyscope.cli.system import new_id
from replyscope.domain.errors import StoreGone
from replyscope.domain.event import Event, TextDelta
from replyscope.domain.exchange import SENDABLE, Api
from replyscope.domain.message import Role, TextPart
from replyscope.domain.session import SessionSettings
from replyscope.engine.archive import Archive
from replyscope.engine.conversation import Conversation
from replyscope.engine.live_reply import Target
from replyscope.inspection.json_view import exchange_object
from replyscope.inspection.timeline import timeline_of
from replyscope.provider.opening import translate_frames
from replyscope.store.sqlite_store import SqliteStore
from tests.conftest import TickingClock
from tests.support.build import NOON, open_chat
from tests.support.responses import response
from tests.support.server import LoopbackServer, reply
from tests.support.suite import Suite


class JumpingClock(TickingClock):
    """The time of day jumps by up to a day, mostly back; the other one goes on."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        self._dice = dice
        self._now = NOON

    def now(self) -> datetime:
        self._now += timedelta(seconds=self._dice.randint(-86_400, 3_600))
        return self._now


async def drive(conversation: Conversation, target: Target, text: str) -> None:
    await conversation.send((TextPart(text),), target)


def negatives(value: object) -> list[object]:
    """Every number below zero."""
    if isinstance(value, dict):
        return [bad for one in value.values() for bad in negatives(one)]
    if isinstance(value, list | tuple):
        return [bad for one in value for bad in negatives(one)]
    return [value] if isinstance(value, int | float) and value < 0 else []


@pytest.mark.parametrize("api", SENDABLE)
async def test_a_clock_that_jumps_back_changes_no_order_and_no_duration(
    api: Api, server: LoopbackServer, store: SqliteStore, suite: Suite
) -> None:
    clock = JumpingClock(suite.dice(f"clock/{api}"))
    archive = Archive(store, clock, new_id, translate=translate_frames)
    conversation = archive.new(SessionSettings())
    whole = response("a", "b") if api is Api.RESPONSES else reply("a", "b")
    server.answer = lambda _request: whole
    count = suite.count(200, least=10)
    async with open_chat(server.base_url, clock, api=api) as provider:
        target = Target(provider._endpoint, provider, "m")
        for number in range(count):
            await drive(conversation, target, f"prompt {number}")
    stored = await store.load_session(conversation.session.id)
    said = [message.text for message in stored.branch if message.role is Role.USER]
    assert said == [f"prompt {number}" for number in range(count)]
    assert len(stored.exchanges) == count
    for exchange in stored.exchanges.values():
        assert negatives(exchange_object(exchange)) == []
        frames = (await store.load_wire(exchange.id)).frames
        assert [f.at_ms for f in frames] == sorted(f.at_ms for f in frames)
        bars = timeline_of(exchange, frames, {}).bars
        assert all(0 <= bar.start_ms <= bar.end_ms for bar in bars)
    assert stored.session.updated_at >= stored.session.created_at
    json.dumps([exchange_object(exchange) for exchange in stored.exchanges.values()])
    suite.say(f"a clock that jumped back {count} times over {api.value}: order and times are right")


@pytest.mark.parametrize("how", ["removed", "replaced", "moved"])
async def test_a_folder_that_vanishes_in_mid_reply_is_told(
    how: str, server: LoopbackServer, tmp_path: Path, suite: Suite
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    store = SqliteStore(data / "sessions.db", "w")
    archive = Archive(store, TickingClock(), new_id, translate=translate_frames)
    conversation = archive.new(SessionSettings())
    async with open_chat(server.base_url, TickingClock()) as provider:
        target = Target(provider._endpoint, provider, "m")

        def listen(event: Event) -> None:
            if isinstance(event, TextDelta) and event.text == "Hello":
                data.rename(tmp_path / "away")
                if how == "removed":
                    shutil.rmtree(tmp_path / "away")
                if how == "replaced":
                    data.mkdir()
                    (data / "sessions.db").write_bytes(b"")

        await conversation.send((TextPart("hi"),), target, listen)
        assert isinstance(conversation.unsaved, StoreGone)
        assert "removed or replaced" in str(conversation.unsaved)
        assert conversation.read_messages()[-1].text == "Hello world"
        with pytest.raises(StoreGone):  # what can't be saved is not sent
            await drive(conversation, target, "more")
        assert len(server.requests) == 1
        if how == "moved":
            (tmp_path / "away").rename(data)
            await conversation.endings.save()
            await drive(conversation, target, "and on")
            assert archive.unsaved() == ()
            stored = await store.load_session(conversation.session.id)
            assert [e.choice(0).text for e in stored.exchanges.values()] == ["Hello world"] * 2
    await store.close()
    suite.say(f"a data folder that is {how} in mid-reply: told, the reply is kept on the screen")
