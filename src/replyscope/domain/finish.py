"""Why a choice stopped, derived by one pure function.

The server's own word is always kept beside the derived one.
"""

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
}


def derive_finish(
    raw: str | None, *, end: StreamEnd, has_tool_calls: bool, has_refusal: bool
) -> FinishReason:
    """The finish reason of a Chat Completions choice.

    `raw` is the server's word, None or "" when it gave none. A `stop` that came
    with tool calls means that the model waits for them; with a refusal, that it
    declined. Without a word, the way the stream ended decides.
    """
    if not raw:
        return _WITHOUT_WORD[end]
    reason = _KNOWN.get(raw, FinishReason.OTHER)
    if reason is FinishReason.STOP and has_tool_calls:
        return FinishReason.TOOL_CALLS
    if reason is FinishReason.STOP and has_refusal:
        return FinishReason.REFUSAL
    return reason
