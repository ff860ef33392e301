"""The suggestions above the composer."""

from pathlib import Path

from replyscope.ui.chat.suggestions import Suggestions
from tests.support.server import LoopbackServer
from tests.ui.app import frame, make_app, open_chat, until


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
