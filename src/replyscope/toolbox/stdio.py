"""The stdio transport of a tool server: a child process, with one JSON-RPC message per line.

It replaces the SDK's transport, which takes a minute for a line of 50 MB, has no limit, and
prints lines that are not messages. Here these lines go to the server's log. All descendants
of the server are killed with it.
"""

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage

from replyscope.toolbox.asyncio_internals import close_pipes
from replyscope.toolbox.envelope import NotAMessage, read_messages
from replyscope.toolbox.process import has_ended
from replyscope.toolbox.process_tree import MARK, kill_tree
from replyscope.toolbox.server_log import ServerLog

_CHUNK = 1_048_576
_MOST_LINE = 56_000_000
_ORPHANED_S = 1.0
"""The time to read remaining output if other processes hold the pipe open."""


@dataclass(frozen=True, slots=True)
class ServerCommand:
    """The command of a server. `environment` is complete, nothing is inherited."""

    program: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: str


class StdioTransport:
    """A tool server's process and its streams. Implements the SDK's Transport.

    `fault` is the reason of its end; empty while it runs. `grace_s` is the time to exit
    after its stdin is closed.
    """

    def __init__(self, command: ServerCommand, log: ServerLog) -> None:
        self.fault = ""
        self.grace_s = 2.0
        self._command = command
        self._log = log
        self._mark = uuid.uuid4().hex
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._streams: list[Any] = []

    async def __aenter__(self) -> tuple[Any, Any]:
        self._process = process = await asyncio.create_subprocess_exec(
            self._command.program,
            *self._command.arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._log.stream,
            cwd=self._command.folder,
            env={**self._command.environment, MARK: self._mark},
            start_new_session=True,
            limit=_CHUNK,
        )
        incoming, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        write, outgoing = anyio.create_memory_object_stream[SessionMessage](0)
        self._streams = [incoming, read, write, outgoing]
        self._tasks = [
            asyncio.create_task(self._read(process, incoming)),
            asyncio.create_task(self._write(process, outgoing, incoming)),
        ]
        return read, write

    async def _read(
        self,
        process: asyncio.subprocess.Process,
        incoming: MemoryObjectSendStream[SessionMessage | Exception],
    ) -> None:
        assert process.stdout is not None
        lines = _lines(process.stdout)
        orphaned = asyncio.create_task(_orphaned(process))
        async with incoming:
            reading = asyncio.create_task(self._forward(lines, incoming))
            try:
                await asyncio.wait({reading, orphaned}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                reading.cancel()
                orphaned.cancel()
                await asyncio.gather(reading, orphaned, return_exceptions=True)
            self.fault = self.fault or await _how_it_ended(process)
            self._log.note(f"[replyscope] {self.fault}")

    async def _forward(
        self,
        lines: AsyncIterator[bytes],
        incoming: MemoryObjectSendStream[SessionMessage | Exception],
    ) -> None:
        try:
            async for line in lines:
                try:
                    for message in read_messages(line):
                        await incoming.send(SessionMessage(message))
                except NotAMessage:
                    self._log.note_output(line)
        except _TooLong:
            self.fault = f"it sent a message of more than {_MOST_LINE // 1_000_000} MB"
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            self.fault = "the connection was closed"

    async def _write(
        self,
        process: asyncio.subprocess.Process,
        outgoing: MemoryObjectReceiveStream[SessionMessage],
        incoming: MemoryObjectSendStream[SessionMessage | Exception],
    ) -> None:
        assert process.stdin is not None
        try:
            async with outgoing:
                async for item in outgoing:
                    text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
                    process.stdin.write(text.encode() + b"\n")
                    await process.stdin.drain()
        except OSError:
            self.fault = self.fault or await _how_it_ended(process, "input")
            await incoming.aclose()  # it reads no more input, so pending requests fail
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            return  # the session has ended

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        process = self._process
        assert process is not None
        try:
            with suppress(OSError, RuntimeError):
                if process.stdin is not None:
                    process.stdin.close()
            with anyio.CancelScope(shield=True):
                await self._end(process)
        finally:
            for task in self._tasks:
                task.cancel()
            for stream in self._streams:
                stream.close()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            close_pipes(process)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """Wait for the exit, terminate, then kill the process and its descendants."""
        if not await has_ended(process, self.grace_s) and self.grace_s:
            with suppress(ProcessLookupError, PermissionError):
                if hasattr(os, "killpg"):
                    os.killpg(process.pid, signal.SIGTERM)
            await has_ended(process, self.grace_s / 2)
        await asyncio.shield(asyncio.to_thread(kill_tree, process.pid, self._mark))
        await has_ended(process, 2)


class _TooLong(Exception):
    """A line exceeds the limit."""


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The non-blank lines, without line breaks."""
    line = bytearray()
    while chunk := await stream.read(_CHUNK):
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            line += end
            if line.strip():
                yield bytes(line)
            line.clear()
        line += rest
        if len(line) > _MOST_LINE:
            raise _TooLong
    if line.strip():
        yield bytes(line)


async def _orphaned(process: asyncio.subprocess.Process) -> None:
    """Return some time after the process has exited."""
    while not await has_ended(process, 60):
        continue
    await asyncio.sleep(_ORPHANED_S)


async def _how_it_ended(process: asyncio.subprocess.Process, closed: str = "output") -> str:
    await has_ended(process, 0.5)
    if process.returncode is None:
        return f"it closed its {closed}"
    if process.returncode < 0:
        return f"it was ended by signal {-process.returncode}"
    return f"it ended with status {process.returncode}"
