"""Builds the parts that run tool calls: reloading settings and a lazily imported toolbox."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from replyscope.cli.rule_effects import TerminalEffects
from replyscope.config.paths import Paths
from replyscope.domain.errors import SettingsError
from replyscope.domain.message import FilePart, ImagePart
from replyscope.domain.ports import Toolbox
from replyscope.domain.rates import OwnRates
from replyscope.domain.rule import Rule
from replyscope.domain.spending import SpendingLimits
from replyscope.domain.tool import (
    ConsentRule,
    KeptFile,
    Offer,
    Tool,
    ToolOutcome,
    ToolSettings,
    ToolSource,
)
from replyscope.domain.typed_path import typed_path
from replyscope.domain.values import dataclass
from replyscope.engine.consent import Consent
from replyscope.engine.rules import RuleBook, usable
from replyscope.engine.tool_runner import Tooling


@dataclass(frozen=True, slots=True)
class ToolParts:
    """The objects that run tool calls."""

    settings: "ToolSettingsNow"
    consent: Consent
    toolbox: "LateToolbox"
    tooling: Tooling


def wire_tools(paths: Paths, files: Sequence[str], *, saves: bool) -> ToolParts:
    """Build the parts. `files` are Python files whose functions become tools."""
    settings = ToolSettingsNow(paths)
    consent = Consent(lambda: settings().consent)
    toolbox = LateToolbox(paths, files, settings, saves=saves)
    effects = TerminalEffects(lambda: settings().key_variables)
    tooling = Tooling(
        toolbox,
        consent,
        settings,
        lambda: RuleBook(settings.rules, effects),
        keep_file=FileKeeper(paths.kept_files if saves else None),
    )
    return ToolParts(settings, consent, toolbox, tooling)


class ToolSettingsNow:
    """The tool settings and rules of the settings files, reloaded when a file changes.

    If a file cannot be read, the settings of the last reading stay valid.
    """

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._known = ToolSettings()
        self._stamps: tuple[int, int] | None = None
        self.faults: list[str] = []
        self._rules: tuple[Rule, ...] = ()
        self._prices: tuple[OwnRates, ...] = ()
        self._limits = SpendingLimits()

    def rules(self) -> tuple[Rule, ...]:
        """The rules of the settings file."""
        self()
        return self._rules

    def prices(self) -> tuple[OwnRates, ...]:
        """The prices of the settings file."""
        self()
        return self._prices

    def limits(self) -> SpendingLimits:
        """The spending limits of the settings file."""
        self()
        return self._limits

    def __call__(self) -> ToolSettings:
        """The settings, with the servers of mcp.json."""
        stamps = (_stamp(self._paths.settings), _stamp(self._paths.mcp))
        if stamps != self._stamps:
            self._stamps = stamps
            self._read()
        return self._known

    def _read(self) -> None:
        from replyscope.config.mcp import read_mcp_file  # at the first use of tools
        from replyscope.config.settings import read_settings

        self.faults = []
        try:
            settings = read_settings(self._paths.settings)
            known, self._rules = settings.tools, settings.rules
            self._prices, self._limits = settings.prices, settings.limits
            self.faults += [*settings.entry_faults, *settings.rule_faults]
            self.faults += usable(settings.rules)[1]
        except SettingsError as error:
            self.faults.append(error.message)
            known = self._known
        servers, faults = read_mcp_file(self._paths.mcp)
        self.faults += faults
        named = {server.name: server for server in (*known.servers, *servers)}
        self._known = replace(known, servers=tuple(named.values()))


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


class LateToolbox:
    """The toolbox, imported at its first use. Implements Toolbox."""

    def __init__(
        self, paths: Paths, files: Sequence[str], settings: ToolSettingsNow, *, saves: bool
    ) -> None:
        self._paths = paths
        self._saves = saves
        self._files = [typed_path(file).absolute() for file in files]
        self._settings = settings
        self._box: Toolbox | None = None
        self._opening = asyncio.Lock()

    async def _toolbox(self) -> Toolbox:
        async with self._opening:
            if self._box is None:
                module = await asyncio.to_thread(
                    importlib.import_module, "replyscope.toolbox.toolbox"
                )
                own = sorted(self._paths.tools.glob("*.py"))
                self._box = module.LocalToolbox(
                    [*own, *self._files],
                    Path.cwd(),
                    self._paths.kept_files if self._saves else None,
                    self._settings,
                    server_folders=self._paths.server_folders if self._saves else None,
                )
            return self._box

    async def offer(self, wanted: Sequence[str]) -> tuple[Tool, ...]:
        """See Toolbox."""
        return await (await self._toolbox()).offer(wanted)

    async def sources(self) -> tuple[ToolSource, ...]:
        """See Toolbox."""
        return await (await self._toolbox()).sources()

    async def run(
        self,
        tool: Tool,
        arguments: Mapping[str, Any],
        *,
        keeps_files: bool = True,
        rules: Sequence[ConsentRule] = (),
    ) -> ToolOutcome:
        """See Toolbox."""
        box = await self._toolbox()
        return await box.run(tool, arguments, keeps_files=keeps_files, rules=rules)

    @asynccontextmanager
    async def place(self, tool: Tool) -> AsyncIterator[None]:
        """See Toolbox."""
        async with (await self._toolbox()).place(tool):
            yield

    async def resources(self, wanted: Sequence[str]) -> tuple[Offer, ...]:
        """See Toolbox."""
        return await (await self._toolbox()).resources(wanted)

    async def read_resource(self, resource: Offer) -> FilePart | ImagePart:
        """See Toolbox."""
        return await (await self._toolbox()).read_resource(resource)

    async def prompts(self, wanted: Sequence[str]) -> tuple[Offer, ...]:
        """See Toolbox."""
        return await (await self._toolbox()).prompts(wanted)

    async def fill_prompt(self, prompt: Offer, arguments: Mapping[str, str]) -> str:
        """See Toolbox."""
        return await (await self._toolbox()).fill_prompt(prompt, arguments)

    async def close(self) -> None:
        """See Toolbox."""
        if self._box is not None:
            await self._box.close()


class FileKeeper:
    """Saves images of replies in the folder of tool files."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def __call__(self, data: bytes, media_type: str) -> KeptFile | None:
        """Save an image. Returns its file, None if it was not saved. Blocks. Raises OSError."""
        from replyscope.toolbox.files import KeptFiles  # few replies have images

        _, files = KeptFiles(self._folder).take(data, media_type)
        return files[0] if files else None
