"""Replies and queries that every search must answer alike."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from replyscope.domain.exchange import Choice, Exchange, ExchangeState, Timing, ToolCall, Usage
from replyscope.domain.finish import FinishReason
from replyscope.domain.query import term_of
from replyscope.domain.query_fields import FIELDS
from tests.support.build import make_exchange

TERMS: Sequence[str] = (
    "alpha", "al", '"alpha beta"', "beta", "-gamma", "finish:stop", "finish:length", "tokens:>15",
    "tokens:<=20", "-tokens:>15", "model:s*", "has:tool", "-has:tool", "tool:read*",
    "on:2026-11-02", "before:2026-11-03", "after:2026-11-02", "title:two", "text:gamma",
    "cost:>0", "in:10", "out:<9", "tps:>1", "ttft:>1s", "duration:<=9000ms",
    "api:chat", "api:r*", "tag:work", "-tag:w?rk", "title:tit",
    '"-"', 'model:"s*"', "asked:big", "asked:s*", "source:w*", "source:replyscope",
    "client:agent", "client:python", "-client:agent", "client:*py", "client:ent", "client:?gent",
)  # fmt: skip
EVERY_VALUE: Sequence[str] = tuple(
    term_of(name, value)
    for name, field in FIELDS.items()
    for value in (field.example, *field.values)
)
"""The examples of every field, and each word of those that have a fixed choice."""


def answer(
    text: str, *calls: ToolCall, finish: FinishReason = FinishReason.STOP, model: str = "small"
) -> Exchange:
    """A completed reply."""
    choice = Choice(0, text, finish_reason=finish, tool_calls=calls)
    return make_exchange(model=model, state=ExchangeState.COMPLETED, choices=(choice,))


def example_replies() -> Mapping[str, Exchange]:
    """Three replies that differ in every field, by the name of their session."""
    call = ToolCall("c", "function", "read_file", "{}")
    return {
        "one": answer("alpha beta"),
        "two": replace(
            answer("beta gamma", call),
            usage=Usage(10, 10, 20),
            timing=Timing(first_token_ms=1_500, last_token_ms=3_500, duration_ms=4_000),
            estimated_cost_usd=0.5,
        ),
        "six": replace(
            answer("alphabet", finish=FinishReason.LENGTH, model="big"),
            usage=Usage(5, None, 10),
            reported_cost_usd=0.25,
        ),
    }
