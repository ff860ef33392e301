"""The private part of the MCP SDK that the program uses.

`tests/test_internals.py` fails when it changes; pyproject.toml keeps the SDK below its next
minor release.
"""

from mcp.shared._httpx_utils import create_mcp_http_client

__all__ = ["create_mcp_http_client"]
# The SDK's own settings of an HTTP client (timeouts, redirects, its user agent) are in a private
# module only, and a client that is passed to `streamable_http_client` should have them. No
# upstream issue known.
