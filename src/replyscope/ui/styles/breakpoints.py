"""Screen sizes, in cells, and the style classes that apply from each size up."""

HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (100, "-medium"), (160, "-wide")]
"""Of every screen but the chat."""
CHAT_BREAKPOINTS = [
    (0, "-tiny"),
    (60, "-narrow"),
    (100, "-compact"),
    (120, "-medium"),
    (132, "-roomy"),
    (160, "-wide"),
]
"""Breakpoints of the chat. Messages have at least 60 columns: with less room the sessions fold
first, then the inspector.
"""
VERTICAL_BREAKPOINTS = [(0, "-flat"), (14, "-tall")]
