"""Tools with which other programs read the archive."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

Answer = Mapping[str, Any]
"""A JSON object."""


@dataclass(frozen=True, slots=True)
class ReadingTool:
    """A tool that changes nothing. `schema` is the JSON schema of its arguments.

    `read` gets valid arguments, and raises ReplyscopeError with a sentence for the caller.
    """

    name: str
    title: str
    description: str
    schema: Mapping[str, Any]
    read: Callable[[Mapping[str, Any]], Awaitable[Answer]]
