"""The program's entry: parses, wires, runs, and turns every error into one sentence."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence

from replyscope.cli.ask import ask, read_prompt, warn
from replyscope.cli.debug_log import start_debug_log
from replyscope.cli.parser import (
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_PROVIDER,
    EXIT_STORE,
    EXIT_USAGE,
    build_parser,
)
from replyscope.cli.wiring import Wiring, translate_frames, wire
from replyscope.config.paths import Paths, find_paths
from replyscope.config.settings import read_settings
from replyscope.domain.errors import (
    ProviderError,
    ReplyscopeError,
    StoreError,
)
from replyscope.domain.settings import Settings
from replyscope.engine.recovery import recover


def run() -> None:
    """The console script."""
    sys.exit(main())


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; the exit status."""
    parser = build_parser()
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete  # only for the shell that asks for completions

        argcomplete.autocomplete(parser)
    arguments = parser.parse_args(argv)
    if arguments.command == "completion":
        return _print_completion(arguments.shell)
    paths = find_paths(arguments.data_dir)
    if arguments.debug:
        warn(f"logging to {start_debug_log(paths.logs)}")
    try:
        if arguments.command is None:
            return _run_app(arguments, paths)
        return asyncio.run(_run_command(arguments, paths))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except ReplyscopeError as error:
        warn(str(error))
        return _status_of(error)


def _status_of(error: ReplyscopeError) -> int:
    if isinstance(error, StoreError):
        return EXIT_STORE
    return EXIT_PROVIDER if isinstance(error, ProviderError) else EXIT_USAGE


def _print_completion(shell: str) -> int:
    from argcomplete.shell_integration import shellcode  # rarely asked for

    print(shellcode(["replyscope"], shell=shell))
    return EXIT_OK


def _run_app(arguments: argparse.Namespace, paths: Paths) -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        warn("The chat needs a terminal. Use `replyscope ask` in pipes and scripts.")
        return EXIT_USAGE
    from replyscope.cli.app import run_app  # Textual is loaded for the app alone

    return run_app(arguments, paths)


async def _run_command(arguments: argparse.Namespace, paths: Paths) -> int:
    """Run one command and close what it opened, also when it is interrupted."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", None)):
        if number is not None:
            try:
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)
            except NotImplementedError:
                break  # Windows ends the process itself
    prompt = read_prompt(arguments.prompt) if arguments.command == "ask" else ""
    settings = read_settings(paths.settings)
    wiring = wire(paths, saves=not getattr(arguments, "no_save", False))
    try:
        return await _dispatch(arguments, settings, wiring, prompt)
    except asyncio.CancelledError:
        return EXIT_INTERRUPTED
    finally:
        await wiring.close()


async def _dispatch(
    arguments: argparse.Namespace, settings: Settings, wiring: Wiring, prompt: str
) -> int:
    match arguments.command:
        case "ask":
            await wiring.store.open()
            await recover(wiring.store, translate_frames)
            return await ask(arguments, settings, wiring, prompt)
        case "sessions":
            from replyscope.cli.sessions import run_sessions  # one command's own

            await wiring.store.open()
            return await run_sessions(arguments, wiring)
        case "local":
            from replyscope.cli.local import run_local  # one command's own

            return await run_local(arguments, wiring)
        case _:
            from replyscope.cli.doctor import run_doctor  # one command's own

            return await run_doctor(arguments, settings, wiring)
