"""OAuth sign-in to remote tool servers, with the SDK's client and a redirect to loopback.

Tokens are saved in the system's keyring; without one, they are kept in memory until exit.
"""

import asyncio
import json
import logging
import webbrowser
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import keyring
import keyring.errors
from mcp.client.auth import OAuthClientProvider, TokenStorage
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)
from pydantic import AnyUrl

_log = logging.getLogger(__name__)
_SERVICE = "replyscope"
_WAIT_S = 300
_PAGE = "<!doctype html><title>replyscope</title><p>You may close this page and go back."


OpenPage = Callable[[str], object]
"""Opens a URL in the browser."""


class KeyringTokens(TokenStorage):
    """The tokens and the client registration of a server, saved in the keyring."""

    def __init__(self, server: str) -> None:
        self._name = f"mcp:{server}"
        self._held: dict[str, str] = {}

    async def _load(self, what: str) -> str | None:
        if what in self._held:
            return self._held[what]
        with suppress(keyring.errors.KeyringError, OSError, RuntimeError):
            return await asyncio.to_thread(keyring.get_password, _SERVICE, f"{self._name}:{what}")
        return None

    async def _save(self, what: str, text: str) -> None:
        self._held[what] = text
        with suppress(keyring.errors.KeyringError, OSError, RuntimeError):
            await asyncio.to_thread(keyring.set_password, _SERVICE, f"{self._name}:{what}", text)

    async def get_tokens(self) -> OAuthToken | None:
        text = await self._load("tokens")
        return OAuthToken.model_validate_json(text) if text else None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        await self._save("tokens", tokens.model_dump_json(exclude_none=True))

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        text = await self._load("client")
        return OAuthClientInformationFull.model_validate_json(text) if text else None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        await self._save("client", client_info.model_dump_json(exclude_none=True))

    async def registered_port(self) -> int:
        """The loopback port that is registered with the server; 0 if there is none."""
        text = await self._load("client")
        uris = (json.loads(text).get("redirect_uris") or []) if text else []
        return next((urlsplit(str(uri)).port or 0 for uri in uris), 0)


class OriginRefusedError(PermissionError):
    """The sign-in of a server uses another origin that its entry does not allow."""

    def __init__(self, origin: str) -> None:
        super().__init__(
            f"its sign-in leads to {origin}, another server; if you trust that one, add "
            f'"signIn": ["{origin}"] to the entry of this server'
        )


class Origins:
    """The allowed origins of a sign-in: the server's own, and the `signIn` list of its entry."""

    def __init__(self, url: str, others: Collection[str]) -> None:
        own = origin_of(url)
        upgraded = own.replace("http://", "https://") if ":" not in own[7:] else own
        self._allowed = {own, upgraded, *map(origin_of, others)}

    def check(self, url: str) -> None:
        """Raise OriginRefusedError for a URL of another origin."""
        if (origin := origin_of(url)) not in self._allowed:
            raise OriginRefusedError(origin)


def origin_of(url: str) -> str:
    """The origin of a URL: scheme, host, and the port unless it is the default."""
    try:
        parts = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError):
        return "an invalid URL"
    port = f":{parts.port}" if parts.port is not None else ""
    host = f"[{parts.host}]" if ":" in parts.host else parts.host
    return f"{parts.scheme}://{host}{port}"


class _GuardedProvider(OAuthClientProvider):
    """The SDK's OAuth provider, with a check of the origin of every request it makes.

    The server's metadata chooses the URLs, and the requests can contain codes and tokens.
    """

    def __init__(self, origins: Origins, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._origins = origins

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        flow = super().async_auth_flow(request)
        try:
            outgoing = await flow.__anext__()
            while True:
                if outgoing is not request:
                    self._origins.check(str(outgoing.url))
                response = yield outgoing
                outgoing = await flow.asend(response)
        except StopAsyncIteration:
            return
        finally:
            await flow.aclose()


class SignIn:
    """A sign-in: opens the server's page, and receives the redirect on loopback.

    `origins` are allowed in addition to the server's own.
    """

    def __init__(
        self,
        url: str,
        storage: KeyringTokens,
        open_page: OpenPage = webbrowser.open,
        origins: Collection[str] = (),
    ) -> None:
        self._origins = Origins(url, origins)
        self._url = url
        self._storage = storage
        self._open_page = open_page
        self._came: asyncio.Future[AuthorizationCodeResult] | None = None
        self._server: asyncio.Server | None = None

    async def auth(self) -> OAuthClientProvider:
        """The authentication for requests. It opens the browser only if the server requires it."""
        port = await self._storage.registered_port()
        try:
            self._server = await asyncio.start_server(self._answer, "127.0.0.1", port)
        except OSError:
            self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        metadata = OAuthClientMetadata(
            client_name="replyscope",
            redirect_uris=[AnyUrl(f"http://127.0.0.1:{port}/callback")],
        )
        return _GuardedProvider(
            self._origins, self._url, metadata, self._storage, self._send_person, self._wait
        )

    async def _send_person(self, url: str) -> None:
        self._origins.check(url)
        self._came = asyncio.get_running_loop().create_future()
        await asyncio.to_thread(self._open_page, url)

    async def _wait(self) -> AuthorizationCodeResult:
        assert self._came is not None
        return await asyncio.wait_for(self._came, _WAIT_S)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the redirect of the browser, whose URL has the server's result."""
        with suppress(ConnectionError, asyncio.IncompleteReadError, ValueError):
            line = (await reader.readline()).decode("latin-1").split()
            query = parse_qs(urlsplit(line[1]).query) if len(line) > 1 else {}
            given = {name: values[0] for name, values in query.items()}
            if self._came is not None and not self._came.done() and "code" in given:
                self._came.set_result(
                    AuthorizationCodeResult(
                        code=given["code"], state=given.get("state"), iss=given.get("iss")
                    )
                )
            elif self._came is not None and not self._came.done() and "error" in given:
                self._came.set_exception(PermissionError(f"the server said {given['error']}"))
            head = f"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {len(_PAGE)}"
            writer.write(f"{head}\r\nconnection: close\r\n\r\n{_PAGE}".encode())
            await writer.drain()
        writer.close()

    def close(self) -> None:
        """Close the loopback server."""
        if self._server is not None:
            self._server.close()
