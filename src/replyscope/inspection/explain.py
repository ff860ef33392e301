"""Explains why a reply ended, in a sentence, and lists the possible remedies. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum

from replyscope.domain.exchange import (
    ANSWERABLE,
    CLOSED_BY,
    NOT_RECORDED,
    UNSEEN,
    Exchange,
    ToolCall,
)
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Message
from replyscope.domain.plural import plural
from replyscope.domain.tool import ToolCallState
from replyscope.domain.values import dataclass


class Remedy(StrEnum):
    """An action that a person can take after a reply has ended."""

    CONTINUE = "continue"
    RESUME = "resume"
    RETRY = "retry"
    RAISE_LIMIT = "raise limit"
    RUN_TOOLS = "run tools"


class Mood(StrEnum):
    """The severity of an ending, which sets the colour of its word."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Explanation:
    """The display text of an ending: its word, a sentence, and remedies."""

    word: str
    mood: Mood
    sentence: str
    remedies: tuple[Remedy, ...] = ()


_ENDINGS: dict[FinishReason, tuple[Mood, str, tuple[Remedy, ...]]] = {
    FinishReason.STOP: (Mood.GOOD, "The model finished its reply.", ()),
    FinishReason.LENGTH: (
        Mood.NOTE,
        "The reply was cut off at the limit on output tokens.",
        (Remedy.CONTINUE, Remedy.RAISE_LIMIT),
    ),
    FinishReason.TOOL_CALLS: (
        Mood.NOTE,
        "The model requested tools. Their results have not been sent.",
        (Remedy.RUN_TOOLS,),
    ),
    FinishReason.CONTENT_FILTER: (
        Mood.BAD,
        "The provider's content filter cut the reply.",
        (Remedy.RETRY,),
    ),
    FinishReason.REFUSAL: (Mood.NOTE, "The model declined to answer.", ()),
    FinishReason.NEEDS_APPROVAL: (
        Mood.NOTE,
        "A tool call needs your approval.",
        (Remedy.RUN_TOOLS,),
    ),
    FinishReason.CANCELLED: (
        Mood.NOTE,
        "You stopped this reply. The received part is kept.",
        (Remedy.CONTINUE, Remedy.RETRY),
    ),
    FinishReason.ERROR: (Mood.BAD, "The request failed.", (Remedy.RETRY,)),
    FinishReason.TRUNCATED: (
        Mood.BAD,
        "The stream ended before the reply was complete.",
        (Remedy.CONTINUE, Remedy.RETRY),
    ),
    FinishReason.UNSTATED: (
        Mood.NOTE,
        "The stream ended normally, but without a finish reason.",
        (),
    ),
    FinishReason.OTHER: (Mood.NOTE, "The server sent a non-standard finish reason.", ()),
}


def _explain_live(exchange: Exchange) -> Explanation:
    if exchange.is_detached:
        sentence = "The server continues this reply in the background. Resume it to read the rest."
        return Explanation("left", Mood.NOTE, sentence, (Remedy.RESUME,))
    if exchange.timing.first_token_ms is not None:
        return Explanation("streaming", Mood.LIVE, "Streaming…")
    if exchange.retries and exchange.frame_count == 0:
        last = exchange.retries[-1]
        wait = f"Retry {len(exchange.retries)} follows after {last.wait_s:.1f} s. [Esc] stop"
        return Explanation("retrying", Mood.LIVE, f"{last.failure.message} {wait}")
    return Explanation("waiting", Mood.LIVE, "The request was sent. No response yet.")


def _explain_calls(word: str, calls: Sequence[ToolCall]) -> Explanation | None:
    """The explanation of tool calls by their states; None before the first one starts."""
    states = {call.state for call in calls}
    if ToolCallState.RUNNING in states:
        return Explanation(word, Mood.LIVE, "A tool is running. [Esc] stop")
    if not states or ToolCallState.REQUESTED in states:
        return None
    if states == {ToolCallState.COMPLETED}:
        return Explanation(word, Mood.GOOD, "All requested tools have run.")
    counts = Counter(call.state.value for call in calls)
    if len(counts) == 1:
        return Explanation(word, Mood.NOTE, f"{plural(len(calls), 'tool call')} {states.pop()}.")
    listed = ", ".join(f"{count} {state}" for state, count in counts.items())
    return Explanation(word, Mood.NOTE, f"Tool calls: {listed}.")


