"""The suggestions above the composer."""

from pathlib import Path

from replyscope.ui.chat.suggestions import Suggestions
from tests.support.server import LoopbackServer
from tests.ui.app import chat_of, frame, make_app, open_chat, until


async def test_each_suggestion_is_one_line(server: LoopbackServer, tmp_path: Path) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=(80, 24)) as pilot:
        rows = [(f"/command{n}", f"{n} " + "long words " * 20) for n in range(3)]
        suggestions = pilot.app.screen.query_one(Suggestions)
        suggestions.offer(rows)
        await until(pilot, lambda: "/command2" in frame(pilot), "the suggestions")
        shown = [line for line in frame(pilot).splitlines() if "long words" in line]
        assert len(shown) == 3
        assert all("…" in line for line in shown)
        assert suggestions.size.height == 3


async def test_arguments_of_commands_are_completed_from_their_lists(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=(80, 24)) as pilot:
        suggestions = pilot.app.screen.query_one(Suggestions)
        composer = chat_of(pilot).panes.composer
        await pilot.press(*"/theme ")
        await until(pilot, lambda: suggestions.display)
        names = [option.id for option in suggestions.options]
        assert {"observatory", "paper"} & set(names) or len(names) > 2
        assert suggestions.chosen is None
        await pilot.press("down")
        await until(pilot, lambda: suggestions.chosen == names[0])
        await pilot.press("down", "enter")
        await until(pilot, lambda: pilot.app.theme == names[1])
        assert composer.text == ""
        (tmp_path / "notes.txt").touch()
        await pilot.press(*"/attach no", "tab")
        await until(pilot, lambda: composer.text == "/attach notes.txt")
        await until(pilot, lambda: not suggestions.display)
