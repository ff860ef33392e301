"""Runs a command to its end in a process group of its own, which dies with it.

Whatever happens, a timeout, a cancel, too much output, no process is left behind.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended. `is_flooding` says that it was killed for its output."""

    status: int
    output: bytes
    errors: bytes
    is_flooding: bool = False


async def run_process(
    command: Sequence[str],
    *,
    given: bytes = b"",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    most_output: int = 8_000_000,
) -> Ended:
    """Run a command with `given` on its stdin. Never a shell. Raises OSError."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env=dict(environment) if environment is not None else None,
        start_new_session=True,
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        feeding = asyncio.create_task(_feed(process.stdin, given))
        (output, flood), (errors, _) = await asyncio.gather(
            _read(process.stdout, most_output, process),
            _read(process.stderr, most_output // 8, None),
        )
        await feeding
        return Ended(await process.wait(), output, errors, flood)
    finally:
        kill_group(process)
        with suppress(ProcessLookupError):
            await asyncio.shield(process.wait())


async def _feed(stdin: asyncio.StreamWriter, given: bytes) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):
        stdin.write(given)
        await stdin.drain()
    stdin.close()


async def _read(
    stream: asyncio.StreamReader, most: int, process: asyncio.subprocess.Process | None
) -> tuple[bytes, bool]:
    """Everything up to a limit. Past it the process is killed, or the rest is thrown away."""
    parts: list[bytes] = []
    size = 0
    while chunk := await stream.read(_CHUNK):
        size += len(chunk)
        if size <= most:
            parts.append(chunk)
        elif process is not None:
            kill_group(process)
    return b"".join(parts), size > most


def kill_group(process: asyncio.subprocess.Process) -> None:
    """Kill a process and everything it started. The group outlives its leader."""
    if sys.platform == "win32":
        with suppress(ProcessLookupError):
            process.kill()
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
