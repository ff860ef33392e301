"""Streaming Markdown: split into bounded blocks, each rendered once per width and theme."""
