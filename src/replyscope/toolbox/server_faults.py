"""Describes errors of tool servers in a sentence, without secrets. Pure."""

import re
from collections.abc import Iterable

import httpx2
from mcp import MCPError
from pydantic import ValidationError

from replyscope.toolbox.expansion import expand

_LOGIN = re.compile(r"(?<=://)[^/\s'\"]*@")
_SHORTEST_SECRET = 4


def unwrapped(error: BaseException) -> BaseException:
    """The error inside the exception groups of the SDK's task groups."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return error


def fault_of(error: BaseException, limit_s: float, folder: str | None = None) -> str:
    """Describe an error. `folder` is the configured working folder of the server."""
    match error:
        case TimeoutError():
            return f"{error}" or f"it did not answer within {limit_s:g} s"
        case FileNotFoundError(filename=str() as name) if folder and name == expand(folder):
            return f"there is no folder {name!r}"
        case FileNotFoundError(filename=str() as name):
            return f"there is no program {name!r}"
        case ValidationError():
            return f"its answer is not MCP ({error.errors()[0]['msg']})"
        case MCPError():
            return f"it answered: {error}"
        case httpx2.ConnectError():
            return f"it cannot be reached ({error})"
        case _:
            return f"{error}" or type(error).__name__


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text with the logins of URLs and the secrets masked."""
    text = _LOGIN.sub("•••@", text)
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "•••")
    return text
