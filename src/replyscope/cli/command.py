"""Runs one command of the command line, and closes its services."""

import argparse
import asyncio
import importlib
import signal

from replyscope.cli.ask import ask
from replyscope.cli.guard import Guard
from replyscope.cli.message import read_message
from replyscope.cli.parser import EXIT_INTERRUPTED
from replyscope.cli.wiring import Wiring, translate_frames, wire
from replyscope.config.paths import Paths
from replyscope.config.settings import read_settings
from replyscope.domain.errors import StoreError, StoreFull, StoreReadOnly
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
        return await _dispatch(arguments, settings, wiring, parts)
    except asyncio.CancelledError:
        return EXIT_INTERRUPTED
    finally:
        await wiring.close()


async def _open_to_read(wiring: Wiring) -> None:
    """Open the store. A read-only file or a full disk is an error only if reading fails too.

    Raises StoreError.
    """
    try:
        await wiring.store.open()
        await recover(wiring.store, translate_frames)
    except (StoreReadOnly, StoreFull) as error:
        try:
            await wiring.store.list_sessions(limit=1)
        except StoreError:
            raise error from None


async def _dispatch(
    arguments: argparse.Namespace, settings: Settings, wiring: Wiring, parts: tuple[Part, ...]
) -> int:
    match arguments.command:
        case "ask":
            await wiring.store.open()
            await recover(wiring.store, translate_frames)
            return await ask(arguments, settings, wiring, parts)
        case "sessions":
            from replyscope.cli.sessions import run_sessions  # only for this command

            await _open_to_read(wiring)
            return await run_sessions(arguments, wiring)
        case "mock":
            from replyscope.cli.mock import run_mock  # only for this command

            await wiring.store.open()
            return await run_mock(arguments, wiring)
        case "watch":
            from replyscope.cli.watch import run_watch  # only for this command

            await wiring.store.open()
            await recover(wiring.store, translate_frames)
            return await run_watch(arguments, settings, wiring)
        case "stats":
            from replyscope.cli.stats import run_stats  # only for this command

            await wiring.store.open()
            return await run_stats(arguments, wiring)
        case "responses":
            from replyscope.cli.responses import run_responses  # only for this command

            await wiring.store.open()
            return await run_responses(arguments, settings, wiring)
        case "local" | "prices" | "prompts" as name:
            module = importlib.import_module(f"replyscope.cli.{name}")  # only for this command
            status: int = await getattr(module, f"run_{name}")(arguments, wiring)
            return status
        case _:
            from replyscope.cli.doctor import run_doctor  # only for this command

            return await run_doctor(arguments, settings, wiring)
