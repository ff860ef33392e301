"""An MCP server that wants a sign-in: the official SDK's own authorization server.

Run as a program: PORT, and the name of a file that gets a line for each sign-in. Whoever
opens its page is let in at once, as a person with a session there would be.
"""

import secrets
import sys
import time
from pathlib import Path
from typing import Any

from mcp.server import MCPServer
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    TokenError,
    construct_redirect_uri,
)
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyHttpUrl


class Memory(OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]):
    """Keeps all in memory, and lets everybody in."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._clients: dict[str, OAuthClientInformationFull] = {}
        self._codes: dict[str, AuthorizationCode] = {}
        self._tokens: dict[str, AccessToken] = {}

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self._clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        self._clients[client_info.client_id or ""] = client_info

    async def authorize(
        self, client: OAuthClientInformationFull, params: AuthorizationParams
    ) -> str:
        with self._log.open("a") as file:
            file.write(f"{client.client_name}\n")
        code = secrets.token_hex(16)
        self._codes[code] = AuthorizationCode(
            code=code,
            scopes=params.scopes or [],
            expires_at=time.time() + 60,
            client_id=client.client_id or "",
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
        )
        return construct_redirect_uri(str(params.redirect_uri), code=code, state=params.state)

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        return self._codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        del self._codes[authorization_code.code]
        token = f"let-me-in-{secrets.token_hex(8)}"
        self._tokens[token] = AccessToken(
            token=token, client_id=client.client_id or "", scopes=authorization_code.scopes
        )
        return OAuthToken(access_token=token, expires_in=3600)

    async def load_access_token(self, token: str) -> AccessToken | None:
        return self._tokens.get(token)

    async def load_refresh_token(self, client: Any, refresh_token: str) -> None:
        return None

    async def exchange_refresh_token(self, client: Any, refresh_token: Any, scopes: Any) -> Any:
        raise TokenError("invalid_grant")

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        self._tokens.pop(token.token, None)


def main() -> None:
    port, log = int(sys.argv[1]), Path(sys.argv[2])
    url = AnyHttpUrl(f"http://127.0.0.1:{port}")
    server = MCPServer(
        "guarded",
        auth_server_provider=Memory(log),
        auth=AuthSettings(
            issuer_url=url,
            resource_server_url=AnyHttpUrl(f"{url}mcp"),
            validate_token_resource=False,
            client_registration_options=ClientRegistrationOptions(enabled=True),
        ),
    )

    @server.tool()
    def secret() -> str:
        """Something that only members see."""
        return "the door code is 4711"

    server.run("streamable-http", host="127.0.0.1", port=port)


if __name__ == "__main__":
    main()
