"""Markdown as it streams: cut into bounded blocks, each drawn once per width and theme."""