def _explain_waiting(
    calls: Sequence[ToolCall], sentence: str, remedies: tuple[Remedy, ...]
) -> tuple[str, tuple[Remedy, ...]]:
    """The sentence and remedies for calls without results. Some kinds need another program."""
    if not calls:
        return "The finish reason is tool calls, but the server sent none.", (Remedy.RETRY,)
    if any(call.kind in ANSWERABLE for call in calls):
        return sentence, remedies
    names = ", ".join(dict.fromkeys(call.name for call in calls))
    return f"replyscope cannot run these tools: {names}.", ()


def _by_word(reason: FinishReason, raw: str) -> str:
    """A more exact sentence from the server's raw finish reason; empty if there is none."""
    if reason is FinishReason.OTHER and raw:
        return f"The server sent a non-standard finish reason: {raw}."
    if reason is FinishReason.CANCELLED and raw not in ("", FinishReason.CANCELLED):
        return f"The server stopped this reply: {raw}. The received part is kept."
    if reason is FinishReason.LENGTH and "messages" in raw:
        return "The reply was cut off at the limit on messages."
    if reason is FinishReason.LENGTH and "context" in raw.lower():
        return "The reply was cut off at the end of the model's context window."
    return ""


def ending_word(exchange: Exchange) -> str:
    """The ending of an exchange in few words: the kind of its failure, or its finish reasons."""
    if exchange.failure is not None:
        return exchange.failure.kind
    words = dict.fromkeys(explain(exchange, choice.index).word for choice in exchange.choices)
    return ", ".join(words) or explain(exchange).word


def has_text(reply: Message, exchanges: Mapping[str, Exchange]) -> bool:
    """Whether any exchange of a reply has text: without text it cannot be continued."""
    return any(
        exchanges[source.exchange_id].choice(source.choice_index).text
        for source in reply.sources
        if source.exchange_id in exchanges
    )


def explain(exchange: Exchange, choice_index: int = 0, *, is_begun: bool = False) -> Explanation:
    """The explanation of how a choice ended, or of its current state.

    `is_begun` is whether its reply has text, perhaps from an earlier exchange that it continues.
    """
    if not exchange.state.is_terminal:
        return _explain_live(exchange)
    choice, extras = exchange.choice(choice_index), dict(exchange.extras)
    reason = choice.finish_reason or FinishReason.UNSTATED
    mood, sentence, remedies = _ENDINGS[reason]
    if reason in (FinishReason.TOOL_CALLS, FinishReason.NEEDS_APPROVAL):
        return _explain_calls(reason.value, choice.tool_calls) or Explanation(
            reason.value, mood, *_explain_waiting(choice.tool_calls, sentence, remedies)
        )
    if reason is FinishReason.UNSTATED and not exchange.base_url:
        is_unseen = UNSEEN in exchange.adaptations
        sentence = UNSEEN if is_unseen else "The imported file has no finish reason for this reply."
    if reason is FinishReason.UNSTATED and NOT_RECORDED in extras:
        why = extras[NOT_RECORDED].strip('"')
        sentence = f"Not all of this reply is recorded. {why}"
    if reason is FinishReason.CANCELLED and CLOSED_BY in extras:
        sentence = "The program closed the connection. The received part is kept."
    sentence = _by_word(reason, choice.finish_reason_raw or "") or sentence
    filtered = extras.get("content_filter_results")
    if reason is FinishReason.CONTENT_FILTER and filtered:
        sentence = f"{sentence} Filter results: {filtered}"
    if exchange.failure is not None:
        sentence = f"{exchange.failure.message} {exchange.failure.next_step}".strip()
        if reason is FinishReason.STOP:
            mood = Mood.NOTE
    if exchange.max_tokens is None:
        remedies = tuple(r for r in remedies if r is not Remedy.RAISE_LIMIT)
    if Remedy.CONTINUE in remedies and not (choice.text or is_begun):
        remedies = (Remedy.RETRY,)
    return Explanation(reason.value, mood, sentence, remedies)
