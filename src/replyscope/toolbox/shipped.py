"""The built-in tools. They run in a child process, in the working folder.

Each is disabled until the user enables it. Docstrings are sent to models as descriptions.
"""

import ast
import json
import math
import operator
import os
import stat
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field

from replyscope.domain.web_address import is_ip_address, normal_address
from replyscope.toolbox.permit import check_permit

TOUCHES = {
    "current_time": "clock",
    "calculate": "nothing",
    "read_file": "reads one file of the working folder",
    "list_files": "reads the names in the working folder",
    "http_get": "sends requests to web servers that the settings allow",
    "run_command": "runs a program with the rights of your user account",
}
ALWAYS_ASKS = ("run_command",)

_MOST_BYTES = 1_000_000
_MOST_NAMES = 2_000
_MOST_DIGITS = 1_000


def current_time(
    timezone: Annotated[str | None, Field(description="such as Europe/Oslo; else local")] = None,
) -> str:
    """The date and time now, in ISO 8601."""
    try:
        zone = ZoneInfo(timezone) if timezone else None
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {timezone!r}") from error
    return datetime.now(zone).astimezone(zone).isoformat(timespec="seconds")


_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "round": round,
    "min": min,
    "max": max,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "log2": math.log2,
    "log10": math.log10,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "floor": math.floor,
    "ceil": math.ceil,
}
_CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}


def calculate(
    expression: Annotated[str, Field(description="such as (2 + 3) * sqrt(16) ** 2")],
) -> str:
    """The value of an arithmetic expression: + - * / // % **, parentheses, functions
    such as sqrt, log, sin, min, max and round, and the constants pi, e and tau."""
    if len(expression) > 2_000:
        raise ValueError("the expression is too long")
    value = _value(ast.parse(expression, mode="eval").body)
    return str(value)


def _value(node: ast.AST) -> int | float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_value(left), _value(right))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _small(_OPERATORS[type(op)](_value(left), _value(right)))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            return _small(_OPERATORS[type(op)](_value(operand)))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            return _small(_FUNCTIONS[name](*(_value(argument) for argument in args)))
    raise ValueError(f"not arithmetic: {ast.unparse(node)[:80]}")


def _power(base: float, exponent: float) -> float:
    """A power, unless its result would be too large."""
    if abs(base) > 1 and abs(exponent) * math.log10(abs(base)) > _MOST_DIGITS:
        raise ValueError(f"the result has more than {_MOST_DIGITS} digits")
    return _small(base**exponent)


def _small(value: Any) -> int | float:
    if not isinstance(value, int | float):
        raise ValueError(f"the result is not a real number: {value}")
    if isinstance(value, int) and value.bit_length() > _MOST_DIGITS * 4:
        raise ValueError(f"the result has more than {_MOST_DIGITS} digits")
    return value


def read_file(
    path: Annotated[str, Field(description="relative to the working folder")],
) -> str:
    """The text of a file in the working folder."""
    with os.fdopen(_open_inside("read_file", path, os.O_RDONLY), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError(f"{path} is not a file")
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError(f"{path} is larger than {_MOST_BYTES:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not text") from error


def list_files(
    path: Annotated[str, Field(description="a folder, relative to the working folder")] = ".",
) -> str:
    """The names in a folder of the working folder. Names of folders end with a slash."""
    flags = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
    descriptor = _open_inside("list_files", path, flags)
    try:
        with os.scandir(descriptor) as entries:
            names = sorted(
                entry.name + ("/" if entry.is_dir(follow_symlinks=False) else "")
                for entry in entries
            )
    finally:
        os.close(descriptor)
    more = [f"[{len(names) - _MOST_NAMES} more]"] if len(names) > _MOST_NAMES else []
    return "\n".join(names[:_MOST_NAMES] + more) or "(empty)"


def _open_inside(tool: str, path: str, flags: int) -> int:
    """Open a path within the working folder. Raises PermissionError for a path outside.

    Links are resolved first, and the rules are checked for the resolved path. It is then
    opened step by step without following links, so a link created meanwhile has no effect.
    """
    if "\0" in path:
        raise ValueError("the path has a NUL character")
    root = Path.cwd().resolve()
    try:
        steps = (root / path).resolve().relative_to(root).parts
    except (ValueError, OSError, RuntimeError) as error:
        raise PermissionError(f"{path} is outside of the working folder") from error
    check_permit(tool, {"path": path})
    check_permit(tool, {"path": "/".join(steps) or "."})
    flags |= os.O_NONBLOCK if hasattr(os, "O_NONBLOCK") else 0  # opening a pipe would block
    if os.open not in os.supports_dir_fd:
        return os.open(root.joinpath(*steps), flags)
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for step in steps[:-1]:
            below = os.open(step, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = below
        last = steps[-1] if steps else "."
        return os.open(last, flags | os.O_NOFOLLOW, dir_fd=here)
    finally:
        os.close(here)


def http_get(url: Annotated[str, Field(description="http or https")]) -> str:
    """The text at a URL. Only hosts that the user has allowed."""
    # Importing it takes half a second.
    from replyscope.toolbox.routed import client_by, naming_route, route_to

    allowed = json.loads(os.environ.get("REPLYSCOPE_HTTP_HOSTS", "[]"))
    for _ in range(5):
        _check_url(url, allowed)
        url = normal_address(url)
        check_permit("http_get", {"url": url})
        route = route_to(url, os.environ)
        with naming_route(route), client_by(route) as client, client.stream("GET", url) as response:
            if not response.is_redirect:
                return f"{response.status_code}\n{_body(response)}"
            url = urljoin(url, response.headers.get("location", ""))
    raise ValueError("too many redirects")


def _check_url(url: str, allowed: list[str]) -> None:
    """Raise PermissionError unless the URL is well-formed and its host is allowed."""
    if any(ord(char) <= 32 or ord(char) == 127 or char == "\\" for char in url):
        raise PermissionError("the URL contains invalid characters")
    scheme = urlsplit(url).scheme
    if scheme not in ("http", "https"):
        raise PermissionError(f"only http and https are supported, not {scheme or 'this'}")
    if not urlsplit(url).netloc.isascii():
        raise PermissionError("the URL's host has non-ASCII letters; write it in xn-- form")
    place = urlsplit(normal_address(url)).netloc
    host = urlsplit(normal_address(url)).hostname or ""
    names = {name.lower().rstrip(".") for name in allowed}
    if host in names or place in names:
        return
    about = " (an address, not a name)" if is_ip_address(host) else ""
    raise PermissionError(f"{host or url}{about} is not a host that the settings allow")


def _body(response: Any) -> str:
    data = bytearray()
    for chunk in response.iter_bytes():
        data += chunk
        if len(data) > _MOST_BYTES:
            return data[:_MOST_BYTES].decode("utf-8", "replace") + "\n[truncated]"
    encoding = str(response.encoding or "utf-8")
    try:
        return data.decode(encoding, "replace")
    except LookupError:
        return data.decode("utf-8", "replace")


def run_command(
    command: Annotated[
        list[str], Field(min_length=1, description='a program and its arguments: ["ls", "-l"]')
    ],
) -> str:
    """Run a program in the working folder. Returns its output and its exit status."""
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=3_600
        )
    except FileNotFoundError as error:
        raise ValueError(f"there is no program {command[0]!r}") from error
    parts = [stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr)]
    return "\n".join([*filter(None, parts), f"[exit status {done.returncode}]"])
