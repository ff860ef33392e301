"""Formats numbers with nouns."""

_VOWELS = "aeiou"


def plural(number: int, noun: str) -> str:
    """A number with its noun in the singular or plural: "1 reply", "2,000 replies"."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith("y") and noun[-2] not in _VOWELS:
        return f"{number:,} {noun[:-1]}ies"
    return f"{number:,} {noun}s"
