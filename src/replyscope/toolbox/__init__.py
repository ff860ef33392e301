"""Floor 1: the tools of this machine. Functions run in child processes, MCP servers are
reached through the official SDK; nothing here asks for consent, and nothing runs unasked.
"""
