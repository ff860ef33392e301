"""Where a scene is played: the real app on fixed sessions, with a clock that stands still."""

import asyncio
import dataclasses
import itertools
import re
import shutil
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from replyscope.cli.wiring import Wiring, wire
from replyscope.config.paths import Paths, find_paths
from replyscope.domain.endpoint import Endpoint
from replyscope.domain.exchange import Api
from replyscope.domain.local_models import InstallProgress
from replyscope.domain.look import Look
from replyscope.local.models import EmbeddedModels
from replyscope.ui.app import ReplyscopeApp
from replyscope.ui.chat.visibility import LEAST_WITH_SIDEBAR
from replyscope.ui.terminal.toasts import Toasts
from tests.snapshots import still_relay
from tests.snapshots.archive import NOW, fill
from tests.snapshots.pictures import picture_of
from tests.snapshots.still_relay import StillClock
from tests.support.server import LoopbackServer
from tests.ui.app import chat_of, frame, make_app, open_chat, until

_QUIET = 4
"""A screen is quiet when it was drawn so often without a change, and no work is left."""


STILL_RELAY = (sys.executable, still_relay.__file__, NOW.isoformat())


def wire_still(paths: Paths, **given: Any) -> Wiring:
    """The parts of a run whose clock stands still, also that of its relay."""
    wiring = wire(paths, clock=StillClock(NOW), ids=numbered_ids(), **given)
    wiring.relay_command = STILL_RELAY
    return wiring


def numbered_ids() -> Callable[[], str]:
    """Ids that count: the same in each run."""
    numbers = itertools.count(1)
    return lambda: f"id{next(numbers):010}"


class WaitingModels(EmbeddedModels):
    """The embedded models, on a network that brought a third and then nothing more."""

    async def install(self, name: str) -> AsyncGenerator[InstallProgress, None]:
        yield InstallProgress("downloading", 157_000_000, 471_000_000)
        await asyncio.Event().wait()


@dataclass
class Stage:
    """One run of the app in its own folder; `gate` holds an answer back until the end."""

    folder: Path
    server: LoopbackServer
    archive: Path
    gate: threading.Event = dataclasses.field(default_factory=threading.Event)

    def make(self, theme: str, **changes: Any) -> ReplyscopeApp:
        """The app on the sessions; `is_empty` on none, `has_target` False with no server."""
        if not changes.pop("is_empty", False):
            shutil.copytree(self.archive, self.folder, dirs_exist_ok=True)
        model = changes.pop("model_name", "harbour-large")
        endpoint = Endpoint(
            "harbour",
            self.server.base_url,
            changes.pop("wire_api", Api.CHAT),
            model=model,
            max_retries=0,
        )
        app = make_app(
            self.folder,
            None,
            wires=wire_still,
            look=Look(theme, ascii_only=changes.pop("ascii_only", False)),
            endpoint=endpoint if changes.pop("has_target", True) else None,
            local=WaitingModels(self.folder / "models", lambda _name, _key: None),
            **{"working_folder": Path("/nowhere/harbour"), **changes},
        )
        app.animation_level = "none"
        app.toasts = Toasts(lambda: 0.0)  # which never end, however long a scene takes
        return app

    def picture(self, app: App[Any], title: str) -> str:
        """The screen as SVG, with ports that are the same in each run."""
        return re.sub(r"(?<=127\.0\.0\.1):\d{5}\b", ":50000", picture_of(app, title))

    def play(
        self, size: tuple[int, int], theme: str, **changes: Any
    ) -> AbstractAsyncContextManager[Pilot[None]]:
        """Run the app until the chat is on the screen and quiet."""
        return _run(self, size, theme, changes)


@asynccontextmanager
async def _run(
    stage: Stage, size: tuple[int, int], theme: str, changes: dict[str, Any]
) -> AsyncIterator[Pilot[None]]:
    notifications = bool(changes.pop("notifications", False))
    has_sessions = not changes.get("is_empty", False)
    app = stage.make(theme, **changes)
    try:
        async with open_chat(app, size, notifications=notifications) as pilot:
            if has_sessions and size[0] >= LEAST_WITH_SIDEBAR:  # it comes after the first paint
                await see(pilot, "Harbour dues")
            await quiet(pilot)
            yield pilot
            stage.gate.set()
    finally:
        stage.gate.set()


async def make_archive(folder: Path) -> None:
    """The data folder with the sessions, which each scene gets a copy of."""
    wiring = wire_still(find_paths(str(folder)))
    await fill(wiring, folder.with_suffix(".json"))
    shutil.rmtree(folder / "live", ignore_errors=True)


async def drawn(pilot: Pilot[None]) -> None:
    """Wait until the screen is quiet, and draw it anew from the lowest up.

    What lies under a dialog may have been drawn after the dialog.
    """
    await quiet(pilot)
    for screen in pilot.app.screen_stack:
        screen.refresh(layout=True)
        await pilot.pause()
    await quiet(pilot)


async def quiet(pilot: Pilot[None]) -> None:
    """Wait until nothing is drawn any more, and no work begins or ends."""
    calm, seen = 0, None
    while calm < _QUIET:
        await asyncio.sleep(0.01)
        await pilot.pause()
        _stop_blinking(pilot)
        busy = frozenset(id(worker) for worker in pilot.app.workers if not worker.is_finished)
        shown = frame(pilot), busy
        calm = calm + 1 if shown == seen else 0
        seen = shown


def _stop_blinking(pilot: Pilot[None]) -> None:
    """Show the cursor of each field from now on."""
    fields = [field for s in pilot.app.screen_stack for field in s.query("Input, TextArea")]
    for field in fields:
        assert isinstance(field, Input | TextArea)
        if field.cursor_blink:
            field.cursor_blink = False
            field.notify_style_update()  # or a line that was drawn without it stays


async def see(pilot: Pilot[None], *texts: str) -> None:
    """Wait until the screen has these words."""
    await until(pilot, lambda: all(text in frame(pilot) for text in texts), " and ".join(texts))


async def open_saved(pilot: Pilot[None], session_id: str, text: str) -> None:
    """Open a saved session, and go to its newest message."""
    chat_of(pilot).groups.sessions.open_session(session_id)
    await see(pilot, text)
    await quiet(pilot)
