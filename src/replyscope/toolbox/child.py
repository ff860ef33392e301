"""The program of a function tool's child process: `describe FILE` or `call FILE NAME`.

The answer is one JSON object on stdout. The output of a tool is redirected to stderr, so it
cannot be mistaken for the answer.
"""

import asyncio
import base64
import ctypes
import importlib.util
import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import TypeAdapter, ValidationError, validate_call
from pydantic.errors import PydanticUserError
from pydantic_core import to_json

_PR_SET_CHILD_SUBREAPER = 36


def load(path: Path) -> ModuleType:
    """Import a file as a module."""
    spec = importlib.util.spec_from_file_location(f"replyscope_tools_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.dont_write_bytecode = True  # write no __pycache__ into the user's folder
    spec.loader.exec_module(module)
    return module


def tools_in(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """The public functions with a docstring that a module defines, by name."""
    return {
        name: function
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_")
        and function.__module__ == module.__name__
        and inspect.getdoc(function)
    }


def describe(path: Path) -> dict[str, Any]:
    """The name, description and schema of each tool of a file, and the functions' errors."""
    described, faults = [], []
    module = load(path)
    for name, function in tools_in(module).items():
        try:
            adapter: TypeAdapter[Any] = TypeAdapter(function)  # type: ignore[arg-type]
            schema = adapter.json_schema()
        except (PydanticUserError, NameError) as error:
            faults.append(f"{name}: {error}")
            continue
        if schema.get("type") != "object":
            faults.append(f"{name}: its arguments can't be given by name")
            continue
        about = getattr(module, "TOUCHES", {}).get(name, "")
        described.append(
            {
                "name": name,
                "description": inspect.getdoc(function),
                "schema": _plain(schema),
                "touches": about,
                "always_asks": name in getattr(module, "ALWAYS_ASKS", ()),
            }
        )
    return {"tools": described, "faults": faults}


def _plain(schema: Any) -> Any:
    """The schema without titles, which only repeat the names."""
    if isinstance(schema, dict):
        return {
            key: _plain(value)
            for key, value in schema.items()
            if not (key == "title" and isinstance(value, str))
        }
    return [_plain(item) for item in schema] if isinstance(schema, list) else schema


def call(path: Path, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Run a tool and return its result: text, or bytes to save as a file."""
    function = tools_in(load(path))[name]
    try:
        result = validate_call(function)(**arguments)
        if inspect.isawaitable(result):
            result = asyncio.run(_wait(result))
    except ValidationError as error:
        return {"error": f"the arguments do not fit: {error}"}
    if isinstance(result, bytes | bytearray):
        return {"data": base64.b64encode(result).decode("ascii")}
    if isinstance(result, str):
        return {"text": result}
    return {"text": to_json(result, fallback=str, indent=2).decode()}


async def _wait(result: Any) -> Any:
    return await result


def adopt_orphans() -> None:
    """Make this process the parent of orphaned descendants (Linux only), so that killing its
    process tree includes them.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def kill_descendants() -> None:
    """Kill the processes that a tool has left running."""
    # This file runs as a script, without replyscope on its import path.
    sys.path.append(str(Path(__file__).parents[2]))
    from replyscope.toolbox.process_tree import kill_below

    kill_below(os.getpid())


def main() -> None:
    """Run the request of the command line and write the answer."""
    adopt_orphans()
    answers = os.dup(1)
    os.dup2(2, 1)  # the output of a tool goes to stderr
    what, path = sys.argv[1], Path(sys.argv[2])
    try:
        if what == "describe":
            answer = describe(path)
        else:
            arguments = json.loads(sys.stdin.buffer.read() or b"{}")
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # stdin is empty for the tool
            answer = call(path, sys.argv[3], arguments)
    except BaseException as error:  # noqa: BLE001 - every error of a tool is reported
        answer = {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
    sys.stdout.flush()
    with os.fdopen(answers, "wb") as stream:
        stream.write(json.dumps(answer).encode())
    if what == "call":
        kill_descendants()


if __name__ == "__main__":
    main()
