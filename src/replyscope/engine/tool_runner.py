"""Runs the tool calls of one reply: validates them, gets consent, and runs them concurrently.

The state of a call is saved before it starts and when it ends, so that a call that may have
run never looks like one that has not.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from replyscope.domain.exchange import APPROVAL, ToolCall
from replyscope.domain.json_text import read_json
from replyscope.domain.message import ToolResultPart
from replyscope.domain.ports import Clock, Toolbox
from replyscope.domain.tool import (
    ConsentRule,
    Decision,
    Tool,
    ToolCallState,
    ToolOutcome,
    ToolSettings,
)
from replyscope.domain.values import dataclass
from replyscope.engine.consent import CallToDecide, Consent
from replyscope.engine.reply_images import KeepFile
from replyscope.engine.rules import RuleBook
from replyscope.inspection.argument_check import check_arguments
from replyscope.inspection.schema_check import find_faults

_log = logging.getLogger(__name__)
_MOST_DETAIL = 20_000


@dataclass(frozen=True, slots=True)
class Tooling:
    """The services and settings with which a conversation runs tools and rules.

    `settings` is called at each turn. With `keeps_files`, images and binary results are saved as
    files; `keep_file` writes a file.
    """

    box: Toolbox
    consent: Consent
    settings: Callable[[], ToolSettings]
    rule_book: Callable[[], RuleBook | None] = lambda: None
    keeps_files: bool = True
    keep_file: KeepFile | None = None

    def for_private(self) -> "Tooling":
        """A copy for a private session: neither tools nor rules write to the disk."""

        def book() -> RuleBook | None:
            made = self.rule_book()
            if made is not None:
                made.is_private = True
            return made

        return replace(self, rule_book=book, keeps_files=False)

    async def run(
        self, tool: Tool, arguments: Mapping[str, Any], rules: Sequence[ConsentRule] = ()
    ) -> ToolOutcome:
        """Run a tool, unless a rule forbids it. `rules` are the rules that allowed it."""
        if await self.consent.forbids(tool, arguments):
            return ToolOutcome("Error: a rule of the user forbids it.", is_error=True)
        return await self.box.run(tool, arguments, keeps_files=self.keeps_files, rules=rules)


Save = Callable[[tuple[ToolResultPart, ...]], Awaitable[None]]


class ToolRunner:
    """The tool calls of one reply. `parts` are their results, in the order of the reply."""

    def __init__(
        self,
        session_id: str,
        calls: Sequence[ToolCall],
        parts: Sequence[ToolResultPart],
        offered: Sequence[Tool],
        tooling: Tooling,
        clock: Clock,
        save: Save,
        runner: str = "",
    ) -> None:
        self.parts = list(parts)
        self._session_id = session_id
        self._calls = {call.id: call for call in calls}
        self._offered = {tool.name: tool for tool in offered}
        self._tooling = tooling
        self._settings = tooling.settings()
        self._clock = clock
        self._save = save
        self._runner = runner
        self.is_stopped = False
        """Whether the person left a call waiting."""
        self.version = 0
        """Grows with every change of a call."""

    async def run(self) -> None:
        """Run the waiting calls. Cancelling kills the running tools and marks their calls.

        A call that was running may have had effects: it is not run again.
        """
        before, self.parts = self.parts, [part.interrupted() for part in self.parts]
        if self.parts != before:
            await self._save(tuple(self.parts))
        waiting = [n for n, p in enumerate(self.parts) if p.state is ToolCallState.REQUESTED]
        try:
            async with asyncio.TaskGroup() as group:
                for number in waiting:
                    group.create_task(self._answer(number))
        except BaseExceptionGroup as error:
            raise error.exceptions[0] from None
        finally:
            if any(part.state is ToolCallState.RUNNING for part in self.parts):
                self.parts = [part.interrupted() for part in self.parts]
                await asyncio.shield(self._save(tuple(self.parts)))

    async def _answer(self, number: int) -> None:
        """Validate one call, get consent, run it, and save its result."""
        part = self.parts[number]
        call = self._calls.get(part.call_id)
        if call is None:
            await self._set(number, _failed(part, "Error: this call is not in the reply."))
            return
        if call.kind == APPROVAL:
            await self._approve(number, call)
            return
        tool = self._offered.get(call.name)
        if tool is None:
            names = ", ".join(sorted(self._offered)) or "none"
            words = f"Error: there is no tool named {call.name}. The tools are: {names}."
            await self._set(number, _failed(part, words))
            return
        part = replace(part, source=tool.source, schema=tool.schema)
        problems = check_arguments(call.arguments, tool.schema).problems
        if problems:
            words = "Error: the arguments do not fit, and nothing ran. " + "; ".join(problems)
            await self._set(number, _failed(part, words))
            return
        decision = await self._tooling.consent.decide(CallToDecide(self._session_id, call, tool))
        part = replace(part, allowed_by=decision.by)
        if decision.stops:
            self.is_stopped = True
            return
        if not decision.allows:
            await self._set(number, _refused(part, decision))
            return
        async with self._tooling.box.place(tool):
            await self._run(number, part, tool, decision)

    async def _run(self, number: int, part: ToolResultPart, tool: Tool, decision: Decision) -> None:
        call = self._calls[part.call_id]
        arguments = decision.arguments or call.arguments
        value = json.loads(arguments or "{}")
        normal = await asyncio.to_thread(self._tooling.consent.normal, tool, value)
        if normal != value:
            arguments = json.dumps(normal, ensure_ascii=False)
        changed = arguments if arguments != call.arguments else None
        now_ms = round(self._clock.now().timestamp() * 1000)
        part = replace(
            part,
            state=ToolCallState.RUNNING,
            arguments=changed,
            started_ms=now_ms,
            duration_ms=None,
            runner=self._runner,
        )
        await self._set(number, part)
        started_ms = self._clock.monotonic_ms()
        outcome = await self._outcome(tool, normal, decision.rules)
        state = ToolCallState.FAILED if outcome.is_error else ToolCallState.COMPLETED
        part = replace(
            part,
            state=state,
            output=cut(outcome.output, self._settings.most_output) + misfit(tool, outcome),
            detail=outcome.detail[-_MOST_DETAIL:],
            files=outcome.files,
            duration_ms=self._clock.monotonic_ms() - started_ms,
        )
        await self._set(number, part)

    async def _outcome(
        self, tool: Tool, arguments: Mapping[str, Any], rules: Sequence[ConsentRule]
    ) -> ToolOutcome:
        timeout_s = self._settings.timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                return await self._tooling.run(tool, arguments, rules)
        except TimeoutError:
            words = f"Error: the tool was stopped after {timeout_s:g} s without a result."
            return ToolOutcome(words, is_error=True)
        except Exception as error:  # noqa: BLE001 - a tool's fault fails its call only
            _log.exception("tool %s failed", tool.full_name)
            return ToolOutcome(f"Error: {type(error).__name__}: {error}", is_error=True)

    async def _approve(self, number: int, call: ToolCall) -> None:
        """Ask for consent to a call that the provider runs."""
        source = f"provider:{call.server}" if call.server else "provider"
        reach = f"what the server {call.server or 'of the provider'} can reach"
        tool = Tool(call.name, "", "{}", source, call.name, reach)
        decision = await self._tooling.consent.decide(CallToDecide(self._session_id, call, tool))
        if decision.stops:
            self.is_stopped = True
            return
        word = "approve" if decision.allows else f"deny {decision.reason}".strip()
        state = ToolCallState.COMPLETED if decision.allows else ToolCallState.REFUSED
        part = replace(self.parts[number], output=word, state=state, allowed_by=decision.by)
        await self._set(number, replace(part, source=source))

    async def _set(self, number: int, part: ToolResultPart) -> None:
        self.parts[number] = part
        self.version += 1
        await self._save(tuple(self.parts))


def cut(output: str, most: int) -> str:
    """The output, cut to `most` characters. A note at the end says that it was cut."""
    if len(output) <= most:
        return output
    return f"{output[:most]}\n[cut: this is {most:,} of {len(output):,} characters]"


def misfit(tool: Tool, outcome: ToolOutcome) -> str:
    """A note on a result that does not match its tool's output schema; empty when it does."""
    if not tool.output_schema or outcome.is_error:
        return ""
    if outcome.structured is None:
        return "\n[note: the tool has an output schema, but sent no structured content]"
    faults = find_faults(read_json(outcome.structured), tool.output_schema)
    return f"\n[note: this does not match the tool's output schema: {'; '.join(faults)}]" * bool(
        faults
    )


def _failed(part: ToolResultPart, words: str) -> ToolResultPart:
    return replace(part, state=ToolCallState.FAILED, output=words)


def _refused(part: ToolResultPart, decision: Decision) -> ToolResultPart:
    words = "The user did not allow this call. Nothing ran."
    told = f"{words} Their reason: {decision.reason}" if decision.reason else words
    return replace(part, state=ToolCallState.REFUSED, output=told)
