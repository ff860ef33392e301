"""The toolbox of this machine: its functions and tool servers."""

import asyncio
import importlib
import re
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from replyscope.domain.errors import AttachmentError
from replyscope.domain.message import FilePart, ImagePart
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

if TYPE_CHECKING:  # the protocol of tool servers is loaded with the first of them
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
        open_page: "OpenPage" = webbrowser.open,
        server_folders: Path | None = None,
    ) -> None:
        self._files = KeptFiles(kept)
        self._functions = FunctionTools(paths, folder, settings)
        self._settings = settings
        self._open_page = open_page
        self._server_folders = server_folders
        self._servers: ToolServers | None = None

    async def offer(self, wanted: Sequence[str]) -> tuple[Tool, ...]:
        """The tools that match the names, under unique names."""
        functions, served = await asyncio.gather(
            self._functions.tools(), self._served_tools(servers_of(wanted))
        )
        return name_apart([tool for tool in (*functions, *served) if tool.is_named_in(wanted)])

    async def _served_tools(self, names: set[str]) -> tuple[Tool, ...]:
        servers = await self._loaded()
        return await servers.tools(names) if servers is not None else ()

    async def sources(self) -> tuple[ToolSource, ...]:
        """The sources of tools, with their states."""
        servers = await self._loaded()
        served = servers.sources() if servers is not None else ()
        return (*await self._functions.sources(), *served)

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
            servers = await self._loaded()
            if servers is None:
                name = server_of(tool.source)
                return ToolOutcome(f"Error: the server {name} does not exist.", is_error=True)
            return await servers.run(tool, arguments, kept)
        return await self._functions.run(tool, arguments, kept, rules)

    def place(self, tool: Tool) -> AbstractAsyncContextManager[None]:
        """The slot to hold while a tool runs, which limits concurrent processes."""
        return nullcontext() if tool.source.startswith("mcp:") else self._functions.slots

    async def resources(self, wanted: Sequence[str]) -> tuple[Offer, ...]:
        """The resources of servers."""
        servers = await self._loaded()
        return await servers.resources(servers_of(wanted)) if servers is not None else ()

    async def read_resource(self, resource: Offer) -> FilePart | ImagePart:
        """A resource as an attachment. Raises AttachmentError."""
        return await (await self._server_of(resource)).read_resource(resource)

    async def prompts(self, wanted: Sequence[str]) -> tuple[Offer, ...]:
        """The prompts of servers."""
        servers = await self._loaded()
        return await servers.prompts(servers_of(wanted)) if servers is not None else ()

    async def fill_prompt(self, prompt: Offer, arguments: Mapping[str, str]) -> str:
        """The text of a prompt. Raises AttachmentError."""
        return await (await self._server_of(prompt)).fill_prompt(prompt, arguments)

    async def _server_of(self, offer: Offer) -> "ToolServers":
        servers = await self._loaded()
        if servers is None:
            raise AttachmentError(
                f"Could not get {offer.title}: the server {offer.server} does not exist."
            )
        return servers

    async def _loaded(self) -> "ToolServers | None":
        """The tool servers; None while the settings have none: their protocol takes 25 MB."""
        if self._servers is None and self._settings().servers:
            module = await asyncio.to_thread(importlib.import_module, "replyscope.toolbox.servers")
            if self._servers is None:  # else another call was faster
                self._servers = module.ToolServers(
                    lambda: self._settings().servers,
                    self._open_page,
                    lambda: self._settings().timeout_s,
                    self._server_folders,
                )
        return self._servers

    async def close(self) -> None:
        """Stop all tool servers."""
        if self._servers is not None:
            await self._servers.close()


def servers_of(names: Sequence[str]) -> set[str]:
    """The servers in the names of tools or sources."""
    return {server_of(name) for name in names} - {""}


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
