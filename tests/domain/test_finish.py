"""How a reply ends: the finish reason of a choice and the state of an exchange, pair by pair."""

import pytest

from replyscope.domain.event import FinishStated, StatusStated, StreamEnded, TextDelta
from replyscope.domain.exchange import Api, ExchangeState
from replyscope.domain.finish import (
    FinishReason,
    Outcome,
    StreamEnd,
    derive_finish,
    derive_finish_of_response,
    read_finish_word,
)
from replyscope.domain.fold import fold_events
from tests.support.build import make_exchange

OUTCOMES = {
    "nothing": Outcome(),
    "calls": Outcome(has_open_calls=True),
    "approval": Outcome(needs_approval=True),
    "refusal": Outcome(has_refusal=True),
}
# Of each word: the reason after any end but a failed stream, and after that. "-" is no word.
CHAT = """
word            nothing         calls           approval        refusal         failed+calls
stop            stop            tool_calls      stop            refusal         error
length          length          length          length          length          length
tool_calls      tool_calls      tool_calls      tool_calls      tool_calls      error
content_filter  content_filter  content_filter  content_filter  content_filter  content_filter
refusal         refusal         tool_calls      refusal         refusal         error
cancelled       cancelled       cancelled       cancelled       cancelled       cancelled
error           error           error           error           error           error
weird           other           tool_calls      other           other           error
"""
WORDLESS = """
end        nothing    calls       approval   refusal
done       unstated   tool_calls  unstated   unstated
closed     truncated  truncated   truncated  truncated
broken     truncated  truncated   truncated  truncated
failed     error      error       error      error
cancelled  cancelled  cancelled   cancelled  cancelled
detached   truncated  truncated   truncated  truncated
"""
RESPONSES = """
status/reason                 nothing         calls           approval        refusal
completed/-                   stop            tool_calls      needs_approval  refusal
incomplete/max_output_tokens  length          length          length          length
incomplete/content_filter     content_filter  content_filter  content_filter  content_filter
incomplete/stop               other           other           other           other
incomplete/tool_calls         other           other           other           other
incomplete/-                  other           other           other           other
failed/-                      error           error           error           error
cancelled/-                   cancelled       cancelled       cancelled       cancelled
"""
STATUSLESS = """
end        reason
done       truncated
closed     truncated
broken     truncated
failed     error
cancelled  cancelled
detached   truncated
"""
CHAT_STATES = """
word     running      done       closed     broken     failed  cancelled  detached
stop     in_progress  completed  completed  truncated  failed  cancelled  in_progress
length   in_progress  completed  completed  truncated  failed  cancelled  in_progress
weird    in_progress  completed  completed  truncated  failed  cancelled  in_progress
error    in_progress  failed     failed     truncated  failed  cancelled  in_progress
-        in_progress  completed  truncated  truncated  failed  cancelled  in_progress
"""
RESPONSE_STATES = """
status       running      done        closed      broken      failed      cancelled   detached
completed    in_progress  completed   completed   completed   completed   completed   completed
incomplete   in_progress  incomplete  incomplete  incomplete  incomplete  incomplete  incomplete
failed       in_progress  failed      failed      failed      failed      failed      failed
cancelled    in_progress  cancelled   cancelled   cancelled   cancelled   cancelled   cancelled
in_progress  in_progress  truncated   truncated   truncated   failed      cancelled   in_progress
-            in_progress  truncated   truncated   truncated   failed      cancelled   in_progress
"""


def pairs(table: str) -> list[tuple[str, str, str]]:
    """The cells of a table, as (row, column, value); the first column names the rows."""
    (_, *head), *rows = (line.split() for line in table.strip().splitlines())
    return [
        (row, column, value)
        for row, *values in rows
        for column, value in zip(head, values, strict=True)
    ]


def _known(word: str) -> str | None:
    return None if word == "-" else word


@pytest.mark.parametrize(("word", "column", "reason"), pairs(CHAT))
def test_a_word_and_what_came_give_the_reason(word: str, column: str, reason: str) -> None:
    if column == "failed+calls":
        derived = derive_finish(word, None, OUTCOMES["calls"], end=StreamEnd.FAILED)
        assert derived == (FinishReason(reason), word)
        return
    for end in set(StreamEnd) - {StreamEnd.FAILED}:
        derived = derive_finish(word, None, OUTCOMES[column], end=end)
        assert derived == (FinishReason(reason), word)


