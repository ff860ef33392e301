"""The tool servers of the settings. Each starts on first use."""

import asyncio
import logging
import webbrowser
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from mcp import MCPError

from replyscope.domain.errors import AttachmentError
from replyscope.domain.message import FilePart, ImagePart
from replyscope.domain.tool import McpServer, Offer, Tool, ToolOutcome, ToolSource
from replyscope.toolbox.connection import ServerConnection
from replyscope.toolbox.files import KeptFiles
from replyscope.toolbox.loop_thread import LoopThread
from replyscope.toolbox.server_folders import ServerFolders
from replyscope.toolbox.sign_in import OpenPage

T = TypeVar("T")
_log = logging.getLogger(__name__)


class ToolServers:
    """The connections to the tool servers, in an event loop of their own.

    `servers` and `limit_s`, the time limit of a start, are callables: settings can change.
    `folders` contains the working folders of servers without a `cwd`; None for temporary ones.
    """

    def __init__(
        self,
        servers: Callable[[], Sequence[McpServer]],
        open_page: OpenPage = webbrowser.open,
        limit_s: Callable[[], float] = lambda: 60.0,
        folders: Path | None = None,
    ) -> None:
        self._servers = servers
        self._open_page = open_page
        self._limit_s = limit_s
        self._folders = ServerFolders(folders)
        self._thread = LoopThread("tool-servers")
        self._open: dict[McpServer, ServerConnection] = {}

    def sources(self) -> tuple[ToolSource, ...]:
        """The state of every server, without starting any."""
        return tuple(
            self._open[server].source
            if server in self._open
            else ToolSource(
                f"mcp:{server.name}", "disabled" if server.is_disabled else "not started"
            )
            for server in self._servers()
        )

    async def tools(self, names: Collection[str]) -> tuple[Tool, ...]:
        """The tools of the named servers, which start concurrently.

        A server that fails has no tools; its source has the error.
        """
        connections = self._named(names)
        if not connections:
            return ()
        return await self._thread.run(_tools_of(connections))

    async def run(self, tool: Tool, arguments: Mapping[str, Any], kept: KeptFiles) -> ToolOutcome:
        """Call a tool of a server."""
        name = tool.source.removeprefix("mcp:")
        server = next((server for server in self._servers() if server.name == name), None)
        if server is None:
            return ToolOutcome(f"Error: the server {name} does not exist.", is_error=True)
        call = self._connection(server).call(tool.own_name, arguments, kept)
        return await self._thread.run(call)

    async def resources(self, names: Collection[str]) -> tuple[Offer, ...]:
        """The resources of the named servers."""
        return await self._gather([one.resources() for one in self._named(names)])

    async def prompts(self, names: Collection[str]) -> tuple[Offer, ...]:
        """The prompts of the named servers."""
        return await self._gather([one.prompts() for one in self._named(names)])

    async def read_resource(self, resource: Offer) -> FilePart | ImagePart:
        """A resource as an attachment. Raises AttachmentError."""
        return await self._asked(
            resource, lambda connection: connection.read_resource(resource.key)
        )

    async def fill_prompt(self, prompt: Offer, arguments: Mapping[str, str]) -> str:
        """The text of a prompt. Raises AttachmentError."""
        return await self._asked(
            prompt, lambda connection: connection.fill_prompt(prompt.key, arguments)
        )

    async def _asked(
        self, offer: Offer, ask: Callable[[ServerConnection], Coroutine[Any, Any, T]]
    ) -> T:
        try:
            return await self._thread.run(ask(self._named([offer.server])[0]))
        except (MCPError, OSError, ValueError, TimeoutError, IndexError) as error:
            raise AttachmentError(
                f"Could not get {offer.title} from {offer.server}: {error}.",
                "See its log (F10, l).",
            ) from error

    async def _gather(
        self, asked: Sequence[Coroutine[Any, Any, tuple[Offer, ...]]]
    ) -> tuple[Offer, ...]:
        return await self._thread.run(_all_of(asked)) if asked else ()

    def _named(self, names: Collection[str]) -> list[ServerConnection]:
        known = [s for s in self._servers() if s.name in names and not s.is_disabled]
        return [self._connection(server) for server in known]

    def _connection(self, server: McpServer) -> ServerConnection:
        """The connection to a server. A changed entry is a different server."""
        if server not in self._open:
            self._open[server] = ServerConnection(
                server, self._open_page, self._limit_s, self._folders.folder_of
            )
        return self._open[server]

    async def close(self) -> None:
        """Stop all servers."""
        if self._thread.has_started:
            connections = list(self._open.values())
            await self._thread.run(_close_all(connections))
        await self._thread.stop()
        self._folders.close()


async def _tools_of(connections: Sequence[ServerConnection]) -> tuple[Tool, ...]:
    lists = await asyncio.gather(*(one.tools() for one in connections), return_exceptions=True)
    tools: list[Tool] = []
    for connection, found in zip(connections, lists, strict=True):
        if isinstance(found, BaseException):
            connection.explain(found)
            _log.info("the server %s has no tools: %s", connection.server.name, connection.fault)
        else:
            tools += found
    return tuple(tools)


async def _all_of(asked: Sequence[Coroutine[Any, Any, tuple[Offer, ...]]]) -> tuple[Offer, ...]:
    """The results of all servers that did not fail."""
    lists = await asyncio.gather(*asked, return_exceptions=True)
    return tuple(one for found in lists if not isinstance(found, BaseException) for one in found)


async def _close_all(connections: Sequence[ServerConnection]) -> None:
    await asyncio.gather(*(one.close() for one in connections), return_exceptions=True)
