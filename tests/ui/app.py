"""The real app for Pilot: real store, real provider, a loopback server."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widget import Widget

from replyscope.cli.export import export_to_file
from replyscope.cli.import_file import import_file
from replyscope.cli.system import SystemClock, new_id
from replyscope.cli.wiring import Wiring, translate_frames, wire
from replyscope.config.mcp import add_servers
from replyscope.config.paths import find_paths
from replyscope.config.settings import change_settings, read_settings
from replyscope.config.themes import find_theme, read_themes
from replyscope.domain.endpoint import Endpoint, FoundServer
from replyscope.domain.look import Look
from replyscope.domain.settings import Settings
from replyscope.engine.recovery import recover
from replyscope.ui.app import ReplyscopeApp
from replyscope.ui.opening import Opening
from replyscope.ui.screens.chat import ChatScreen
from replyscope.ui.services import Services

__all__ = ["SystemClock", "chat_of", "click", "frame", "make_app", "new_id", "open_chat", "until"]


async def no_servers() -> tuple[FoundServer, ...]:
    return ()


def make_app(
    folder: Path, base_url: str | None, *, saves: bool = True, **changes: Any
) -> ReplyscopeApp:
    """The app on a data folder, sending to a server; None starts with the first-run screen."""
    paths = find_paths(str(folder))
    wiring: Wiring = wire(paths, saves=saves)
    themes, faults = read_themes(paths.themes)

    def change(values: Mapping[tuple[str, ...], Any]) -> None:
        change_settings(paths.settings, values)
        services.settings = read_settings(paths.settings)

    async def recover_all() -> int:
        return await recover(wiring.store, translate_frames)

    endpoint = Endpoint("test", base_url, model="test-model", max_retries=0) if base_url else None
    fields: dict[str, Any] = {
        "archive": wiring.archive,
        "remote": wiring.remote,
        "clock": wiring.clock,
        "settings": Settings(),
        "open_provider": wiring.providers.open,
        "find_servers": no_servers,
        "local": wiring.local,
        "keys": wiring.providers,
        "change_settings": change,
        "edit_text": lambda text: text,
        "notify_desktop": lambda text: None,
        "recover": recover_all,
        "open_store": wiring.store.open,
        "close": wiring.close,
        "toolbox": wiring.toolbox,
        "consent": wiring.consent,
        "review": wiring.review,
        "translate": translate_frames,
        "export": partial(export_to_file, wiring),
        "import_file": partial(import_file, wiring),
        "tool_settings": wiring.tool_settings,
        "add_servers": partial(add_servers, paths.mcp),
        "themes": themes,
        "faults": faults,
        "endpoint": endpoint,
        "working_folder": folder,
    }
    look = changes.pop("look", Look())
    services = Services(**{**fields, **changes})
    is_fresh = services.session_id is None and not services.opens_newest
    theme = find_theme(look.theme, paths.themes)
    return ReplyscopeApp(Opening(look=look, theme=theme, is_fresh=is_fresh, load=lambda: services))


@asynccontextmanager
async def open_chat(
    app: ReplyscopeApp, size: tuple[int, int] = (120, 40), *, notifications: bool = False
) -> AsyncIterator[Pilot[None]]:
    """Run the app until the chat is on the screen."""
    async with app.run_test(size=size, notifications=notifications) as pilot:
        await until(
            pilot, lambda: any(isinstance(s, ChatScreen) for s in app.screen_stack), "the chat"
        )
        await until(pilot, lambda: chat_of(pilot).is_mounted, "the chat's panes")
        yield pilot


def chat_of(pilot: Pilot[None]) -> ChatScreen:
    """The chat screen, under whatever lies over it."""
    return next(s for s in pilot.app.screen_stack if isinstance(s, ChatScreen))


async def until(pilot: Pilot[None], condition: Callable[[], object], what: str = "") -> None:
    """Wait for a condition, at most ten seconds."""
    for _ in range(1_000):
        if condition():
            await pilot.pause()
            return
        await asyncio.sleep(0.01)
        await pilot.pause()
    raise AssertionError(f"never came: {what}\n{frame(pilot)}")


async def click(
    pilot: Pilot[None], kind: type[Widget], *, offset: tuple[int, int], times: int = 1
) -> None:
    """Click a widget as soon as it is laid out and nothing lies over that place."""

    def is_there() -> bool:
        screen = pilot.app.screen
        widget = screen.query_one(kind)
        place = widget.region.offset + offset
        return bool(widget.region) and screen.get_widget_at(*place)[0] is widget

    await until(pilot, is_there, f"{kind.__name__} at {offset}")
    await pilot.click(kind, offset=offset, times=times)


def frame(pilot: Pilot[None]) -> str:
    """The screen as text. Uses the compositor's private API, here alone."""
    screen = pilot.app.screen
    width, height = screen.size
    lines = screen._compositor.render_strips()
    return "\n".join(strip.crop(0, width).text.rstrip() for strip in lines[:height])
