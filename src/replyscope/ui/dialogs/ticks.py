"""The ticks of lists: on and off have different shapes, and need no colour."""

from replyscope.domain.look import Look


def tick(look: Look, *, is_on: bool) -> str:
    """A check box with a space after it: ☑ or ☐, `[x]` or `[ ]` where only ASCII is drawn."""
    if look.ascii_only:
        return "[x] " if is_on else "[ ] "
    return "☑ " if is_on else "☐ "
