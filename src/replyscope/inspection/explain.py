"""Why a reply ended, in a sentence, and what a person can do about it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from replyscope.domain.exchange import ANSWERABLE, Exchange, ToolCall
from replyscope.domain.finish import FinishReason
from replyscope.domain.tool import ToolCallState


class Remedy(StrEnum):
    """Something to do about an ending."""

    CONTINUE = "continue"
    RESUME = "resume"
    RETRY = "retry"
    RAISE_LIMIT = "raise limit"
    RUN_TOOLS = "run tools"


class Mood(StrEnum):
    """How an ending should look: the colour of its word."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Explanation:
    """An ending as it is shown."""

    word: str
    mood: Mood
    sentence: str
    remedies: tuple[Remedy, ...] = ()


_ENDINGS: dict[FinishReason, tuple[Mood, str, tuple[Remedy, ...]]] = {
    FinishReason.STOP: (Mood.GOOD, "The model ended its reply.", ()),
    FinishReason.LENGTH: (
        Mood.NOTE,
        "The reply was cut off at the limit on output tokens.",
        (Remedy.CONTINUE, Remedy.RAISE_LIMIT),
    ),
    FinishReason.TOOL_CALLS: (
        Mood.NOTE,
        "The model asked for tools and waits for them.",
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
        "The model waits for an approval.",
        (Remedy.RUN_TOOLS,),
    ),
    FinishReason.CANCELLED: (
        Mood.NOTE,
        "You stopped this reply. What had come is kept.",
        (Remedy.CONTINUE, Remedy.RETRY),
    ),
    FinishReason.ERROR: (Mood.BAD, "The request failed.", (Remedy.RETRY,)),
    FinishReason.TRUNCATED: (
        Mood.BAD,
        "The stream broke off before the reply was complete.",
        (Remedy.CONTINUE, Remedy.RETRY),
    ),
    FinishReason.UNSTATED: (Mood.NOTE, "The stream ended in order, but gave no reason.", ()),
    FinishReason.OTHER: (Mood.NOTE, "The server gave a reason of its own.", ()),
}


def _explain_live(exchange: Exchange) -> Explanation:
    if exchange.is_detached:
        sentence = "The server goes on with this reply in the background. Resume to read the rest."
        return Explanation("left", Mood.NOTE, sentence, (Remedy.RESUME,))
    if exchange.timing.first_token_ms is not None:
        return Explanation("streaming", Mood.LIVE, "The reply is on its way.")
    if exchange.retries and exchange.frame_count == 0:
        last = exchange.retries[-1]
        number = len(exchange.retries) + 1
        wait = f"Try {number} follows after {last.wait_s:.1f} s; Esc stops it."
        return Explanation("retrying", Mood.LIVE, f"{last.failure.message} {wait}")
    return Explanation("waiting", Mood.LIVE, "The request was sent; nothing has come back yet.")


def _explain_calls(word: str, calls: Sequence[ToolCall]) -> Explanation | None:
    """What became of the calls; None while nothing has."""
    states = {call.state for call in calls}
    if ToolCallState.RUNNING in states:
        return Explanation(word, Mood.LIVE, "A tool runs; Esc stops it.")
    if not states or ToolCallState.REQUESTED in states:
        return None
    if states == {ToolCallState.COMPLETED}:
        return Explanation(word, Mood.GOOD, "The model asked for tools; they were run.")
    counts = Counter(call.state.value for call in calls)
    told = ", ".join(f"{count} {state}" for state, count in counts.items())
    return Explanation(word, Mood.NOTE, f"The model asked for tools: {told}.")


def _explain_waiting(
    calls: Sequence[ToolCall], sentence: str, remedies: tuple[Remedy, ...]
) -> tuple[str, tuple[Remedy, ...]]:
    """Calls that nobody answered yet: some can only be answered by another program."""
    if not calls:
        return "The server says that the model asked for tools, but no call came.", (Remedy.RETRY,)
    if any(call.kind in ANSWERABLE for call in calls):
        return sentence, remedies
    names = ", ".join(dict.fromkeys(call.name for call in calls))
    return f"The model asked for what only a program of yours can do: {names}.", ()


def _by_word(reason: FinishReason, raw: str) -> str:
    """What the server's own word adds to its reason; empty when it adds nothing."""
    if reason is FinishReason.OTHER and raw:
        return f"The server gave a reason of its own: {raw}."
    if reason is FinishReason.CANCELLED and raw not in ("", FinishReason.CANCELLED):
        return f"The server stopped this reply: {raw}. What had come is kept."
    if reason is FinishReason.LENGTH and "messages" in raw:
        return "The reply was cut off at the limit on messages."
    if reason is FinishReason.LENGTH and "context" in raw.lower():
        return "The reply was cut off at the end of the model's context window."
    return ""


def explain(exchange: Exchange, choice_index: int = 0) -> Explanation:
    """The ending of a choice, or that it still streams."""
    if not exchange.state.is_terminal:
        return _explain_live(exchange)
    choice = exchange.choice(choice_index)
    reason = choice.finish_reason or FinishReason.UNSTATED
    mood, sentence, remedies = _ENDINGS[reason]
    if reason in (FinishReason.TOOL_CALLS, FinishReason.NEEDS_APPROVAL):
        return _explain_calls(reason.value, choice.tool_calls) or Explanation(
            reason.value, mood, *_explain_waiting(choice.tool_calls, sentence, remedies)
        )
    if reason is FinishReason.UNSTATED and not exchange.base_url:
        sentence = "Where it comes from, it was not recorded why the reply ended."
    sentence = _by_word(reason, choice.finish_reason_raw or "") or sentence
    filtered = dict(exchange.extras).get("content_filter_results")
    if reason is FinishReason.CONTENT_FILTER and filtered:
        sentence = f"{sentence} It said: {filtered}"
    if exchange.failure is not None:
        sentence = f"{exchange.failure.message} {exchange.failure.next_step}".strip()
        if reason is FinishReason.STOP:
            mood = Mood.NOTE
    if exchange.max_tokens is None:
        remedies = tuple(r for r in remedies if r is not Remedy.RAISE_LIMIT)
    if Remedy.CONTINUE in remedies and not choice.text:
        remedies = (Remedy.RETRY,)
    return Explanation(reason.value, mood, sentence, remedies)
