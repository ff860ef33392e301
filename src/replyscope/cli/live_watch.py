"""`replyscope watch` on the live screen, and the watch that `/watch` starts inside a chat."""

import argparse
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from replyscope.cli.guard import Guard
from replyscope.cli.parser import parse_chat
from replyscope.cli.relay import check_token, open_relay
from replyscope.cli.upstreams import find_upstreams, upstreams_of
from replyscope.cli.watch import failed_status, read_fail
from replyscope.cli.watch_output import variable_lines
from replyscope.cli.wiring import Wiring
from replyscope.config.paths import Paths
from replyscope.domain.endpoint import Endpoint
from replyscope.domain.look import Look
from replyscope.domain.settings import Settings
from replyscope.engine.watching.switch import (
    RunningWatch,
    WatchAddress,
    Watching,
    WatchOrder,
)


@dataclass(frozen=True, slots=True)
class LiveWatch:
    """A relay that listens. Implements RunningWatch."""

    address: WatchAddress
    endpoints: tuple[Endpoint, ...]
    close: Callable[[], Coroutine[Any, Any, None]]
    """Ends the calls that run, and saves them."""


async def start_watch(
    arguments: argparse.Namespace, settings: Settings, wiring: Wiring, order: WatchOrder
) -> RunningWatch:
    """Start the watch of a chat. `arguments` are the options of `replyscope watch`. With the
    options of a chat it listens on loopback, at any free port. Raises ReplyscopeError.
    """
    chosen = _with_defaults(arguments, order.to)
    if order.endpoint is not None:
        found = await upstreams_of([order.endpoint], wiring, uses_key=chosen.key)
    else:
        found = await find_upstreams(chosen, settings, wiring, may_install=False)
    opened = await open_relay(chosen, found, wiring, order.events, order.report, person=order.held)
    try:
        root = await opened.start(chosen)
    except BaseException:
        await opened.close()
        raise
    first = opened.upstreams[0]
    is_named = first.name not in first.shown_url  # else the name is the host
    upstream = f"{first.name} ({first.shown_url})" if is_named else first.shown_url
    lines = tuple(variable_lines(root, opened.upstreams))
    address = WatchAddress(f"{root}/v1", upstream, lines)
    return LiveWatch(address, tuple(endpoint for _, endpoint in found), opened.close)


_DEFAULTS = {
    "to": None, "key": False, "port": 0, "listen": None, "token": None, "program": (),
    "fault": (), "seed": None, "hold": None, "answer": None,
}  # fmt: skip


def _with_defaults(arguments: argparse.Namespace, to: str) -> argparse.Namespace:
    """The options of a watch. `to` replaces the upstreams of the command line, unless empty."""
    chosen = argparse.Namespace(**{**_DEFAULTS, **vars(arguments)})
    if to:
        chosen.to, chosen.local, chosen.gguf = [to], False, None
    return chosen


def run_live_watch(arguments: argparse.Namespace, paths: Paths, guard: Guard, look: Look) -> int:
    """Show the calls until the person leaves. Returns the exit status. Raises SettingsError."""
    from replyscope.cli.app import run_app  # it loads Textual

    check_token(arguments)
    fail = read_fail(arguments)
    started: list[Watching] = []

    def begin(watching: Watching) -> None:
        watching.fail = fail
        started.append(watching)

    whole = chat_arguments(arguments)
    whole.begin_watch = begin
    status = run_app(whole, paths, guard, look)
    matched = sum(one.matched for one in started)
    return failed_status(arguments, matched, status)


def chat_arguments(arguments: argparse.Namespace) -> argparse.Namespace:
    """The arguments of `replyscope watch`, with defaults for the other arguments of a chat."""
    chat = parse_chat(_NO_ARGUMENTS)
    assert chat is not None
    return argparse.Namespace(**{**vars(chat), **vars(arguments)})


_NO_ARGUMENTS: Sequence[str] = ()
