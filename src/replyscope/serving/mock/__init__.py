"""Serves recorded exchanges again, as an OpenAI-compatible server on loopback."""
