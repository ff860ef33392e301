"""What still runs while the app exits."""

from pathlib import Path

from textual.widgets import Static

from tests.support.server import LoopbackServer
from tests.ui.app import chat_of, make_app, open_chat


class Last(Static):
    """A widget that asks its screen for a call when it is removed, as the end of a reply does."""

    called = False

    def on_unmount(self) -> None:
        self.screen.call_next(self._call)

    def _call(self) -> None:
        self.called = True


async def test_nothing_is_drawn_after_the_widgets_are_gone(
    server: LoopbackServer, tmp_path: Path
) -> None:
    last = Last()
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await chat_of(pilot).mount(last)
    assert not last.called


async def test_what_is_asked_for_in_a_running_app_is_called(
    server: LoopbackServer, tmp_path: Path
) -> None:
    last = Last()
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        await chat_of(pilot).mount(last)
        await last.remove()
        await pilot.pause()
        assert last.called
