"""Why a choice stopped, derived by one pure function.

The server's own word is always kept beside the derived one.
"""

from dataclasses import dataclass
from enum import StrEnum


class FinishReason(StrEnum):
    """Why a choice stopped, in one vocabulary for every server and API."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    NEEDS_APPROVAL = "needs_approval"
    CANCELLED = "cancelled"
    ERROR = "error"
    TRUNCATED = "truncated"
    UNSTATED = "unstated"
    OTHER = "other"


class StreamEnd(StrEnum):
    """How the stream itself ended, whatever the choices said."""

    DONE = "done"
    """The [DONE] marker or a terminal event came."""
    CLOSED = "closed"
    """The connection closed in order, but without a marker."""
    BROKEN = "broken"
    """The connection broke off."""
    FAILED = "failed"
    """The server, or we, reported an error."""
    CANCELLED = "cancelled"
    """The person stopped it."""
    DETACHED = "detached"
    """The person left; the server goes on with it in the background."""


_KNOWN = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
}

_WITHOUT_WORD = {
    StreamEnd.DONE: FinishReason.UNSTATED,
    StreamEnd.CLOSED: FinishReason.TRUNCATED,
    StreamEnd.BROKEN: FinishReason.TRUNCATED,
    StreamEnd.FAILED: FinishReason.ERROR,
    StreamEnd.CANCELLED: FinishReason.CANCELLED,
    StreamEnd.DETACHED: FinishReason.TRUNCATED,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a choice came to, beside the server's word for it."""

    has_open_calls: bool = False
    """It asked for tools that wait for somebody to run them."""
    needs_approval: bool = False
    """It asked for leave to run a tool."""
    has_refusal: bool = False


_INCOMPLETE = {
    "max_output_tokens": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
}


def derive_finish_of_response(
    status: str | None, reason: str | None, outcome: Outcome, *, end: StreamEnd
) -> tuple[FinishReason, str | None]:
    """The finish reason of a response, and the server's own word for it.

    `status` is the last `response.status`, None when none came; `reason` the one in
    `incomplete_details`. Without a terminal status, the way the stream ended decides.
    """
    match status:
        case "failed":
            return FinishReason.ERROR, status
        case "cancelled":
            return FinishReason.CANCELLED, status
        case "incomplete":
            return _INCOMPLETE.get(reason or "", FinishReason.OTHER), reason or status
        case "completed" if outcome.has_open_calls:
            return FinishReason.TOOL_CALLS, status
        case "completed" if outcome.needs_approval:
            return FinishReason.NEEDS_APPROVAL, status
        case "completed" if outcome.has_refusal:
            return FinishReason.REFUSAL, status
        case "completed":
            return FinishReason.STOP, status
    if end in (StreamEnd.DONE, StreamEnd.CLOSED):
        return FinishReason.TRUNCATED, None
    return _WITHOUT_WORD[end], None


def derive_finish(raw: str | None, outcome: Outcome, *, end: StreamEnd) -> FinishReason:
    """The finish reason of a Chat Completions choice.

    `raw` is the server's word, None or "" when it gave none. A `stop` that came
    with tool calls means that the model waits for them; with a refusal, that it
    declined. Without a word, the way the stream ended decides.
    """
    if not raw:
        return _WITHOUT_WORD[end]
    reason = _KNOWN.get(raw, FinishReason.OTHER)
    if reason is FinishReason.STOP and outcome.has_open_calls:
        return FinishReason.TOOL_CALLS
    if reason is FinishReason.STOP and outcome.has_refusal:
        return FinishReason.REFUSAL
    return reason
