"""Floor 1: the tools of this machine: Python functions in child processes, and MCP servers
through the official SDK. Consent is the caller's task.
"""
