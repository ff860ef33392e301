"""An MCP server over streamable HTTP, made with the official SDK. Run as a program."""

import sys

from mcp.server import MCPServer

server = MCPServer("web")


@server.tool()
def double(number: int) -> int:
    """Twice the number."""
    return number * 2


if __name__ == "__main__":
    server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
