"""One tool server: started when it is first needed, started again when it has died.

Everything here runs in the servers' own event loop.
"""

import asyncio
import base64
import json
import logging
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from mcp import Client, MCPError, StdioServerParameters, stdio_client, types
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from replyscope import __version__
from replyscope.domain.address import without_login
from replyscope.domain.message import FilePart, ImagePart
from replyscope.domain.picture import read_picture
from replyscope.domain.tool import McpServer, Offer, Tool, ToolOutcome, ToolSource
from replyscope.toolbox.expansion import expand
from replyscope.toolbox.files import KeptFiles
from replyscope.toolbox.results import read_result
from replyscope.toolbox.server_log import ServerLog
from replyscope.toolbox.sign_in import KeyringTokens, OpenPage, SignIn

_log = logging.getLogger(__name__)
_START_S = 60.0
_LIST_S = 30.0
_MOST_TOOLS = 1_000
_REST_S = 5.0
"""A server that has just failed to start is left alone for so long."""


class Connection:
    """Its `state` and `fault` are sentences for the person."""

    def __init__(self, server: McpServer, open_page: OpenPage) -> None:
        self.server = server
        self.state = "not started"
        self.fault = ""
        self._open_page = open_page
        self._log = ServerLog()
        self._client: Client | None = None
        self._serving: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()
        self._starting = asyncio.Lock()
        self._tools: tuple[Tool, ...] | None = None
        self._failed_at = -_REST_S

    @property
    def source(self) -> ToolSource:
        """How it stands."""
        return ToolSource(f"mcp:{self.server.name}", self.state, self.fault, self._log.text)

    async def client(self) -> Client:
        """The client of a server that runs. Raises ValueError, OSError, TimeoutError, MCPError."""
        async with self._starting:
            if self._client is not None and self._serving is not None and not self._serving.done():
                return self._client
            if time.monotonic() - self._failed_at < _REST_S:
                raise ConnectionError(self.fault)
            self._client, self._tools, self.fault = None, None, ""
            self.state = "starting"
            self._ending = asyncio.Event()
            ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
            self._serving = asyncio.create_task(self._serve(ready, self._ending))
            try:
                async with asyncio.timeout(_START_S):
                    self._client = await ready
            except BaseException as error:
                self._failed_at = time.monotonic()
                self._serving.cancel()
                self.state, self.fault = "failed", _sentence(error)
                raise
            return self._client

    async def _serve(self, ready: "asyncio.Future[Client]", ending: asyncio.Event) -> None:
        """Hold the connection open, in one task as its scopes demand, until it ends."""
        try:
            async with AsyncExitStack() as stack:
                transport = await self._transport(stack)
                client = await stack.enter_async_context(
                    Client(
                        transport,
                        client_info=types.Implementation(name="replyscope", version=__version__),
                        message_handler=self._hear,
                    )
                )
                info = client.server_info
                about = f"{info.name} {info.version}" if info is not None else "runs"
                self.state = about
                if not ready.done():
                    ready.set_result(client)
                await ending.wait()
        except BaseException as error:
            self._log.note(f"[replyscope] {_sentence(error)}")
            if not ready.done():
                ready.set_exception(ConnectionError(_sentence(error)))
            if isinstance(error, asyncio.CancelledError):
                raise
        finally:
            if self._ending is ending:  # else another one runs by now
                self._client = None

    async def _transport(self, stack: AsyncExitStack) -> Any:
        server = self.server
        if server.command is not None:
            return stdio_client(
                StdioServerParameters(
                    command=expand(server.command),
                    args=[expand(argument) for argument in server.arguments],
                    env={name: expand(value) for name, value in server.environment},
                    cwd=expand(server.folder) if server.folder else None,
                    encoding_error_handler="replace",
                ),
                errlog=self._log.stream,
            )
        url = expand(server.url or "")
        headers = {name: expand(value) for name, value in server.headers}
        auth = None
        if not any(name.lower() == "authorization" for name in headers):
            sign_in = SignIn(url, KeyringTokens(server.name), self._open_page)
            auth = await sign_in.auth()
            stack.callback(sign_in.close)
        http = await stack.enter_async_context(create_mcp_http_client(headers, auth=auth))
        return streamable_http_client(url, http_client=http)

    async def _hear(self, message: Any) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            self._tools = None
        elif isinstance(message, Exception):
            self._log.note(f"[replyscope] not a message: {str(message)[:200]}")

    def explain(self, error: BaseException) -> None:
        """Say of the server why its tools are not there."""
        self.state, self.fault = "failed", self.fault or _sentence(error)

    async def tools(self) -> tuple[Tool, ...]:
        """Its tools, named as it names them. Raises what `client` raises."""
        client = await self.client()
        if self._tools is None:
            async with asyncio.timeout(_LIST_S):
                found = await self._list(client)
            self._tools = tuple(self._tool(tool) for tool in found)
            about = self.state.split(" · ")[0]
            self.state = f"{about} · {len(self._tools)} tools"
        return self._tools

    async def _list(self, client: Client) -> list[types.Tool]:
        found: list[types.Tool] = []
        cursor: str | None = None
        while len(found) < _MOST_TOOLS:
            page = await client.list_tools(cursor=cursor, cache_mode="refresh")
            found += page.tools
            if not page.next_cursor or page.next_cursor == cursor:
                break
            cursor = page.next_cursor
        return found[:_MOST_TOOLS]

    def _tool(self, tool: types.Tool) -> Tool:
        where = (
            "a program on this machine"
            if self.server.command
            else without_login(self.server.url or "")
        )
        return Tool(
            name=tool.name,
            description=(tool.description or tool.title or "")[:4_000],
            schema=json.dumps(tool.input_schema),
            source=f"mcp:{self.server.name}",
            own_name=tool.name,
            touches=f"whatever the server {self.server.name} can reach ({where})",
        )

    async def call(self, name: str, arguments: Mapping[str, Any], kept: KeptFiles) -> ToolOutcome:
        """Call a tool. A server that dies meanwhile is started again with the next call."""
        try:
            client = await self.client()
            result = await client.call_tool(name, dict(arguments))
        except MCPError as error:
            if error.code == types.CONNECTION_CLOSED:
                self._look_after()
            return ToolOutcome(f"Error: {error}", is_error=True, detail=self._log.text)
        except (OSError, ValueError, TimeoutError, RuntimeError) as error:
            words = f"Error: the server {self.server.name} can't be asked: {_sentence(error)}"
            return ToolOutcome(words, is_error=True, detail=self._log.text)
        return await asyncio.to_thread(read_result, result, kept)

    async def resources(self) -> tuple[Offer, ...]:
        """What it has to attach; nothing where it knows of no resources."""
        client = await self.client()
        if client.server_capabilities.resources is None:
            return ()
        async with asyncio.timeout(_LIST_S):
            found = (await client.list_resources()).resources
        return tuple(
            Offer(self.server.name, str(one.uri), one.title or one.name, one.description or "")
            for one in found[:_MOST_TOOLS]
        )

    async def read_resource(self, uri: str) -> FilePart | ImagePart:
        """A resource's first content."""
        client = await self.client()
        async with asyncio.timeout(_LIST_S):
            contents = (await client.read_resource(uri)).contents
        name = uri.rsplit("/", 1)[-1] or uri
        for content in contents:
            if isinstance(content, types.TextResourceContents):
                return FilePart(name, content.text)
            data = base64.b64decode(content.blob)
            picture = read_picture(data)
            if picture is not None:
                return ImagePart(name, picture.media_type, data)
        raise ValueError("it is neither text nor a picture")

    async def prompts(self) -> tuple[Offer, ...]:
        """Its prompts; none where it knows of none."""
        client = await self.client()
        if client.server_capabilities.prompts is None:
            return ()
        async with asyncio.timeout(_LIST_S):
            found = (await client.list_prompts()).prompts
        return tuple(
            Offer(
                self.server.name,
                one.name,
                one.title or one.name,
                one.description or "",
                tuple((a.name, bool(a.required)) for a in one.arguments or ()),
            )
            for one in found[:_MOST_TOOLS]
        )

    async def fill_prompt(self, name: str, arguments: Mapping[str, str]) -> str:
        """A prompt's text, its messages one after another."""
        client = await self.client()
        async with asyncio.timeout(_LIST_S):
            messages = (await client.get_prompt(name, dict(arguments))).messages
        said = [m.content.text for m in messages if isinstance(m.content, types.TextContent)]
        return "\n\n".join(said)

    def _look_after(self) -> None:
        """A connection that is closed is given up, so that the next call starts a new one."""
        self._ending.set()
        self._client = None
        self.state = "will start again"

    async def close(self) -> None:
        """End the server."""
        self._ending.set()
        if self._serving is not None:
            await asyncio.wait({self._serving}, timeout=6)
            self._serving.cancel()
        self._log.close()


def _sentence(error: BaseException) -> str:
    """What went wrong, without the groups that the SDK's task groups wrap around it."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    if isinstance(error, TimeoutError):
        return f"it did not answer within {_START_S:g} s"
    if isinstance(error, FileNotFoundError):
        return f"there is no program {error.filename!r}"
    return f"{error}" or type(error).__name__
