"""The entry point: parses the command line, runs it, and reports every error in one sentence.

Modules of a single command are imported by that command, because imports here delay the
first paint of the chat.
"""

import argparse
import errno
import gc
import io
import logging
import os
import re
import sys
from collections.abc import Sequence

from replyscope.cli.core_dumps import forbid_core_dumps
from replyscope.cli.guard import Guard, parts_of
from replyscope.cli.parser import (
    EXIT_FAULT,
    EXIT_INTERRUPTED,
    EXIT_LIMIT,
    EXIT_OK,
    EXIT_PROVIDER,
    EXIT_STORE,
    EXIT_USAGE,
    build_parser,
    parse_chat,
)
from replyscope.cli.printable_stream import PrintableStream
from replyscope.cli.report import warn
from replyscope.config.paths import Paths, find_paths
from replyscope.domain.errors import (
    OverLimit,
    ProviderError,
    ReplyscopeError,
    SettingsError,
    StoreError,
)
from replyscope.domain.look import Look
from replyscope.domain.unicode_text import REPLACE

_NO_ROOM = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))


def run() -> None:
    """The console script."""
    forbid_core_dumps()
    sys.exit(main())


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line. Returns the exit status."""
    with Guard() as guard:
        status = _run_guarded(argv, guard)
        fault = _flush("stdout", 1)
        if guard.faults:
            warn(guard.sentence())
            status = EXIT_FAULT
    if status == EXIT_OK and fault == errno.ENOSPC:
        warn("Standard output can't be written: there is no space left.")
        status = EXIT_USAGE
    elif status == EXIT_OK and fault == errno.EPIPE:
        status = EXIT_INTERRUPTED  # the reader closed the pipe (`| head`)
    _flush("stderr", 2)
    return status


def _flush(name: str, number: int) -> int | None:
    """Flush a standard stream. Returns the errno of a failure, else None.

    After a failure the stream is redirected to the null device: Python flushes it again at
    exit, and would end with a status of its own.
    """
    stream = getattr(sys, name)
    try:
        if stream is not None:
            stream.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
        return error.errno
    return None


def _run_guarded(argv: Sequence[str] | None, guard: Guard) -> int:
    """Run a command line. Returns the exit status, also after an unexpected exception."""
    _silence_logs()
    try:
        return _run(argv, guard)
    except Exception as error:  # noqa: BLE001 - nothing above would report it
        guard.hear(error)
        return EXIT_FAULT


def _silence_logs() -> None:
    """Keep log records off stderr, where Python prints warnings by default."""
    if not logging.root.handlers:
        logging.root.addHandler(logging.NullHandler())


def _run(argv: Sequence[str] | None, guard: Guard) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a pipe may have a legacy encoding
            stream.reconfigure(errors=REPLACE)
    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8", errors=REPLACE)
    _guard_terminals()
    arguments = _parse(argv)
    paths = find_paths(arguments.data_dir)
    if not getattr(arguments, "no_save", False):
        guard.logs = paths.logs
    try:
        if arguments.command == "completion":
            return _print_completion(arguments.shell)
        if arguments.command == "settings":
            return _print_schema()
        if arguments.debug:
            _log_to_a_file(paths)
        if arguments.command in (None, "chat", "review"):
            return _run_chat(arguments, paths, guard)
        if arguments.command == "watch" and _is_watched_live(arguments):
            return _run_live_watch(arguments, paths, guard)
        from replyscope.cli.command import run_command

        return run_command(arguments, paths, guard)
    except BaseException as error:  # noqa: BLE001 - an unexpected one is raised again
        return _explain(error)


def _explain(error: BaseException) -> int:
    """Print an expected error. Returns its exit status. Raises any other error again."""
    parts = list(parts_of(error))
    if any(isinstance(one, KeyboardInterrupt | BrokenPipeError) for one in parts):
        return EXIT_INTERRUPTED  # Ctrl+C, or the reader closed the pipe (`| head`)
    if isinstance(error, OSError) and error.errno in _NO_ROOM and error.filename is None:
        # An OSError without a file name is of a standard stream.
        warn(f"Standard output can't be written ({error.strerror}).")
        return EXIT_USAGE
    known = [one for one in parts if isinstance(one, ReplyscopeError)]
    if len(known) < len(parts):
        raise error
    for one in dict.fromkeys(map(str, known)):
        warn(one)
    return _status_of(known[0])


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    is_completing = "_ARGCOMPLETE" in os.environ
    arguments = None if is_completing else parse_chat(argv)
    if arguments is None:
        parser = build_parser()
        if is_completing:
            import argcomplete  # only while a shell completes

            argcomplete.autocomplete(parser)
        arguments = parser.parse_args(argv)
    if not all(_is_text(value) for value in vars(arguments).values()):
        build_parser().error("an argument is not text in this terminal's encoding")
    return arguments


def _guard_terminals() -> None:
    """Make control characters visible on terminals from now on."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper) and stream.isatty():
            setattr(sys, name, PrintableStream(stream))


