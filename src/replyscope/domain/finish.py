"""The finish reason of a choice, derived by one pure function.

The server's value is always stored together with the derived one.
"""

import re
from enum import StrEnum

from replyscope.domain.values import dataclass


class FinishReason(StrEnum):
    """The finish reason of a choice, in one vocabulary for every server and API."""

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
    """The end of the stream itself, independent of the choices' finish reasons."""

    DONE = "done"
    """The [DONE] marker or a terminal event arrived."""
    CLOSED = "closed"
    """The connection closed cleanly, but without a marker."""
    BROKEN = "broken"
    """The connection broke off."""
    FAILED = "failed"
    """The server or this program reported an error."""
    CANCELLED = "cancelled"
    """The person cancelled it."""
    DETACHED = "detached"
    """The person left; the server continues in the background."""


_WORDS = {
    FinishReason.STOP: "stop end_turn end stop_sequence eos eos_token eos_found done complete "
    "completed finish finished normal stopped natural",
    FinishReason.LENGTH: "length max_tokens max_output_tokens max_completion_tokens max_new_tokens "
    "max_token max_length model_length token_limit limit max_messages context_length "
    "model_context_window_exceeded context_window_exceeded context_length_exceeded "
    "output_limit truncated incomplete",
    FinishReason.TOOL_CALLS: "tool_calls tool_call tool_use tool function_call function_calls "
    "toolcalls toolcall tooluse functioncall requires_action",
    FinishReason.CONTENT_FILTER: "content_filter content_filtered contentfilter safety recitation "
    "blocklist prohibited_content spii image_safety image_prohibited_content sensitive moderation "
    "guardrail guardrail_intervened guardrails blocked content_policy content_policy_violation "
    "policy_violation",
    FinishReason.REFUSAL: "refusal refused",
    FinishReason.CANCELLED: "cancelled canceled steered",
    FinishReason.ERROR: "error network_error server_error system_error internal_error failed "
    "failure fail timeout timed_out insufficient_system_resource malformed_function_call "
    "unexpected_tool_call upstream_error engine_error exception abort aborted interrupted",
}
_KNOWN = {word: reason for reason, words in _WORDS.items() for word in words.split()}
"""The values of servers and gateways for each reason. Gemini writes capitals, Anthropic and
Cohere have their own names, DeepSeek and Z.ai name faults.
"""


def read_finish_word(raw: str) -> FinishReason:
    """The reason for a server's value, in any case and spelling."""
    word = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", raw.strip())
    word = re.sub(r"[^a-z0-9]+", "_", word.lower()).strip("_")
    word = word.removeprefix("finish_reason_").removeprefix("stop_reason_")
    return _KNOWN.get(word) or _KNOWN.get(word.replace("_", "")) or FinishReason.OTHER


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
    """The facts about a choice that, with the server's value, decide its finish reason."""

    has_open_calls: bool = False
    """It has tool calls without results."""
    needs_approval: bool = False
    """It has a request for approval of a tool call."""
    has_refusal: bool = False


def derive_finish_of_response(
    status: str | None, reason: str | None, outcome: Outcome, *, end: StreamEnd
) -> tuple[FinishReason, str | None]:
    """The finish reason of a response, derived and from the server.

    `status` is the last `response.status`, None without one; `reason` is from
    `incomplete_details`. Without a terminal status, the end of the stream decides.
    """
    match status:
        case "failed":
            return FinishReason.ERROR, status
        case "cancelled":
            return FinishReason.CANCELLED, status
        case "incomplete":
            return _reason_of_incomplete(reason), reason or status
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


def _reason_of_incomplete(reason: str | None) -> FinishReason:
    """The reason of an incomplete response. A value for a regular end is ignored."""
    known = read_finish_word(reason) if reason else FinishReason.OTHER
    is_an_end = known in (FinishReason.STOP, FinishReason.TOOL_CALLS)
    return FinishReason.OTHER if is_an_end else known


_ASKS = (FinishReason.STOP, FinishReason.UNSTATED, FinishReason.OTHER, FinishReason.REFUSAL)
"""The reasons of complete replies: their tool calls can be run."""


def derive_finish(
    raw: str | None, native: str | None, outcome: Outcome, *, end: StreamEnd
) -> tuple[FinishReason, str | None]:
    """The finish reason of a Chat Completions choice, derived and from the server.

    `raw` is the server's value, None or "" without one. `native` is the value of the server
    behind a gateway, and decides when it names an error. A complete reply with tool calls is
    `tool_calls`, whatever the value; a `stop` with a refusal is `refusal`. Without a
    value, the end of the stream decides.
    """
    if native and (raw or end is StreamEnd.DONE) and _is_error(native):
        return FinishReason.ERROR, raw if raw and _is_error(raw) else native
    reason = read_finish_word(raw) if raw else _WITHOUT_WORD[end]
    if reason in _ASKS and outcome.has_open_calls:
        reason = FinishReason.TOOL_CALLS
    if reason is FinishReason.TOOL_CALLS and end is StreamEnd.FAILED:
        reason = FinishReason.ERROR
    if reason is FinishReason.STOP and outcome.has_refusal:
        reason = FinishReason.REFUSAL
    return reason, raw


def _is_error(word: str) -> bool:
    return read_finish_word(word) is FinishReason.ERROR
