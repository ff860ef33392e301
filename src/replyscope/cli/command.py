"""Runs one command of the command line, and closes its services."""

import argparse
import asyncio
import importlib
import signal
from collections.abc import Awaitable, Callable

from replyscope.cli.ask import ask
from replyscope.cli.guard import Guard
from replyscope.cli.indexing import indexed
from replyscope.cli.message import read_message
from replyscope.cli.opening import open_for_hub, open_to_read
from replyscope.cli.parser import EXIT_INTERRUPTED
from replyscope.cli.wiring import Wiring, translate_frames, wire
from replyscope.config.paths import Paths
from replyscope.config.settings import read_settings
from replyscope.domain.message import Part
from replyscope.domain.settings import Settings
from replyscope.engine.recovery import recover


def run_command(arguments: argparse.Namespace, paths: Paths, guard: Guard) -> int:
    """Run a command. Returns the exit status. Raises ReplyscopeError."""
    try:
        return asyncio.run(_run(arguments, paths, guard))
    except asyncio.CancelledError:  # by a signal during the clean-up
        return EXIT_INTERRUPTED


async def _run(arguments: argparse.Namespace, paths: Paths, guard: Guard) -> int:
    asyncio.get_running_loop().set_exception_handler(guard.hear_loop)
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", None)):
        if number is not None:
            try:
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)
            except NotImplementedError:
                break  # Windows ends the process itself
    parts: tuple[Part, ...] = ()
    if arguments.command == "ask":
        parts = await read_message(
            arguments.prompt, arguments.attach or (), may_be_empty=bool(arguments.templates)
        )
    settings = read_settings(paths.settings)
    wiring = wire(
        paths,
        saves=not getattr(arguments, "no_save", False),
        tool_files=getattr(arguments, "tools_file", None) or (),
    )
    try:
        async with indexed(wiring):
            return await _dispatch(arguments, settings, wiring, parts)
    except asyncio.CancelledError:
        return EXIT_INTERRUPTED
    finally:
        await wiring.close()


async def _dispatch(
    arguments: argparse.Namespace, settings: Settings, wiring: Wiring, parts: tuple[Part, ...]
) -> int:
    command = arguments.command
    if command in ("ask", "watch"):
        await wiring.store.open()
        await recover(wiring.store, translate_frames)
    elif command == "hub":
        await open_for_hub(arguments, wiring)
    elif command == "responses":
        await wiring.store.open()
    elif command in ("sessions", "stats", "mcp", "mock"):
        await open_to_read(wiring)
    match command:
        case "ask":
            return await ask(arguments, settings, wiring, parts)
        case "sessions" | "stats":
            return await _run_on(arguments, wiring)
        case "responses" | "watch" | "mcp":
            return await _runner(command)(arguments, settings, wiring)
        case "mock" | "local" | "prices" | "prompts" | "hub" | "backup" | "restore" | "verify":
            return await _runner(command)(arguments, wiring)
        case _:
            return await _runner("doctor")(arguments, settings, wiring)


async def _run_on(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Run a command on the archive, or with --hub on the hub."""
    run = _runner(arguments.command)
    if not getattr(arguments, "hub", False):
        return await run(arguments, wiring)
    opening = importlib.import_module("replyscope.cli.hub_opening")
    hub, _ = await opening.load_postgres("replyscope.cli.hub_postgres").read_hub(wiring)
    try:
        return await run(arguments, hub)
    finally:
        await hub.store.close()


def _runner(command: str) -> Callable[..., Awaitable[int]]:
    """The function that runs a command. Its module is imported only for this command."""
    module = importlib.import_module(f"replyscope.cli.{command}")
    run: Callable[..., Awaitable[int]] = getattr(module, f"run_{command}")
    return run
