"""What still runs while the app exits."""

from pathlib import Path

import pytest
from textual.widgets import Static

from replyscope.ui.chat.screen import ChatScreen
from tests.support.server import LoopbackServer
from tests.ui.app import chat_of, make_app, open_chat


class Last(Static):
    """A widget that asks its screen for a call when it is removed, as the end of a reply does."""

    called = False

    def on_unmount(self) -> None:
        chat: ChatScreen = self.screen  # type: ignore[assignment]
        chat.desk.call_next(self._call)

    def _call(self) -> None:
        self.called = True


@pytest.mark.parametrize("exits", [True, False])
async def test_nothing_is_drawn_after_the_widgets_are_gone(
    server: LoopbackServer, tmp_path: Path, *, exits: bool
) -> None:
    last = Last()
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await chat_of(pilot).mount(last)
        if not exits:
            await last.remove()
            await pilot.pause()
    assert last.called is not exits
