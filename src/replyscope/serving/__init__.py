"""Servers on this machine: HTTP servers of recorded exchanges and of a relay, and an MCP server."""
