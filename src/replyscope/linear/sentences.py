"""The facts of a reply in sentences: its ending, figures, tool calls and findings. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from replyscope.domain.exchange import Exchange, ToolCall
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import ToolResultPart
from replyscope.domain.plural import plural
from replyscope.domain.printable import exact_line, exact_text, printable_line, printable_text
from replyscope.domain.search import Hit
from replyscope.domain.session import SessionSummary
from replyscope.domain.tool import ToolCallState
from replyscope.inspection.arguments import one_line, readable_arguments, readable_result
from replyscope.inspection.asked_rows import asked_rows
from replyscope.inspection.explain import Mood, Remedy, explain
from replyscope.inspection.figures import (
    UNKNOWN,
    api_words,
    cost,
    count,
    dollars,
    rate,
    rate_limits,
    seconds,
    usage_rows,
)
from replyscope.inspection.findings import find_oddities
from replyscope.inspection.stats import short_version

Line = tuple[str, str]
"""A label and a text."""

_GISTS = {
    FinishReason.LENGTH: "cut at the limit",
    FinishReason.TOOL_CALLS: "the model requested tools",
    FinishReason.CONTENT_FILTER: "cut by the content filter",
    FinishReason.REFUSAL: "the model declined to answer",
    FinishReason.NEEDS_APPROVAL: "a tool call needs your approval",
    FinishReason.CANCELLED: "stopped",
    FinishReason.ERROR: "the request failed",
    FinishReason.TRUNCATED: "the stream broke off",
    FinishReason.UNSTATED: "the server gave no reason",
    FinishReason.OTHER: "a reason of this server",
}
_REMEDIES = {
    Remedy.CONTINUE: "/continue requests more of this reply",
    Remedy.RESUME: "/continue reads the rest",
    Remedy.RETRY: "/retry requests the reply again",
    Remedy.RAISE_LIMIT: "/raise doubles the token limit and continues",
    Remedy.RUN_TOOLS: "/run runs the tools",
}
_MOST_RESULT = 20_000


def known(text: str) -> str:
    """A figure in words: "unknown" instead of a dash."""
    return "unknown" if text == UNKNOWN else text


def finish_line(exchange: Exchange, choice: int) -> Line:
    """The finish reason in a few words."""
    if not exchange.state.is_terminal:
        return "finish", explain(exchange, choice).sentence
    reason = exchange.choice(choice).finish_reason or FinishReason.UNSTATED
    gist = _GISTS.get(reason, "")
    return "finish", f"{reason.value}, {gist}" if gist else reason.value


def ending_lines(exchange: Exchange, choice: int, *, is_begun: bool = False) -> list[Line]:
    """The ending of a reply: the finish reason, its cause, and the remedies. `is_begun` is
    whether the reply has text.
    """
    ending = explain(exchange, choice, is_begun=is_begun)
    lines = [finish_line(exchange, choice)]
    if ending.mood in (Mood.NOTE, Mood.BAD) and exchange.state.is_terminal:
        lines.append(("cause", printable_line(ending.sentence)))
    if ending.remedies:
        lines.append(("next", ". ".join(_REMEDIES[remedy] for remedy in ending.remedies) + "."))
    return lines


def figures_line(exchange: Exchange) -> Line:
    """Tokens, cost and time in one line."""
    timing = exchange.timing
    parts = [_tokens(exchange), f"cost {known(cost(exchange))}", seconds(timing.duration_ms)]
    return "tokens", "; ".join(parts)


def _tokens(exchange: Exchange) -> str:
    if exchange.usage is None:
        return "not reported"
    return ", ".join(
        f"{known(value)} {label}" for label, value in usage_rows(exchange.usage) if value != UNKNOWN
    )


def inspect_lines(
    exchange: Exchange,
    choice: int,
    results: Mapping[str, ToolResultPart],
    *,
    is_begun: bool = False,
) -> list[Line]:
    """Everything about a reply, in labelled sentences. `is_begun` is whether it has text."""
    timing = exchange.timing
    lines = [
        *ending_lines(exchange, choice, is_begun=is_begun),
        ("tokens", _tokens(exchange)),
        ("cost", known(cost(exchange))),
        (
            "time",
            f"first token after {known(seconds(timing.first_token_ms))}, "
            f"{seconds(timing.duration_ms)} total, speed {known(rate(exchange))}",
        ),
    ]
    lines += [(label, printable_line(text)) for label, text in asked_rows(exchange.extras)]
    calls = exchange.choice(choice).tool_calls
    lines.append(("tools", plural(len(calls), "tool call") if calls else "none"))
    for number, call in enumerate(calls, start=1):
        lines += call_lines(number, call, results.get(call.id))
    findings = find_oddities(exchange)
    lines.append(("findings", str(len(findings)) if findings else "none"))
    lines += [("finding", printable_line(finding)) for finding in findings]
    lines += [("rule", printable_line(firing)) for firing in exchange.firings]
    versions = map(short_version, exchange.prompt_versions)
    lines += [("prompt", printable_line(version)) for version in versions]
    return [*lines, *_identity(exchange)]


def _identity(exchange: Exchange) -> Iterator[Line]:
    answered = exchange.answered_model
    other = f", answered by {answered}" if answered not in (None, exchange.model) else ""
    yield "model", printable_line(f"{exchange.model}{other}")
    yield "provider", printable_line(f"{exchange.endpoint}, {api_words(exchange)} API")
    status = "no response" if exchange.status is None else f"HTTP {exchange.status}"
    yield "response", f"{status}, {plural(exchange.frame_count, 'frame')}. /wire reads them"
    for label, value in (
        ("response id", exchange.response_id),
        ("request id", exchange.request_id),
        ("service tier", exchange.service_tier),
    ):
        if value:
            yield label, printable_line(value)
    for label, value in rate_limits(exchange):
        yield "limit", printable_line(f"{value} {label}")
    yield "exchange id", exchange.id


def call_text(call: ToolCall) -> str:
    """A call in one line, whole, with invisible characters visible."""
    return f"{exact_line(call.name)}({one_line(call.arguments, len(call.arguments) * 12 + 100)})"


def result_line(call: ToolCall, part: ToolResultPart) -> Line:
    """The result of a call: its state, its time, and the beginning of its output."""
    took = f" in {seconds(part.duration_ms)}" if part.duration_ms is not None else ""
    first = part.output.strip().split("\n")[:2]
    shown = printable_line(" / ".join(first))[:300]
    return "tool", f"{exact_line(call.name)} {part.state.value}{took}: {shown or 'no output'}"


def call_lines(number: int, call: ToolCall, part: ToolResultPart | None) -> list[Line]:
    """A call with its arguments and its result."""
    state = part.state if part is not None else call.state
    took = part.duration_ms if part is not None else call.duration_ms
    time = f" in {seconds(took)}" if took is not None else ""
    lines = [(f"tool call {number}", f"{exact_line(call.name)}, {state.value}{time}")]
    arguments = readable_arguments(call)
    lines.append(("arguments", exact_text(arguments) or "none"))
    if part is not None and part.allowed_by:
        word = "refused by" if part.state is ToolCallState.REFUSED else "allowed by"
        lines.append((word, printable_line(part.allowed_by)))
    output = part.output if part is not None and part.output else call.result
    if output:
        lines.append(("result", printable_text(readable_result(output)[:_MOST_RESULT])))
    return lines


def when(moment: datetime) -> str:
    """A time in the local time zone."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def session_sentence(summary: SessionSummary) -> str:
    """A saved session in one sentence."""
    marks = (
        ("private", summary.is_private),
        ("pinned", summary.is_pinned),
        ("archived", summary.is_archived),
    )
    parts = [
        summary.title,
        when(summary.updated_at),
        plural(summary.exchange_count, "reply"),
        summary.model or "no model",
        *(name for name, is_on in marks if is_on),
        *(f"tag {tag}" for tag in summary.tags),
    ]
    return printable_line(", ".join(parts))


def hit_sentence(hit: Hit) -> str:
    """A found reply in one sentence."""
    parts = [
        hit.title,
        when(hit.started_at),
        hit.model,
        f"finish {hit.finish or hit.state}",
        f"{known(count(hit.tokens))} tokens",
        *([dollars(hit.cost_usd)] if hit.cost_usd is not None else []),
        *(
            name
            for name, is_on in (("pinned", hit.is_pinned), ("deleted", hit.is_deleted))
            if is_on
        ),
        *(f"tag {tag}" for tag in hit.tags),
    ]
    return printable_line(f"{', '.join(parts)}: {hit.snippet}")
