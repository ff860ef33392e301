"""Ids of sessions, messages and exchanges."""

ID_LENGTH = 12
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""32 digits and letters that are hard to confuse (Crockford's base 32)."""


def id_from(data: bytes) -> str:
    """An id from the low five bits of each of the first twelve bytes."""
    return "".join(_ALPHABET[byte & 31] for byte in data[:ID_LENGTH])
