"""Runs Python functions as tools, always in a child process.

Each description of a file and each tool call starts one. A timeout or a cancel kills it.
"""

import asyncio
import base64
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replyscope.domain.environment import (
    NETWORK,
    kept_environment,
    tool_environment,
    without_secrets,
)
from replyscope.domain.plural import plural
from replyscope.domain.regular_file import open_regular
from replyscope.domain.route import system_environment
from replyscope.domain.tool import (
    SHIPPED,
    ConsentRule,
    Tool,
    ToolOutcome,
    ToolSettings,
    ToolSource,
)
from replyscope.toolbox.files import KeptFiles
from replyscope.toolbox.permit import rules_as_text
from replyscope.toolbox.process import Ended, run_process
from replyscope.toolbox.slots import Slots

_log = logging.getLogger(__name__)
_DESCRIBE_S = 20.0
SHIPPED_FILE = Path(__file__).with_name("shipped.py")
_CHILD = Path(__file__).with_name("child.py")
_ISOLATED = ("-E", "-P")
"""PYTHON* variables are ignored; neither the working folder nor the script's is on the path."""
_OWN = "everything that your user account can access"


@dataclass(frozen=True, slots=True)
class _Described:
    stamp: int
    tools: tuple[Tool, ...]
    fault: str


class FunctionTools:
    """The tools of Python files. A file with an import error is reported and skipped.

    `folder` is the working folder of the tools.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        folder: Path,
        settings: Callable[[], ToolSettings],
    ) -> None:
        self._paths = [SHIPPED_FILE, *paths]
        self._folder = folder
        self._settings = settings
        self._known: dict[Path, _Described] = {}
        self.slots = Slots(lambda: settings().processes)
        """The limit on processes; a caller of `run` must hold a slot."""

    async def tools(self) -> tuple[Tool, ...]:
        """The tools of every readable file."""
        described = await asyncio.gather(*(self._describe(path) for path in self._paths))
        return tuple(tool for one in described for tool in one.tools)

    async def sources(self) -> tuple[ToolSource, ...]:
        """The files, with their errors."""
        described = await asyncio.gather(*(self._describe(path) for path in self._paths))
        return tuple(
            ToolSource(_source_of(path), plural(len(one.tools), "tool"), one.fault)
            for path, one in zip(self._paths, described, strict=True)
        )

    async def _describe(self, path: Path) -> _Described:
        try:
            with open_regular(path) as file:
                stamp = os.fstat(file.fileno()).st_mtime_ns
        except OSError as error:
            return _Described(0, (), f"{path} can't be read ({error.strerror}).")
        known = self._known.get(path)
        if known is None or known.stamp != stamp:
            known = self._known[path] = await self._describe_anew(path, stamp)
        return known

    async def _describe_anew(self, path: Path, stamp: int) -> _Described:
        try:
            async with self.slots, asyncio.timeout(_DESCRIBE_S):
                ended = await self._child("describe", path)
        except TimeoutError:
            return _Described(stamp, (), f"{path} was still loading after {_DESCRIBE_S:g} s.")
        answer = _answer_of(ended)
        if "tools" not in answer:
            detail = answer.get("traceback") or answer.get("error") or "no answer"
            return _Described(stamp, (), f"{path} does not load:\n{detail}")
        tools = tuple(
            Tool(
                name=entry["name"],
                description=entry["description"],
                schema=json.dumps(entry["schema"]),
                source=_source_of(path),
                own_name=entry["name"],
                touches=entry["touches"] or _OWN,
                always_asks=entry["always_asks"],
            )
            for entry in answer["tools"]
        )
        return _Described(stamp, tools, "\n".join(answer["faults"]))

    async def run(
        self,
        tool: Tool,
        arguments: Mapping[str, Any],
        kept: KeptFiles,
        rules: Sequence[ConsentRule] = (),
    ) -> ToolOutcome:
        """Run a tool. `rules` are the rules that allowed the call."""
        path = next(path for path in self._paths if _source_of(path) == tool.source)
        given = json.dumps(dict(arguments)).encode()
        ended = await self._child("call", path, tool.own_name, given=given, rules=rules)
        printed = ended.errors.decode("utf-8", "replace")
        answer = _answer_of(ended)
        if "text" in answer:
            return ToolOutcome(answer["text"], detail=printed)
        if "data" in answer:
            data = base64.b64decode(answer["data"])
            try:
                output, files = await asyncio.to_thread(kept.take, data)
            except OSError as error:
                output, files = f"{len(data):,} bytes that cannot be saved: {error.strerror}", ()
            return ToolOutcome(output, detail=printed, files=files)
        detail = "\n".join(filter(None, (answer.get("traceback", ""), printed)))
        return ToolOutcome(f"Error: {answer['error']}", is_error=True, detail=detail)

    async def _child(
        self,
        what: str,
        path: Path,
        *more: str,
        given: bytes = b"",
        rules: Sequence[ConsentRule] = (),
    ) -> Ended:
        command = (sys.executable, *_ISOLATED, str(_CHILD), what, str(path), *more)
        settings = self._settings()
        if path == SHIPPED_FILE:  # the model chooses its commands: no extra variables
            kept = without_secrets(tool_environment(os.environ), settings.key_variables)
            kept["REPLYSCOPE_RULES"] = rules_as_text(settings.consent, rules)
            if more == ("http_get",):  # only http_get gets proxy passwords
                kept |= kept_environment(system_environment(), NETWORK, separator=os.pathsep)
        else:
            kept = tool_environment(os.environ, settings.environment)
        environment = {**kept, "REPLYSCOPE_HTTP_HOSTS": json.dumps(settings.http_hosts)}
        return await run_process(command, given=given, folder=self._folder, environment=environment)


def _source_of(path: Path) -> str:
    return SHIPPED if path == SHIPPED_FILE else f"tools:{path.name}"


def _answer_of(ended: Ended) -> dict[str, Any]:
    """The answer of a child process, or an error with its exit status."""
    if ended.is_flooding:
        return {"error": "the result is larger than 8 MB"}
    try:
        answer = json.loads(ended.output)
    except ValueError:
        answer = None
    if isinstance(answer, dict):
        return answer
    how = f"signal {-ended.status}" if ended.status < 0 else f"status {ended.status}"
    said = ended.errors.decode("utf-8", "replace")
    return {"error": f"the tool's process ended without a result ({how})", "traceback": said}
