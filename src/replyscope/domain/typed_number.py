"""Whole numbers in text from outside: Python refuses to convert thousands of digits."""

_MOST_DIGITS = 18
"""The number of digits that fit into SQLite's integers."""
_MOST_SHOWN = 40


def whole_number(text: str) -> int | None:
    """The number that a text of decimal digits means; None for any other text, and for a number
    of more than 18 digits.
    """
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else None


def shortened(text: str) -> str:
    """A typed text for an error message, cut to 40 characters."""
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
