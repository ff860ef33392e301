"""Runs a command with limits on its output and its time.

The command and all its descendants are killed after an exit, a timeout, a cancel or too much
output.
"""

import asyncio
import os
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from replyscope.toolbox.asyncio_internals import close_pipes
from replyscope.toolbox.process_tree import MARK, kill_tree

_CHUNK = 65_536
_POLL_S = 0.01
_DRAIN_S = 2.0
"""The time to read remaining output after the processes have ended."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The exit status and output of a command. `is_flooding`: killed for too much output."""

    status: int
    output: bytes
    errors: bytes
    is_flooding: bool = False


class _Output:
    """The first `most` bytes of a stream. The rest is read and discarded."""

    def __init__(self, most: int) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._most = most

    @property
    def is_over(self) -> bool:
        return self._size > self._most

    @property
    def data(self) -> bytes:
        return b"".join(self._parts)

    async def read(self, stream: asyncio.StreamReader) -> None:
        while chunk := await stream.read(_CHUNK):
            self._size += len(chunk)
            if not self.is_over:
                self._parts.append(chunk)


async def run_process(
    command: Sequence[str],
    *,
    given: bytes = b"",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    most_output: int = 8_000_000,
) -> Ended:
    """Run a command with `given` on its stdin. Never a shell. Raises OSError.

    Returns when the process exits. Descendants that hold the output open are killed.
    """
    mark = uuid.uuid4().hex
    given_environment = os.environ if environment is None else environment
    process = await _start(command, folder, {**given_environment, MARK: mark})
    output, errors = _Output(most_output), _Output(most_output // 8)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    tasks = [
        asyncio.create_task(_feed(process.stdin, given)),
        asyncio.create_task(output.read(process.stdout)),
        asyncio.create_task(errors.read(process.stderr)),
    ]
    try:
        while not output.is_over and not await has_ended(process, _POLL_S):
            continue
        await asyncio.shield(asyncio.to_thread(kill_tree, process.pid, mark))
        await asyncio.wait(tasks, timeout=_DRAIN_S)
        await has_ended(process, _DRAIN_S)
        status = -9 if process.returncode is None else process.returncode
        return Ended(status, output.data, errors.data, output.is_over)
    finally:
        if process.returncode is None:
            await asyncio.shield(_kill(process, mark))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        close_pipes(process)


async def _start(
    command: Sequence[str], folder: Path | None, environment: Mapping[str, str]
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env=environment,
        start_new_session=True,
    )


async def _kill(process: asyncio.subprocess.Process, mark: str) -> None:
    """Kill the process tree, and wait until the event loop has the exit status.

    A loop that is closed earlier leaves a zombie and a warning.
    """
    await asyncio.to_thread(kill_tree, process.pid, mark)
    await has_ended(process, _DRAIN_S)


async def has_ended(process: asyncio.subprocess.Process, most_s: float) -> bool:
    """Whether the process ends within `most_s` seconds. Unlike `process.wait`, it does not
    wait for descendants that hold the pipes.
    """

    async def poll() -> None:
        while process.returncode is None:  # noqa: ASYNC110 - asyncio has no event for it
            await asyncio.sleep(_POLL_S)

    with suppress(TimeoutError):
        await asyncio.wait_for(poll(), most_s)
    return process.returncode is not None


async def _feed(stdin: asyncio.StreamWriter, given: bytes) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):
        stdin.write(given)
        await stdin.drain()
    stdin.close()
