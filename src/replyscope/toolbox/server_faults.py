"""Says in a sentence what is wrong with a tool server, without the secrets of its entry. Pure."""

import re
from collections.abc import Iterable

import httpx2
from mcp import MCPError
from pydantic import ValidationError

from replyscope.toolbox.expansion import expand

_LOGIN = re.compile(r"(?<=://)[^/\s'\"]*@")
_SHORTEST_SECRET = 4


def unwrapped(error: BaseException) -> BaseException:
    """An error without the groups that the SDK's task groups wrap around it."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return error


def fault_of(error: BaseException, limit_s: float, folder: str | None = None) -> str:
    """What went wrong. `folder` is the one that the server should run in."""
    match error:
        case TimeoutError():
            return f"{error}" or f"it did not answer within {limit_s:g} s"
        case FileNotFoundError(filename=str() as name) if folder and name == expand(folder):
            return f"there is no folder {name!r}"
        case FileNotFoundError(filename=str() as name):
            return f"there is no program {name!r}"
        case ValidationError():
            return f"its answer is no MCP ({error.errors()[0]['msg']})"
        case MCPError():
            return f"it answered: {error}"
        case httpx2.ConnectError():
            return f"it cannot be reached ({error})"
        case _:
            return f"{error}" or type(error).__name__


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text without the login of any URL in it, and without the secrets."""
    text = _LOGIN.sub("•••@", text)
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "•••")
    return text
