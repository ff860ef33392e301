"""The words of an operating system's error, without its number and path. Pure."""

import re

_NUMBER = re.compile(r"\[(?:Errno|WinError) -?\d+\] ")


def system_words(error: BaseException) -> str:
    """The system's words for an OSError; the text of any other error without error numbers.

    `str(error)` of an OSError begins with `[Errno 13]` and repeats the path.
    """
    said = error.strerror if isinstance(error, OSError) else None
    return said or without_number(str(error))


def without_number(text: str) -> str:
    """A text without error numbers of the system."""
    return _NUMBER.sub("", text)
