"""The tool servers that the settings name, each in reach when it is first needed."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from replyscope.domain.tool import McpServer, Tool, ToolOutcome, ToolSource
from replyscope.toolbox.connection import Connection
from replyscope.toolbox.files import KeptFiles
from replyscope.toolbox.loop_thread import LoopThread

_log = logging.getLogger(__name__)


class ToolServers:
    """`servers` are read anew, so that one that was just added is there."""

    def __init__(self, servers: Callable[[], Sequence[McpServer]], kept: KeptFiles) -> None:
        self._servers = servers
        self._kept = kept
        self._thread = LoopThread("tool-servers")
        self._open: dict[McpServer, Connection] = {}

    def sources(self) -> tuple[ToolSource, ...]:
        """Every server, and how it stands. Starts none."""
        return tuple(
            self._open[server].source
            if server in self._open
            else ToolSource(
                f"mcp:{server.name}", "disabled" if server.is_disabled else "not started"
            )
            for server in self._servers()
        )

    async def tools(self, names: Collection[str]) -> tuple[Tool, ...]:
        """The tools of the servers of these names, started side by side. One that can't
        be had is left out; its source says why.
        """
        wanted = [s for s in self._servers() if s.name in names and not s.is_disabled]
        if not wanted:
            return ()
        connections = [self._connection(server) for server in wanted]
        return await self._thread.run(_tools_of(connections))

    async def run(self, tool: Tool, arguments: Mapping[str, Any]) -> ToolOutcome:
        """Call a tool of a server."""
        name = tool.source.removeprefix("mcp:")
        server = next((server for server in self._servers() if server.name == name), None)
        if server is None:
            return ToolOutcome(f"Error: there is no server {name} any more.", is_error=True)
        return await self._thread.run(self._connection(server).call(tool.own_name, arguments))

    def _connection(self, server: McpServer) -> Connection:
        """The connection of a server; one whose entry was changed is another server."""
        if server not in self._open:
            self._open[server] = Connection(server, self._kept)
        return self._open[server]

    async def close(self) -> None:
        """End every server that was started."""
        if self._thread.has_started:
            connections = list(self._open.values())
            await self._thread.run(_close_all(connections))
        await self._thread.stop()


async def _tools_of(connections: Sequence[Connection]) -> tuple[Tool, ...]:
    lists = await asyncio.gather(*(one.tools() for one in connections), return_exceptions=True)
    tools: list[Tool] = []
    for connection, found in zip(connections, lists, strict=True):
        if isinstance(found, BaseException):
            connection.explain(found)
            _log.warning("the server %s has no tools: %s", connection.server.name, found)
        else:
            tools += found
    return tuple(tools)


async def _close_all(connections: Sequence[Connection]) -> None:
    await asyncio.gather(*(one.close() for one in connections), return_exceptions=True)
