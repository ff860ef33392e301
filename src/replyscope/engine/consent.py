"""Consent to tool calls: by a rule, by a grant for the session, or by the person's answer.

Without consent a call does not run.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from replyscope.domain.errors import SettingsError
from replyscope.domain.exchange import ToolCall
from replyscope.domain.glob import escaped
from replyscope.domain.readings import normal_arguments, read_arguments
from replyscope.domain.tool import ConsentRule, Decision, Tool
from replyscope.domain.unicode_text import sound_values
from replyscope.domain.values import dataclass
from replyscope.domain.working_folder import WorkingFolder
from replyscope.inspection.argument_check import as_texts, check_arguments, defaults_of


@dataclass(frozen=True, slots=True)
class CallToDecide:
    """A tool call that needs consent, with what the person is shown about it."""

    session_id: str
    call: ToolCall
    tool: Tool


AskPerson = Callable[[CallToDecide], Awaitable[Decision]]


async def refuse(_wanted: CallToDecide) -> Decision:
    """The answer when no person can be asked: the call keeps waiting."""
    return Decision(False, "nobody", stops=True)


async def say_yes(_wanted: CallToDecide) -> Decision:
    """The answer with --yes: every call is allowed."""
    return Decision(True, "--yes")


def folder_at(path: Path) -> WorkingFolder:
    """The working folder at a path."""
    return WorkingFolder(os.path.realpath(path), os.path.expanduser("~"), os.path.realpath)


class Consent:
    """Decides whether a tool call may run.

    `ask` asks the person when no rule applies. `rules` is called for each decision; `folder` is
    the working folder of the tools.
    """

    def __init__(
        self,
        rules: Callable[[], Sequence[ConsentRule]],
        ask: AskPerson = refuse,
        folder: Callable[[], Path] = Path.cwd,
    ) -> None:
        self.ask = ask
        self._rules = rules
        self._folder = folder
        self._granted: set[tuple[str, Tool]] = set()

    def grant(self, session_id: str, tool: Tool) -> None:
        """Allow a tool until the program ends. A changed description needs consent again."""
        self._granted.add((session_id, tool))

    async def decide(self, wanted: CallToDecide) -> Decision:
        """Decide by the rules that forbid, then by the rules that allow, then by asking.

        Arguments that the person changed are checked again.
        """
        tool = wanted.tool
        arguments = _read(wanted.call.arguments)
        covering = await self._covering(tool, arguments)
        if any(not rule.allows for rule in covering):
            return _FORBIDDEN
        if not tool.always_asks:
            if covering:
                return Decision(True, "a rule in the settings", rules=tuple(covering))
            if (wanted.session_id, tool) in self._granted:
                return Decision(True, "you, for this session")
        decision = await self.ask(wanted)
        if decision.arguments is not None and await self.forbids(tool, _read(decision.arguments)):
            return _FORBIDDEN
        return decision

    async def forbids(self, tool: Tool, arguments: Mapping[str, Any]) -> bool:
        """Whether a rule forbids a call."""
        return any(not rule.allows for rule in await self._covering(tool, arguments))

    async def _covering(self, tool: Tool, arguments: Mapping[str, Any]) -> list[ConsentRule]:
        rules = [rule for rule in self._rules() if rule.names(tool.full_name)]
        if not rules:
            return []
        # It resolves symbolic links, and a slow disk must not block the screen.
        return await asyncio.to_thread(self._find, rules, tool, arguments)

    def _find(
        self, rules: Sequence[ConsentRule], tool: Tool, arguments: Mapping[str, Any]
    ) -> list[ConsentRule]:
        folder = folder_at(self._folder())
        given = read_arguments(tool.full_name, arguments, folder)
        defaults = read_arguments(tool.full_name, defaults_of(tool.schema), folder)
        return [rule for rule in rules if rule.covers(tool.full_name, given, defaults)]

    async def patterns_of(self, wanted: CallToDecide) -> list[tuple[str, str]]:
        """A pattern for each argument of a call, by name, that matches exactly its value."""
        value = check_arguments(wanted.call.arguments, "{}").value
        given = as_texts(await asyncio.to_thread(self.normal, wanted.tool, value))
        return [(name, escaped(text)) for name, text in given]

    async def rule_for(
        self, wanted: CallToDecide, patterns: Sequence[tuple[str, str]]
    ) -> ConsentRule:
        """A rule that allows calls like this one. Raises SettingsError if a pattern is invalid,
        or the rule does not cover the call.
        """
        tool = wanted.tool
        try:
            rule = ConsentRule(escaped(tool.full_name), True, tuple(patterns))
        except ValueError as error:
            raise SettingsError(f"A pattern is wrong: {error}.", "Nothing was saved.") from error
        given = _read(wanted.call.arguments)
        if not await asyncio.to_thread(self._find, [rule], tool, given):
            raise SettingsError("The patterns do not match this call.", "Nothing was saved.")
        return rule

    def normal(self, tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The normalised arguments, for the tool and for the rules. Blocks."""
        return normal_arguments(tool.full_name, arguments, folder_at(self._folder()))


def allowing_rules(rules: Iterable[ConsentRule]) -> list[dict[str, object]]:
    """The rules that allow calls, as the entries of `[[tools.allow]]` in the settings."""
    return [{"tool": rule.tool, "arguments": dict(rule.patterns)} for rule in rules if rule.allows]


_FORBIDDEN = Decision(False, "a rule in the settings", "A rule of the user forbids it.")


def _read(arguments: str) -> dict[str, Any]:
    value: dict[str, Any] = sound_values(dict(check_arguments(arguments, "{}").value))
    return value
