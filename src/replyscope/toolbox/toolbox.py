"""All tools of this machine as one. Implements the Toolbox protocol."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from replyscope.domain.tool import Tool, ToolOutcome, ToolSettings, ToolSource
from replyscope.toolbox.files import KeptFiles
from replyscope.toolbox.functions import FunctionTools

_LONGEST_NAME = 64


class LocalToolbox:
    """`paths` are the person's own files of functions, `folder` the one they work in."""

    def __init__(
        self,
        paths: Sequence[Path],
        folder: Path,
        kept: Path,
        settings: Callable[[], ToolSettings],
    ) -> None:
        self._settings = settings
        self._functions = FunctionTools(
            paths, folder, lambda: settings().http_hosts, KeptFiles(kept)
        )

    async def offer(self, wanted: Sequence[str]) -> tuple[Tool, ...]:
        """The tools that these names mean, each under a name that is its own."""
        functions = await self._functions.tools()
        return name_apart([tool for tool in functions if is_wanted(tool, wanted)])

    async def sources(self) -> tuple[ToolSource, ...]:
        """Where tools come from, and how each stands."""
        return await self._functions.sources()

    async def run(self, tool: Tool, arguments: Mapping[str, Any]) -> ToolOutcome:
        """Run a tool to its end."""
        return await self._functions.run(tool, arguments)

    async def close(self) -> None:
        """End everything that runs."""


def is_wanted(tool: Tool, wanted: Sequence[str]) -> bool:
    """Whether a name means this tool: its own, its source's, or its full name."""
    return bool({tool.own_name, tool.source, tool.full_name} & set(wanted))


def name_apart(tools: Sequence[Tool]) -> tuple[Tool, ...]:
    """The tools under names that servers take, and that are all different.

    One that shares its name with another gets its source before it.
    """
    own = [_plain(tool.own_name) for tool in tools]
    taken: set[str] = set()
    named = []
    for tool, name in zip(tools, own, strict=True):
        if own.count(name) > 1:
            name = _plain(f"{tool.source.rpartition(':')[2]}__{tool.own_name}")
        name = _free(name, taken)
        taken.add(name)
        named.append(replace(tool, name=name))
    return tuple(named)


def _plain(name: str) -> str:
    """Letters, digits, _ and -, as every API takes them."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:_LONGEST_NAME] or "tool"


def _free(name: str, taken: set[str]) -> str:
    number = 2
    free = name
    while free in taken:
        free = f"{name[: _LONGEST_NAME - 4]}_{number}"
        number += 1
    return free
