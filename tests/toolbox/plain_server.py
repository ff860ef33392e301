"""An MCP server made with the official SDK: over HTTP on a port, or on stdio without one.

Run as a program.
"""

import sys

from mcp.server import MCPServer

server = MCPServer("web")


@server.tool()
def double(number: int) -> int:
    """Twice the number."""
    return number * 2


@server.prompt()
def greet() -> str:
    """Say hello."""
    return "Greet me warmly."


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    else:
        server.run("stdio")
