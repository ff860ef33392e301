"""The MCP server: other programs read the archive through it."""
