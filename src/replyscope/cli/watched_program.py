"""Runs the program of `replyscope watch -- COMMAND`, with the addresses in its environment."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

from replyscope.domain.errors import SettingsError

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
_KILLED = 128
_NO_KEY = "replyscope"
_HERE = ("127.0.0.1", "localhost")


def program_environment(
    environment: Mapping[str, str], root: str, anthropic: str | None, *, needs_no_key: bool
) -> dict[str, str]:
    """The variables for a program: `root` is the URL of the first upstream without /v1, and
    `anthropic` the URL of an Anthropic upstream. NO_PROXY excludes this machine from proxies.
    """
    made = dict(environment)
    made |= {"OPENAI_BASE_URL": f"{root}/v1", "OPENAI_API_BASE": f"{root}/v1"}
    if anthropic is not None:
        made["ANTHROPIC_BASE_URL"] = anthropic
    if needs_no_key:
        made.setdefault("OPENAI_API_KEY", _NO_KEY)
        if anthropic is not None:
            made.setdefault("ANTHROPIC_API_KEY", _NO_KEY)
    for name in ("NO_PROXY", "no_proxy"):
        kept = [one for one in made.get(name, "").split(",") if one.strip()]
        made[name] = ",".join([*kept, *(one for one in _HERE if one not in kept)])
    return made


async def run_program(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a program until it ends. Signals are passed on. Returns its exit status, as a shell
    does. Raises SettingsError if it can't be started.
    """
    try:
        process = await asyncio.create_subprocess_exec(*command, env=dict(environment))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SettingsError(
            f"The program {command[0]} can't be started ({why}).",
            "Give the command after --, such as `replyscope watch -- python agent.py`.",
        ) from error
    undo = _pass_signals_on(process)
    try:
        status = await process.wait()
    finally:
        undo()
        if process.returncode is None:
            process.terminate()
            await process.wait()
    return status if status >= 0 else _KILLED - status


def _pass_signals_on(process: asyncio.subprocess.Process) -> Callable[[], None]:
    """Pass signals to the program instead of handling them. Returns what undoes it.

    A terminal sends Ctrl+C to both; then it is ignored here, and the program decides.
    """
    loop = asyncio.get_running_loop()
    is_terminal = sys.stdin is not None and sys.stdin.isatty() and _is_in_foreground()
    passed: list[int] = []
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number is None:
            continue
        is_sent_to_both = is_terminal and name in ("SIGINT", "SIGQUIT")
        try:
            loop.add_signal_handler(number, _sender(process, None if is_sent_to_both else number))
        except (NotImplementedError, RuntimeError):
            break  # Windows ends both itself
        passed.append(number)

    def undo() -> None:
        for number in passed:
            loop.remove_signal_handler(number)

    return undo


def _sender(process: asyncio.subprocess.Process, number: int | None) -> Callable[[], None]:
    def send() -> None:
        if number is not None and process.returncode is None:
            process.send_signal(number)

    return send


def _is_in_foreground() -> bool:
    """Whether the terminal sends its signals to this process and its children."""
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError, AttributeError):
        return False
