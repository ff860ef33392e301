"""Joins the results of tool calls, which the next request of a program brings, with the calls."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from replyscope.domain.exchange import Exchange
from replyscope.domain.message import ToolResultPart

_MOST = 1_000
_MOST_CHARACTERS = 8 * 1024 * 1024

_Key = tuple[str, str]
"""A session and the id of a tool call."""


@dataclass(slots=True)
class LateResults:
    """The calls whose results are still to come, and the results whose call has not ended yet.

    Both are bounded: the oldest are dropped first.
    """

    _callers: OrderedDict[_Key, str] = field(default_factory=OrderedDict)
    _early: OrderedDict[_Key, ToolResultPart] = field(default_factory=OrderedDict)
    _characters: int = 0

    def ended(self, call_id: str, session_id: str, exchange: Exchange) -> list[ToolResultPart]:
        """A reply has ended. Returns the results that arrived before that."""
        found = []
        for tool_call in (one for choice in exchange.choices for one in choice.tool_calls):
            key = (session_id, tool_call.id)
            early = self._early.pop(key, None)
            if early is not None:
                self._characters -= len(early.output)
                found.append(early)
            else:
                self._callers[key] = call_id
        while len(self._callers) > _MOST:
            self._callers.popitem(last=False)
        return found

    def came(
        self, session_id: str, results: Iterable[ToolResultPart]
    ) -> dict[str, list[ToolResultPart]]:
        """A request has brought results. Returns the results of ended calls, by watched call."""
        found: dict[str, list[ToolResultPart]] = {}
        for result in results:
            key = (session_id, result.call_id)
            caller = self._callers.pop(key, None)
            if caller is not None:
                found.setdefault(caller, []).append(result)
            elif key not in self._early:
                self._early[key] = result
                self._characters += len(result.output)
        while len(self._early) > _MOST or self._characters > _MOST_CHARACTERS:
            self._characters -= len(self._early.popitem(last=False)[1].output)
        return found


def by_call(results: Sequence[ToolResultPart]) -> dict[str, ToolResultPart]:
    """Results by the id of their tool call."""
    return {result.call_id: result for result in results}