@pytest.mark.parametrize("word", [None, ""])
@pytest.mark.parametrize(("end", "outcome", "reason"), pairs(WORDLESS))
def test_without_a_word_the_end_gives_the_reason(
    end: str, outcome: str, reason: str, word: str | None
) -> None:
    derived, said = derive_finish(word, None, OUTCOMES[outcome], end=StreamEnd(end))
    assert derived is FinishReason(reason)
    assert not said


@pytest.mark.parametrize("end", StreamEnd)
@pytest.mark.parametrize(("row", "outcome", "reason"), pairs(RESPONSES))
def test_the_status_of_a_response_gives_the_reason(
    row: str, outcome: str, reason: str, end: StreamEnd
) -> None:
    status, why = map(_known, row.split("/"))
    derived = derive_finish_of_response(status, why, OUTCOMES[outcome], end=end)
    assert derived == (FinishReason(reason), why or status)


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("status", [None, "in_progress", "queued", "weird"])
@pytest.mark.parametrize(("end", "_", "reason"), pairs(STATUSLESS))
def test_without_a_last_status_the_end_gives_the_reason(
    end: str, _: str, reason: str, status: str | None, outcome: str
) -> None:
    derived = derive_finish_of_response(status, None, OUTCOMES[outcome], end=StreamEnd(end))
    assert derived == (FinishReason(reason), None)


def test_the_tables_name_every_end_outcome_and_reason() -> None:
    ends = {end.value for end in StreamEnd}
    for table in (WORDLESS, STATUSLESS):
        assert {row for row, _, _ in pairs(table)} == ends
    for table in (CHAT_STATES, RESPONSE_STATES):
        assert {column for _, column, _ in pairs(table)} == ends | {"running"}
    values = {value for t in (CHAT, WORDLESS, RESPONSES) for _, _, value in pairs(t)}
    assert values == {reason.value for reason in FinishReason}
    states = {value for t in (CHAT_STATES, RESPONSE_STATES) for _, _, value in pairs(t)}
    assert states == {state.value for state in ExchangeState} - {"queued"}


@pytest.mark.parametrize("reason", FinishReason)
def test_a_reasons_own_name_is_read_as_that_reason_or_as_none(reason: FinishReason) -> None:
    ours = (FinishReason.NEEDS_APPROVAL, FinishReason.UNSTATED)  # no server says these
    meant = FinishReason.OTHER if reason in ours else reason
    if reason is FinishReason.TRUNCATED:
        meant = FinishReason.LENGTH  # Cohere's word for a limit
    assert read_finish_word(reason.value) is meant


@pytest.mark.parametrize(("word", "end", "state"), pairs(CHAT_STATES))
def test_a_word_and_the_end_give_the_state(word: str, end: str, state: str) -> None:
    said = [] if word == "-" else [FinishStated(0, word)]
    ended = [] if end == "running" else [StreamEnded(StreamEnd(end), 5.0)]
    exchange = fold_events(make_exchange(), [TextDelta(0, "Hi"), *said, *ended])
    assert exchange.state is ExchangeState(state)
    assert exchange.is_detached is (end == "detached")
    assert (exchange.choice(0).finish_reason is None) is (end in ("running", "detached"))
    assert exchange.state.is_terminal is (end not in ("running", "detached"))


@pytest.mark.parametrize(("status", "end", "state"), pairs(RESPONSE_STATES))
def test_a_status_and_the_end_give_the_state(status: str, end: str, state: str) -> None:
    said = [] if status == "-" else [StatusStated(status)]
    ended = [] if end == "running" else [StreamEnded(StreamEnd(end), 5.0)]
    opening = make_exchange(api=Api.RESPONSES)
    exchange = fold_events(opening, [TextDelta(0, "Hi"), *said, *ended])
    assert exchange.state is ExchangeState(state)
    goes_on = end == "detached" and state == "in_progress"
    assert exchange.is_detached is goes_on
    assert exchange.state.is_terminal is (end != "running" and not goes_on)
