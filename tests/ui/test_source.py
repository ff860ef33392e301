"""One key shows the source of a reply, and shows it as it is meant again."""

from pathlib import Path

from tests.support.server import LoopbackServer, reply
from tests.ui.app import chat_of, frame, make_app, open_chat, until


async def test_a_key_shows_the_source_of_a_reply(server: LoopbackServer, tmp_path: Path) -> None:
    server.answer = lambda _request: reply(
        "The sum:\n$$\\frac{a}{b}$$\n\n```mermaid\ngraph TD\n  A --> B\n```"
    )
    async with open_chat(make_app(tmp_path, server.base_url), size=(120, 40)) as pilot:
        await pilot.press(*"ask", "enter")
        await until(pilot, lambda: "───" in frame(pilot), "the formula")
        await until(pilot, lambda: "│ B │" in frame(pilot), "the diagram")
        assert "\\frac" not in frame(pilot)
        chat_of(pilot).groups.panes.transcript.focus()
        await pilot.press("s")
        await until(pilot, lambda: "\\frac{a}{b}" in frame(pilot), "the source")
        assert "A --> B" in frame(pilot)
        await pilot.press("s")
        await until(pilot, lambda: "\\frac" not in frame(pilot), "the reply as it is meant")
