"""The picture of the README: `python -m tests.docs.picture` takes it anew from the demo."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.cli.run import run_program
from tests.docs.tables import ROOT
from tests.support.server import LoopbackServer
from tests.ui.app import chat_of, make_app, open_chat, until

_SIZE = (116, 34)


async def take_picture(folder: Path, target: Path) -> None:
    """Open the chat on a recorded session, select its first reply, and save the screen."""
    run_program(folder, "sessions", "import", str(ROOT / "docs" / "guide" / "demo.json"))
    with LoopbackServer() as server:
        app = make_app(folder / "data", server.base_url, session_id="demo-sky")
        async with open_chat(app, _SIZE) as pilot:
            await until(pilot, lambda: len(chat_of(pilot).panes.transcript.keys) == 2)
            await pilot.press("escape", "left_square_bracket")
            await until(pilot, lambda: "demo-large" in app.export_screenshot())
            await pilot.pause()
            target.write_text(app.export_screenshot(title="replyscope"), encoding="utf-8")


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        asyncio.run(take_picture(Path(temporary), ROOT / "docs" / "images" / "chat.svg"))
