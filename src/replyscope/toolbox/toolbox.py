"""The toolbox of this machine: its functions and tool servers."""

import asyncio
import re
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from replyscope.domain.tool import (
    ConsentRule,
    Offer,
    Tool,
    ToolOutcome,
    ToolSettings,
    ToolSource,
)
from replyscope.toolbox.files import NOT_KEPT, KeptFiles
from replyscope.toolbox.functions import FunctionTools
from replyscope.toolbox.servers import ToolServers
from replyscope.toolbox.sign_in import OpenPage

_LONGEST_NAME = 64


class LocalToolbox:
    """Functions and tool servers behind one interface. Implements Toolbox.

    `paths` are files of functions, `folder` is their working folder. `server_folders`
    contains the working folders of tool servers; None for temporary ones.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        folder: Path,
        kept: Path | None,
        settings: Callable[[], ToolSettings],
        open_page: OpenPage = webbrowser.open,
        server_folders: Path | None = None,
    ) -> None:
        self._files = KeptFiles(kept)
        self._functions = FunctionTools(paths, folder, settings)
        self._servers = ToolServers(
            lambda: settings().servers, open_page, lambda: settings().timeout_s, server_folders
        )
        self.read_resource = self._servers.read_resource
        """Reads a resource as an attachment. Raises AttachmentError."""
        self.fill_prompt = self._servers.fill_prompt
        """The text of a prompt. Raises AttachmentError."""
        self.close = self._servers.close
        """Stops all tool servers."""

    async def offer(self, wanted: Sequence[str]) -> tuple[Tool, ...]:
        """The tools that match the names, under unique names."""
        names = {server_of(name) for name in wanted}
        functions, served = await asyncio.gather(
            self._functions.tools(), self._servers.tools(names - {""})
        )
        return name_apart([tool for tool in (*functions, *served) if tool.is_named_in(wanted)])

    async def sources(self) -> tuple[ToolSource, ...]:
        """The sources of tools, with their states."""
        return (*await self._functions.sources(), *self._servers.sources())

    async def run(
        self,
        tool: Tool,
        arguments: Mapping[str, Any],
        *,
        keeps_files: bool = True,
        rules: Sequence[ConsentRule] = (),
    ) -> ToolOutcome:
        """Run a tool. `rules` are the rules that allowed the call."""
        kept = self._files if keeps_files else NOT_KEPT
        if tool.source.startswith("mcp:"):
            return await self._servers.run(tool, arguments, kept)
        return await self._functions.run(tool, arguments, kept, rules)

    def place(self, tool: Tool) -> AbstractAsyncContextManager[None]:
        """The slot to hold while a tool runs, which limits concurrent processes."""
        return nullcontext() if tool.source.startswith("mcp:") else self._functions.slots

    async def resources(self, wanted: Sequence[str]) -> tuple[Offer, ...]:
        """The resources of servers."""
        return await self._servers.resources({server_of(name) for name in wanted})

    async def prompts(self, wanted: Sequence[str]) -> tuple[Offer, ...]:
        """The prompts of servers."""
        return await self._servers.prompts({server_of(name) for name in wanted})


def server_of(name: str) -> str:
    """The server in the name of a tool or a source; empty if there is none."""
    return name.removeprefix("mcp:").partition("/")[0] if name.startswith("mcp:") else ""


def name_apart(tools: Sequence[Tool]) -> tuple[Tool, ...]:
    """Give the tools unique names that every API accepts.

    If several tools have the same name, their sources are added as a prefix.
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
    """The name in letters, digits, _ and -, which every API accepts."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:_LONGEST_NAME] or "tool"


def _free(name: str, taken: set[str]) -> str:
    number = 2
    free = name
    while free in taken:
        free = f"{name[: _LONGEST_NAME - 4]}_{number}"
        number += 1
    return free
