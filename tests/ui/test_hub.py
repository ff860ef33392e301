"""The quiet sync of the app: a word in the status line, and chats that go on elsewhere."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from textual.pilot import Pilot

from replyscope.hub.folder.hub import FolderHub
from replyscope.store.hub.log import SqliteHubLog
from tests.hub.machines import Machine, TestClock
from tests.support.server import LoopbackServer
from tests.ui.app import SystemClock, chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import is_idle, send
from tests.ui.test_private import go_private


class WallClock(TestClock):
    """The clock of the system."""

    def __init__(self) -> None:
        self.now = SystemClock().now  # type: ignore[method-assign]


async def join(folder: Path, hub: Path) -> None:
    """Let the data folder of an app take part in a hub."""
    one = Machine(folder, "app", hub, clock=WallClock())
    await one.store.open()
    await one.join()
    await one.close()


@asynccontextmanager
async def other_machine(folder: Path) -> AsyncIterator[Machine]:
    one = Machine(folder / "other", "other", folder / "hub", clock=WallClock())
    await one.store.open()
    await one.join()
    yield one
    await one.close()


async def say(pilot: Pilot[None], text: str) -> None:
    await send(pilot, text)
    await until(pilot, lambda: is_idle(pilot) and "● stop" in frame(pilot), "the reply")


async def test_a_chat_of_the_app_goes_on_elsewhere_and_comes_back(
    server: LoopbackServer, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    await join(data, tmp_path / "hub")
    async with (
        other_machine(tmp_path) as other,
        open_chat(make_app(data, server.base_url)) as pilot,
    ):
        await until(pilot, lambda: "hub: synced" in frame(pilot), "the first sync")
        await say(pilot, "a question")
        session_id = chat_of(pilot).desk.conversation.session.id
        await until(pilot, lambda: _has_left(tmp_path / "hub", 4), "the reply has left")
        await other.sync()
        assert await other.session_ids() == [session_id]
        await other.ask(session_id, "asked elsewhere", reply="answered elsewhere")
        await other.sync()
        # The app looks for changes of others every ten seconds.
        with suppress(AssertionError):
            await until(pilot, lambda: "answered elsewhere" in frame(pilot))
        await until(pilot, lambda: "answered elsewhere" in frame(pilot), "what came")


async def test_a_branch_of_another_window_is_announced(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await say(pilot, "a question")
        conversation = chat_of(pilot).desk.conversation
        shared = conversation.messages[-1].id
        other = Machine(tmp_path, "other", tmp_path / "hub", clock=WallClock())
        await other.ask(conversation.session.id, "went on", reply="a sequel")
        await until(pilot, lambda: "a sequel" in frame(pilot), "what came")
        assert "Yours is kept" not in frame(pilot)
        await other.ask(conversation.session.id, "apart", parent=shared, reply="a fork")
        await until(pilot, lambda: "a fork" in frame(pilot), "the other branch")
        await until(pilot, lambda: "Yours is kept" in frame(pilot), "the toast")
        await other.close()


def _has_left(hub: Path, entries: int) -> bool:
    heads = FolderHub(hub).status().heads
    return sum(head.number for head in heads.values()) >= entries


async def test_a_hub_that_is_away_is_named_and_stops_nothing(
    server: LoopbackServer, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    await join(data, tmp_path / "hub")
    (tmp_path / "hub").rename(tmp_path / "away")
    async with open_chat(make_app(data, server.base_url)) as pilot:
        await until(pilot, lambda: "hub: unreachable" in frame(pilot), "the state")
        await say(pilot, "still chatting")


async def test_a_private_session_does_not_leave(server: LoopbackServer, tmp_path: Path) -> None:
    data = tmp_path / "data"
    await join(data, tmp_path / "hub")
    async with open_chat(make_app(data, server.base_url)) as pilot:
        await until(pilot, lambda: "hub: synced" in frame(pilot), "the first sync")
        await go_private(pilot)
        await say(pilot, "zebrafinch")
    one = Machine(data, "app", tmp_path / "hub", clock=WallClock())
    await one.store.open()
    log: SqliteHubLog = one.log
    assert (await log.waiting(None)).messages == 0
    await one.sync()
    await one.close()
    assert not _has_left(tmp_path / "hub", 1)


async def test_without_a_hub_nothing_is_said(server: LoopbackServer, tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await say(pilot, "a question")
        assert "hub" not in frame(pilot)


async def test_an_app_that_is_open_sees_that_its_archive_joins_and_leaves_a_hub(
    server: LoopbackServer, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    async with open_chat(make_app(data, server.base_url)) as pilot:
        await say(pilot, "a question")
        await join(data, tmp_path / "hub")
        await until(pilot, lambda: "hub: synced" in frame(pilot), "the first sync")
        assert _has_left(tmp_path / "hub", 4)
        one = Machine(data, "app", tmp_path / "hub", clock=WallClock())
        await one.store.open()
        await one.log.leave()
        await one.close()
        await until(pilot, lambda: "hub:" not in frame(pilot), "the app has left")
