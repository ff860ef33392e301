"""The tool calls of a branch and their results. Pure functions."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from replyscope.domain.exchange import ANSWERABLE, Exchange, ToolCall
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Message, Role, ToolResultPart
from replyscope.domain.overlaid import Overlaid
from replyscope.domain.tool import ToolCallState
from replyscope.engine.tree import MessageTree


def calls_of(message: Message, exchanges: Mapping[str, Exchange]) -> tuple[ToolCall, ...]:
    """The calls at the end of a reply that need a result from this program."""
    if message.role is not Role.ASSISTANT or not message.sources:
        return ()
    source = message.sources[-1]
    exchange = exchanges.get(source.exchange_id)
    if exchange is None or not exchange.state.is_terminal:
        return ()
    choice = exchange.choice(source.choice_index)
    if choice.finish_reason not in (FinishReason.TOOL_CALLS, FinishReason.NEEDS_APPROVAL):
        return ()
    return tuple(call for call in choice.tool_calls if call.kind in ANSWERABLE)


def asked(calls: Iterable[ToolCall]) -> tuple[ToolResultPart, ...]:
    """A part without a result for each call."""
    return tuple(
        ToolResultPart(call.id, "", call.name, ToolCallState.REQUESTED, call.kind) for call in calls
    )


def results_under(message: Message, tree: MessageTree) -> dict[str, ToolResultPart]:
    """The results of a reply's calls, by call id. The server chooses the ids: another reply may
    use the same ones.
    """
    return {
        part.call_id: part
        for child in tree.children(message.id)
        if child.role is Role.TOOL
        for part in child.parts
        if isinstance(part, ToolResultPart)
    }


def exchanges_with_results(
    exchanges: Mapping[str, Exchange], tree: MessageTree
) -> Mapping[str, Exchange]:
    """Every exchange of a branch, with the results of its calls."""
    joined: dict[str, Exchange] = {}
    for message in tree.branch:
        if message.sources and (results := results_under(message, tree)):
            key = message.sources[-1].exchange_id
            if key in exchanges:
                joined[key] = with_results(joined.get(key) or exchanges[key], results)
    return Overlaid(joined, exchanges)


def with_result(call: ToolCall, results: Mapping[str, ToolResultPart]) -> ToolCall:
    """A call with its result."""
    part = results.get(call.id)
    if part is None or call.kind not in ANSWERABLE:
        return call
    return replace(
        call,
        state=part.state,
        result=part.output or None,
        duration_ms=part.duration_ms,
    )


def with_results(exchange: Exchange, results: Mapping[str, ToolResultPart]) -> Exchange:
    """An exchange with the results of its calls."""
    if not results or not any(choice.tool_calls for choice in exchange.choices):
        return exchange
    choices = tuple(
        replace(choice, tool_calls=tuple(with_result(c, results) for c in choice.tool_calls))
        for choice in exchange.choices
    )
    return replace(exchange, choices=choices)
