"""Asks a person at a terminal to confirm what can't be undone."""

import sys


def confirms(question: str) -> bool:
    """Whether the person answers yes. Without a terminal the answer is no."""
    if sys.stdin is None or not sys.stdin.isatty():
        return False
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
