"""Opens the transport of a tool server: a child process, or streamable HTTP."""

import os
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx2
from mcp.client.streamable_http import streamable_http_client

from replyscope.domain.environment import tool_environment
from replyscope.domain.route import system_environment
from replyscope.domain.tool import McpServer
from replyscope.toolbox.expansion import expand
from replyscope.toolbox.http_bound import MOST_BYTES, UNCOMPRESSED, bound_response
from replyscope.toolbox.routed import RoutedTransport, route_to
from replyscope.toolbox.server_log import ServerLog
from replyscope.toolbox.sign_in import KeyringTokens, OpenPage, SignIn
from replyscope.toolbox.stdio import ServerCommand, StdioTransport

_TIMEOUT = httpx2.Timeout(30.0, read=300.0)
"""The SDK's values: a server can hold a response stream open."""
_SECRET = re.compile("KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH|LOGIN|URL|URI|DSN", re.IGNORECASE)
"""Matches names of variables whose values are secret."""


def stdio_transport(
    server: McpServer, log: ServerLog, folder_of: Callable[[str], Path]
) -> StdioTransport:
    """The transport of a server with a command. It runs in its `cwd`, or else in a folder of
    the data folder. Raises ValueError for an unset variable, OSError.
    """
    arguments = [expand(argument) for argument in server.arguments]
    environment = tool_environment(os.environ)
    environment |= {name: expand(value) for name, value in server.environment}
    folder = expand(server.folder) if server.folder else str(folder_of(server.name))
    log.note(f"[replyscope] runs in {folder}")
    command = ServerCommand(expand(server.command or ""), arguments, environment, folder)
    return StdioTransport(command, log)


async def http_transport(
    server: McpServer, open_page: OpenPage, stack: AsyncExitStack
) -> AbstractAsyncContextManager[Any]:
    """The transport of a server with a URL. Its resources are closed with `stack`."""
    url = expand(server.url or "")
    route_to(url, system_environment())  # reports an invalid variable before the first request
    headers = {name: expand(value) for name, value in server.headers}
    auth = None
    if not any(name.lower() == "authorization" for name in headers):
        sign_in = SignIn(url, KeyringTokens(server.name), open_page, server.sign_in_origins)
        auth = await sign_in.auth()
        stack.callback(sign_in.close)
    http = httpx2.AsyncClient(
        transport=RoutedTransport(system_environment),
        headers={**headers, **UNCOMPRESSED},
        auth=auth,
        timeout=_TIMEOUT,
        event_hooks={"response": [bound_response]},
        trust_env=False,
    )
    await stack.enter_async_context(http)
    return streamable_http_client(url, http_client=http, max_sse_event_size=MOST_BYTES)


def secrets_of(server: McpServer) -> set[str]:
    """The secrets of a server's entry: passwords, headers, keys in variables."""
    found = {value for _, value in server.headers}
    found |= {value for name, value in server.environment if _SECRET.search(name)}
    for value in [*found, server.url or ""]:
        try:
            found.add(expand(value))
        except ValueError:
            continue
    for url in [one for one in found if "://" in one]:
        try:
            password = urlsplit(url).password
        except ValueError:
            password = None
        found |= {password, unquote(password)} if password else set()
    return found - {"", server.url}
