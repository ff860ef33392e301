"""The real app for Pilot: real store, real provider, a loopback server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widget import Widget

from replyscope.cli.parser import parse_chat
from replyscope.cli.services import build_services
from replyscope.cli.system import SystemClock, new_id
from replyscope.cli.wiring import Wiring, wire
from replyscope.config.paths import find_paths
from replyscope.config.themes import find_theme
from replyscope.domain.endpoint import Endpoint, FoundServer
from replyscope.domain.look import Look
from replyscope.ui.app import ReplyscopeApp
from replyscope.ui.chat.screen import ChatScreen
from replyscope.ui.opening import Opening
from replyscope.ui.services import Services

__all__ = [
    "SystemClock",
    "chat_of",
    "click",
    "frame",
    "make_app",
    "make_services",
    "new_id",
    "open_chat",
    "until",
]


async def no_servers() -> tuple[FoundServer, ...]:
    return ()


def make_services(
    folder: Path,
    base_url: str | None,
    *,
    saves: bool = True,
    wires: Callable[..., Wiring] = wire,
    **changes: Any,
) -> Services:
    """The services of a data folder, sending to a server; None has no endpoint.

    `changes` are fields of Services.
    """
    arguments = parse_chat([] if saves else ["--no-save"])
    assert arguments is not None
    services = build_services(arguments, find_paths(str(folder)), wires)
    endpoint = Endpoint("test", base_url, model="test-model", max_retries=0) if base_url else None
    outside = {
        "endpoint": endpoint,
        "find_servers": no_servers,
        "edit_text": lambda text: text,
        "notify_desktop": lambda text: None,
        "view_file": lambda name, data: None,
        "working_folder": folder,
    }
    for name, value in {**outside, **changes}.items():
        setattr(services, name, value)
    return services


def make_app(
    folder: Path, base_url: str | None, *, look: Look | None = None, **changes: Any
) -> ReplyscopeApp:
    """The app on a data folder, sending to a server; None starts with the first-run screen."""
    look = Look() if look is None else look
    services = make_services(folder, base_url, **changes)
    is_fresh = services.session_id is None and not services.opens_newest
    theme = find_theme(look.theme, find_paths(str(folder)).themes)
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
