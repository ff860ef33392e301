"""Who decides whether a call may run: a standing rule, a word given for the session, or
the person. Without any of them it does not run.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from replyscope.domain.exchange import ToolCall
from replyscope.domain.tool import ConsentRule, Decision, Tool
from replyscope.inspection.argument_check import as_texts, check_arguments


@dataclass(frozen=True, slots=True)
class CallToDecide:
    """A call that wants to run, as the person is asked about it."""

    session_id: str
    call: ToolCall
    tool: Tool


AskPerson = Callable[[CallToDecide], Awaitable[Decision]]


async def refuse(_wanted: CallToDecide) -> Decision:
    """The answer where there is no person to ask: the call waits for one."""
    return Decision(False, "nobody", stops=True)


async def say_yes(_wanted: CallToDecide) -> Decision:
    """The answer of a person who said --yes."""
    return Decision(True, "--yes")


class Consent:
    """`ask` is whom to ask where no rule speaks. `rules` are read anew at each call."""

    def __init__(self, rules: Callable[[], Sequence[ConsentRule]], ask: AskPerson = refuse) -> None:
        self.ask = ask
        self._rules = rules
        self._granted: set[tuple[str, Tool]] = set()

    def grant(self, session_id: str, tool: Tool) -> None:
        """Allow a tool, exactly as it is described now, until the program ends."""
        self._granted.add((session_id, tool))

    async def decide(self, wanted: CallToDecide) -> Decision:
        """A rule that forbids comes first; then what allows; then the person."""
        tool = wanted.tool
        given = as_texts(check_arguments(wanted.call.arguments, "{}").value)
        covering = [rule for rule in self._rules() if rule.covers(tool.full_name, given)]
        if any(not rule.allows for rule in covering):
            return Decision(False, "a rule in the settings", "A rule of the person forbids it.")
        if not tool.always_asks:
            if covering:
                return Decision(True, "a rule in the settings")
            if (wanted.session_id, tool) in self._granted:
                return Decision(True, "you, for this session")
        return await self.ask(wanted)
