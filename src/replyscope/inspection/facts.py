"""Extracts the searchable facts of an exchange: numbers, names, marks and texts. Pure."""

from collections.abc import Iterable, Mapping

from replyscope.domain.exchange import Exchange, ExchangeState
from replyscope.domain.facts import CallFacts, Facts, Mark
from replyscope.domain.message import (
    AudioPart,
    DocumentPart,
    FilePart,
    ImagePart,
    Part,
    TextPart,
    ToolResultPart,
)
from replyscope.domain.query_fields import names_of, numbers_of
from replyscope.domain.rule import Action
from replyscope.domain.tool import ToolCallState
from replyscope.inspection.findings import find_oddities

_FLAGGED = f"→ {Action.FLAG.value}"
_FAILED = (ToolCallState.FAILED, ToolCallState.INTERRUPTED)
_BROKEN = (ExchangeState.TRUNCATED, ExchangeState.FAILED, ExchangeState.CANCELLED)


def facts_of(
    exchange: Exchange,
    prompt: Iterable[Part] = (),
    results: Mapping[str, ToolResultPart] | None = None,
) -> Facts:
    """The facts of an exchange, of the prompt that it answers, and of its tool results."""
    prompt = tuple(prompt)
    reasonings = [choice.reasoning for choice in exchange.choices if choice.reasoning]
    return Facts(
        numbers=numbers_of(exchange),
        names=names_of(exchange),
        marks=frozenset(_marks(exchange, prompt, results or {})),
        is_cost_reported=exchange.reported_cost_usd is not None,
        prompt="\n".join(_words(prompt)),
        text="\n".join(
            filter(None, (said for c in exchange.choices for said in (c.text, c.refusal)))
        ),
        reasoning="\n".join(reasonings),
        calls="\n".join(_call_words(exchange, results or {})),
        choices=tuple((choice.index, choice.text) for choice in exchange.choices if choice.text),
        tool_calls=tuple(_calls(exchange, results or {})),
        started_at=exchange.started_at,
    )


def _calls(exchange: Exchange, results: Mapping[str, ToolResultPart]) -> Iterable[CallFacts]:
    for choice in exchange.choices:
        for call in choice.tool_calls:
            part = results.get(call.id)
            state, took_ms = call.state, call.duration_ms
            if part is not None:
                state, took_ms = part.state, part.duration_ms
            yield CallFacts(
                call.id, call.kind, call.name, call.arguments, state.value, call.result, took_ms
            )


def _marks(
    exchange: Exchange, prompt: tuple[Part, ...], results: Mapping[str, ToolResultPart]
) -> Iterable[Mark]:
    calls = [call for choice in exchange.choices for call in choice.tool_calls]
    said = any(choice.text or choice.reasoning for choice in exchange.choices)
    holds = {
        Mark.ERROR: exchange.failure is not None,
        Mark.TOOL: bool(calls),
        Mark.IMAGE: any(isinstance(part, ImagePart) for part in prompt)
        or any(call.kind == "image_generation_call" for call in calls),
        Mark.REASONING: any(choice.reasoning for choice in exchange.choices),
        Mark.FINDING: bool(find_oddities(exchange)),
        Mark.FLAGGED: any(firing.endswith(_FLAGGED) for firing in exchange.firings),
        Mark.PARTIAL: said and exchange.state in _BROKEN,
        Mark.TOOL_FAILED: any(
            state in _FAILED
            for state in (*(c.state for c in calls), *(r.state for r in results.values()))
        ),
    }
    return (mark for mark, held in holds.items() if held)


def _words(parts: Iterable[Part]) -> Iterable[str]:
    for part in parts:
        match part:
            case TextPart(text=text):
                yield text
            case FilePart(name=name, text=text) | DocumentPart(name=name, text=text):
                yield name
                yield text
            case ImagePart(name=name) | AudioPart(name=name):
                yield name


def _call_words(exchange: Exchange, results: Mapping[str, ToolResultPart]) -> Iterable[str]:
    for choice in exchange.choices:
        for call in choice.tool_calls:
            yield call.name
            yield call.arguments
            part = results.get(call.id)
            yield part.output if part is not None else call.result or ""
