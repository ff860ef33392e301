"""The connection to a tool server, which starts on first use and restarts after a crash.

All of it runs in the event loop of the tool servers.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from mcp import Client, MCPError, types

from replyscope import __version__
from replyscope.domain.address import without_login
from replyscope.domain.message import FilePart, ImagePart
from replyscope.domain.plural import plural
from replyscope.domain.tool import McpServer, Offer, Tool, ToolOutcome, ToolSource
from replyscope.toolbox.files import KeptFiles
from replyscope.toolbox.listing import ListedTool
from replyscope.toolbox.offers import read_attachment, read_prompt, read_prompts, read_resources
from replyscope.toolbox.pages import list_tools
from replyscope.toolbox.raw_results import raw_result, with_raw_results
from replyscope.toolbox.results import read_result
from replyscope.toolbox.server_faults import fault_of, masked, unwrapped
from replyscope.toolbox.server_log import ServerLog
from replyscope.toolbox.sign_in import OpenPage
from replyscope.toolbox.stdio import StdioTransport
from replyscope.toolbox.transports import http_transport, secrets_of, stdio_transport

_LIST_S = 30.0
_MOST_OFFERS = 1_000
_REST_S = 5.0
"""The delay before a server that failed to start is started again."""

for _name in ("mcp", "client", "mcp_types"):
    # The SDK logs server errors with tracebacks, which would be printed without a handler.
    # The server's own log has them as sentences.
    logging.getLogger(_name).addHandler(logging.NullHandler())


class ServerConnection:
    """A connection to a tool server. `state`, `fault` and `notes` are texts for display.

    `limit_s` is the time limit of the start; `folder_of` returns the working folder of a
    server without a `cwd`.
    """

    def __init__(
        self,
        server: McpServer,
        open_page: OpenPage,
        limit_s: Callable[[], float],
        folder_of: Callable[[str], Path],
    ) -> None:
        self.server = server
        self.state = "not started"
        self.fault = ""
        self.notes: tuple[str, ...] = ()
        self._open_page = open_page
        self._limit_s = limit_s
        self._folder_of = folder_of
        self._log = ServerLog()
        self._transport: StdioTransport | None = None
        self._client: Client | None = None
        self._serving: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()
        self._starting = asyncio.Lock()
        self._tools: tuple[Tool, ...] | None = None
        self._failed_at = -_REST_S

    @property
    def source(self) -> ToolSource:
        """The state of the server, with its fault, log and notes."""
        name = f"mcp:{self.server.name}"
        return ToolSource(name, self.state, self.fault, self._log.text, self.notes)

    async def client(self) -> Client:
        """The client; starts the server if necessary. Raises ConnectionError with a sentence."""
        async with self._starting:
            if self._transport is not None and self._transport.fault:
                self._look_after()
            if self._client is not None and self._serving is not None and not self._serving.done():
                return self._client
            if time.monotonic() - self._failed_at < _REST_S:
                raise ConnectionError(self.fault)
            self._client, self._tools, self.fault, self.notes = None, None, "", ()
            self.state = "starting"
            self._ending = asyncio.Event()
            self._client = await self._start()
            return self._client

    async def _start(self) -> Client:
        ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        serving = self._serving = asyncio.create_task(self._serve(ready, self._ending))
        try:
            async with asyncio.timeout(self._limit_s()):
                return await ready
        except BaseException as error:
            if self._transport is not None:
                self._transport.grace_s = 0.0
            serving.cancel()
            if isinstance(error, asyncio.CancelledError):
                self.state = "not started"
                raise
            self._failed_at = time.monotonic()
            self.state, self.fault = "failed", self._sentence(error, is_start=True)
            raise ConnectionError(self.fault) from error

    async def _serve(self, ready: "asyncio.Future[Client]", ending: asyncio.Event) -> None:
        """Keep the connection open until it ends, in one task, as its cancel scopes require."""
        # Some servers exit on an unknown request, which "auto" sends first.
        modes = ("auto",) if self.server.command is None else ("auto", "legacy")
        try:
            for mode in modes:
                try:
                    await self._hold(mode, ready, ending)
                except (MCPError, BaseExceptionGroup):
                    has_ended = self._transport is not None and self._transport.fault
                    if ready.done() or mode == modes[-1] or not has_ended:
                        raise
                else:
                    break
        except BaseException as error:
            self._log.note(f"[replyscope] {self._sentence(error)}")
            if isinstance(error, asyncio.CancelledError):
                raise
            if not ready.done():
                ready.set_exception(error)
        finally:
            if self._ending is ending:  # otherwise a newer connection is open
                self._client = None

    async def _hold(
        self, mode: str, ready: "asyncio.Future[Client]", ending: asyncio.Event
    ) -> None:
        async with AsyncExitStack() as stack:
            if self.server.command is None:
                transport = await http_transport(self.server, self._open_page, stack)
            else:
                transport = self._transport = stdio_transport(
                    self.server, self._log, self._folder_of
                )
            client = Client(
                with_raw_results(transport, self._hear),
                client_info=types.Implementation(name="replyscope", version=__version__),
                message_handler=self._hear_fault,
                mode=mode,
            )
            await stack.enter_async_context(client)
            info = client.server_info
            about = " ".join(filter(None, (info.name, info.version))) if info is not None else ""
            self.state = about or "runs"
            if not ready.done():
                ready.set_result(client)
            await ending.wait()

    def _hear(self, method: str, params: Mapping[str, Any]) -> None:
        if method == "notifications/tools/list_changed":
            self._tools = None
        elif method == "notifications/message":
            self._log.note(f"[{params.get('level')}] {params.get('data')}")

    async def _hear_fault(self, message: Any) -> None:
        if isinstance(message, Exception):
            self._log.note(f"[replyscope] not a message: {str(message)[:200]}")

    def _sentence(self, error: BaseException, *, is_start: bool = False) -> str:
        """Describe an error of the server, with the last line of its log, without secrets."""
        error = unwrapped(error)
        fault = self._transport.fault if self._transport is not None else ""
        is_closed = isinstance(error, MCPError) and error.code == types.CONNECTION_CLOSED
        if not (fault and is_closed):
            fault = fault_of(error, self._limit_s(), self.server.folder)
        if is_start and self._transport is not None and (words := self._log.last_words):
            fault = f"{fault}; it last wrote: {words}"
        if is_start and self.server.command is not None and self.server.folder is None:
            folder = self._folder_of(self.server.name)
            fault = f'{fault}; it ran in {folder} ("cwd" in its entry names another folder)'
        return masked(fault, secrets_of(self.server))

    def explain(self, error: BaseException) -> None:
        """Record the error for which the server has no tools."""
        self.state, self.fault = "failed", self.fault or self._sentence(error)

    async def tools(self) -> tuple[Tool, ...]:
        """The tools, with the server's names. Raises ConnectionError, MCPError, TimeoutError."""
        client = await self.client()
        if self._tools is None:
            found = await list_tools(client, min(_LIST_S, self._limit_s()))
            self._tools = tuple(self._tool(tool) for tool in found.tools)
            self.fault = ""
            self.notes = tuple(masked(note, secrets_of(self.server)) for note in found.notes)
            about = self.state.split(" · ")[0]
            self.state = f"{about} · {plural(len(self._tools), 'tool')}"
        return self._tools

    def _tool(self, tool: ListedTool) -> Tool:
        where = "a program on this machine"
        if self.server.url:
            where = without_login(self.server.url)
        return Tool(
            name=tool.name,
            description=tool.description,
            schema=json.dumps(tool.schema),
            source=f"mcp:{self.server.name}",
            own_name=tool.name,
            touches=f"everything that the server {self.server.name} can access ({where})",
            output_schema="" if tool.output_schema is None else json.dumps(tool.output_schema),
        )

    async def call(self, name: str, arguments: Mapping[str, Any], kept: KeptFiles) -> ToolOutcome:
        """Call a tool. If the server crashes, the next call restarts it."""
        try:
            client = await self.client()
            result = await client.call_tool(name, dict(arguments))
        except MCPError as error:
            words = masked(f"Error: {error}", secrets_of(self.server))
            if error.code == types.CONNECTION_CLOSED:
                words = f"Error: the server {self.server.name} ended: {self._sentence(error)}"
                self._look_after()
            return ToolOutcome(words, is_error=True, detail=self._log.text)
        except (OSError, ValueError, TimeoutError, RuntimeError) as error:
            words = (
                f"Error: the server {self.server.name} can't be reached: {self._sentence(error)}"
            )
            return ToolOutcome(words, is_error=True, detail=self._log.text)
        return await asyncio.to_thread(read_result, raw_result(result), kept)

    async def resources(self) -> tuple[Offer, ...]:
        """The resources; none if the server does not support them."""
        client = await self.client()
        if client.server_capabilities.resources is None:
            return ()
        async with asyncio.timeout(_LIST_S):
            found = raw_result(await client.list_resources())
        return tuple(read_resources(found, self.server.name)[:_MOST_OFFERS])

    async def read_resource(self, uri: str) -> FilePart | ImagePart:
        """The first content of a resource, as an attachment."""
        client = await self.client()
        async with asyncio.timeout(_LIST_S):
            found = raw_result(await client.read_resource(uri))
        return read_attachment(found, uri.rsplit("/", 1)[-1] or uri)

    async def prompts(self) -> tuple[Offer, ...]:
        """The prompts; none if the server does not support them."""
        client = await self.client()
        if client.server_capabilities.prompts is None:
            return ()
        async with asyncio.timeout(_LIST_S):
            found = raw_result(await client.list_prompts())
        return tuple(read_prompts(found, self.server.name)[:_MOST_OFFERS])

    async def fill_prompt(self, name: str, arguments: Mapping[str, str]) -> str:
        """The text of a prompt: its messages, joined."""
        client = await self.client()
        async with asyncio.timeout(_LIST_S):
            found = raw_result(await client.get_prompt(name, dict(arguments)))
        return read_prompt(found)

    def _look_after(self) -> None:
        """Discard a closed connection, so that the next call opens a new one."""
        self._ending.set()
        self._client = self._transport = None
        self.state = "restarts with the next call"

    async def close(self) -> None:
        """Stop the server and close the connection."""
        self._ending.set()
        if self._serving is not None:
            await asyncio.wait({self._serving}, timeout=6)
            self._serving.cancel()
        self._log.stream.close()
