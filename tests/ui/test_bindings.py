"""Every key is bound to something that exists, and every action can be found."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.actions import parse
from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.pilot import Pilot

from replyscope import ui
from replyscope.ui.chat.command_table import COMMANDS
from replyscope.ui.chat.screen import ChatScreen
from replyscope.ui.review.commands import REVIEW_COMMANDS
from replyscope.ui.review.screen import ReviewScreen
from replyscope.ui.terminal.textual_internals import bindings_of
from replyscope.ui.watch.commands import WATCH_COMMANDS
from replyscope.ui.watch.screen import WatchScreen
from tests.support.server import LoopbackServer
from tests.ui.app import chat_of, make_app, open_chat, until


def missing(node: DOMNode, app: App[Any]) -> Iterator[str]:
    """The bindings of a node whose action no node has."""
    for binding in bindings_of(node):
        if not exists(node, binding.action, app):
            yield f"{type(node).__name__}: {binding.key} runs {binding.action}"


def exists(node: DOMNode, action: str, app: App[Any]) -> bool:
    space, name, parameters = parse(action)
    target = app if space == "app" else node.screen if space == "screen" else node
    if not (hasattr(target, f"action_{name}") or hasattr(target, f"_action_{name}")):
        return False
    if name != "run":
        return True
    names = {command.name for command in REVIEW_COMMANDS}
    if isinstance(target, WatchScreen):
        names = {command.name for command in WATCH_COMMANDS}
    if isinstance(target, ChatScreen):
        names = {command.name for command in COMMANDS}
    return parameters[0] in names


def every_missing(pilot: Pilot[None]) -> list[str]:
    screen = pilot.app.screen
    nodes = [screen, *screen.query("*")]
    return [fault for node in nodes for fault in missing(node, pilot.app)]


def named(pilot: Pilot[None], name: str) -> Callable[[], bool]:
    return lambda: type(pilot.app.screen).__name__ == name


def moved_from(pilot: Pilot[None], before: object) -> Callable[[], bool]:
    return lambda: pilot.app.focused is not before


async def test_every_key_of_the_chat_and_of_review_runs_something(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        assert every_missing(pilot) == []
        for key, name in (
            ("f3", "ReviewScreen"),
            ("f9", "StatsScreen"),
            ("f1", "HelpScreen"),
            ("f11", "WatchScreen"),
        ):
            await pilot.press(key)
            await until(pilot, named(pilot, name), name)
            assert every_missing(pilot) == []
            await pilot.press("escape", "escape")
            if pilot.app.screen is not chat_of(pilot):
                pilot.app.pop_screen()
            await until(pilot, lambda: pilot.app.screen is chat_of(pilot), "the chat")


async def test_f6_moves_through_the_panes_of_the_chat_and_of_review(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        for key in ("", "f3"):
            if key:
                await pilot.press(key)
                await until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen), "review")
            is_elsewhere = moved_from(pilot, pilot.app.focused)
            await pilot.press("f6")
            await until(pilot, is_elsewhere, "a pane")
            assert pilot.app.focused is not None


@pytest.mark.parametrize("action", ["run('no such command')", "vanish", "app.vanish"])
async def test_a_missing_action_is_found(
    server: LoopbackServer, tmp_path: Path, action: str
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        screen = chat_of(pilot)
        assert not exists(screen, action, pilot.app)
        assert exists(screen, "run('next pane')", pilot.app)


_MOVES = {
    *("up", "down", "left", "right", "home", "end", "pageup", "pagedown"),
    *("h", "j", "k", "l", "g", "G", "shift+g"),
}
"""Keys that move in every list and text; no footer has room for them."""
_LINKS = re.compile(r"(?:screen\.|@click\": \(\")(\w+)(?:\(|\",)")


def _our_classes() -> Iterator[type[DOMNode]]:
    """Every screen, dialog and widget."""
    for module in pkgutil.walk_packages(ui.__path__, f"{ui.__name__}."):
        for _, found in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if found.__module__ == module.name and issubclass(found, DOMNode):
                yield found


def _bindings_of(kind: type[DOMNode]) -> list[Binding]:
    """The bindings of a class and of its bases among our classes."""
    return [
        binding
        for base in kind.__mro__
        if base.__module__.startswith(ui.__name__)
        for binding in vars(base).get("BINDINGS", ())
        if isinstance(binding, Binding)
    ]


def _is_offered(binding: Binding) -> bool:
    """Whether the footer has a word for a binding, or the help a line."""
    return bool(binding.description and (binding.show or binding.group or binding.id))


@pytest.mark.parametrize("kind", list(_our_classes()), ids=lambda kind: kind.__name__)
def test_every_key_has_a_word_in_a_footer_or_a_line_in_the_help(kind: type[DOMNode]) -> None:
    bindings = _bindings_of(kind)
    offered = {binding.action for binding in bindings if _is_offered(binding)}
    hidden = [
        f"{binding.key} {binding.action}"
        for binding in bindings
        if binding.action not in offered
        and not set(binding.key.split(",")) <= _MOVES
        and not binding.action.startswith("run('narrow ")  # the facets show their digits
    ]
    assert not hidden


def test_every_action_of_ours_has_a_key_or_a_link() -> None:
    classes = list(_our_classes())
    sources = [file.read_text("utf-8") for file in Path(ui.__path__[0]).rglob("*.py")]
    bound = {parse(binding.action)[1] for kind in classes for binding in _bindings_of(kind)} | {
        name for source in sources for name in _LINKS.findall(source)
    }
    missing = [
        f"{kind.__name__}.{name}"
        for kind in classes
        for name in vars(kind)
        if name.startswith("action_")
        and name.removeprefix("action_") not in bound
        and not any(
            hasattr(base, name) for base in kind.__mro__ if base.__module__.startswith("textual")
        )
    ]
    assert not missing
