"""The ticks of lists: on and off are told apart by their shapes, without colour."""

from typing import Any

from textual.app import App


def tick(app: App[Any], *, is_on: bool) -> str:
    """A check box with a space after it: ☑ or ☐, `[x]` or `[ ]` where only ASCII is drawn."""
    if getattr(app, "draws_ascii_only", False):
        return "[x] " if is_on else "[ ] "
    return "☑ " if is_on else "☐ "