def _is_text(value: object) -> bool:
    """Whether an argument is valid text: Python decodes invalid bytes as surrogates."""
    if isinstance(value, list | tuple):
        return all(map(_is_text, value))
    return not isinstance(value, str) or not re.search(r"[\ud800-\udfff]", value)


def _status_of(error: ReplyscopeError) -> int:
    if isinstance(error, StoreError):
        return EXIT_STORE
    if isinstance(error, OverLimit):
        return EXIT_LIMIT
    return EXIT_PROVIDER if isinstance(error, ProviderError) else EXIT_USAGE


def _print_completion(shell: str) -> int:
    from argcomplete.shell_integration import shellcode

    print(shellcode(["replyscope"], shell=shell), flush=True)
    return EXIT_OK


def _print_schema() -> int:
    import json

    from replyscope.cli.wiring import load_catalogue
    from replyscope.config.settings_schema import settings_schema

    print(json.dumps(settings_schema(load_catalogue()), indent=2, ensure_ascii=False), flush=True)
    return EXIT_OK


def _log_to_a_file(paths: Paths) -> None:
    from replyscope.cli.debug_log import start_debug_log

    try:
        warn(f"logging to {start_debug_log(paths.logs)}")
    except OSError as error:
        warn(f"The debug log can't be written: {error}")


def _run_chat(arguments: argparse.Namespace, paths: Paths, guard: Guard) -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        warn("The chat needs a terminal. Use `replyscope ask` in pipes and scripts.")
        return EXIT_USAGE
    from replyscope.config.look import read_look

    look = read_look(paths.settings)
    if _is_linear(arguments.linear, look):
        if getattr(arguments, "hub", False):
            raise SettingsError(
                "The linear chat reads the archive of this machine only.",
                "Use `replyscope sessions search --hub QUERY`.",
            )
        from replyscope.cli.linear import run_linear

        return run_linear(arguments, paths, guard, look)
    _prepare_textual()
    from replyscope.cli.app import run_app

    return run_app(arguments, paths, guard, look)


def _prepare_textual() -> None:
    """Set what has to be set before Textual is imported."""
    # Textual paints at most this often per second, and a key may wait for two ticks. A higher
    # rate does not paint more: Textual paints only after a change.
    os.environ.setdefault("TEXTUAL_FPS", "240")
    # Collecting garbage during the imports takes a tenth of the start, and finds nothing.
    gc.disable()


def _is_watched_live(arguments: argparse.Namespace) -> bool:
    """Whether the calls are shown on a screen: a started program has the terminal for itself."""
    takes_lines = arguments.quiet or arguments.json or arguments.program
    return not takes_lines and sys.stdin.isatty() and sys.stdout.isatty()


def _run_live_watch(arguments: argparse.Namespace, paths: Paths, guard: Guard) -> int:
    from replyscope.config.look import read_look

    look = read_look(paths.settings)
    if _is_linear(None, look):  # lines are what a screen reader can read
        from replyscope.cli.command import run_command

        return run_command(arguments, paths, guard)
    _prepare_textual()
    from replyscope.cli.live_watch import run_live_watch

    return run_live_watch(arguments, paths, guard, look)


def _is_linear(chosen: bool | None, look: Look) -> bool:
    """Whether to chat line by line: the option decides, then the terminal and the settings."""
    return chosen if chosen is not None else look.is_linear or os.environ.get("TERM") == "dumb"
