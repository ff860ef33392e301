"""The parts of a request add up: to the request, to what the server counted, to the window."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.exchange import Exchange, Usage
from replyscope.domain.message import ImagePart, Message, OpaquePart, ReplySource, Role, TextPart
from replyscope.domain.request import ModelRequest
from replyscope.domain.session import Schema
from replyscope.domain.tool import Tool
from replyscope.inspection.request_parts import (
    DRAFT_ID,
    PartKind,
    RequestPart,
    RequestSize,
    TokenSource,
    bars_of,
    distribute,
    request_size,
    title_of,
)
from replyscope.readers.replyscope_json import _check_ids
from tests.support.build import NOON, make_exchange

TOOL = Tool("add", "Add two numbers.", '{"type": "object"}', "shipped", "add")

figures = st.integers(0, 10_000)
parts = st.builds(
    RequestPart,
    st.sampled_from([PartKind.SYSTEM, PartKind.MESSAGES, PartKind.DRAFT]),
    st.just("title"),
    figures,
    figures,
    figures,
    st.none(),
    st.booleans(),
)
sizes = st.builds(
    RequestSize,
    st.lists(parts, max_size=8).map(tuple),
    st.just(TokenSource.ESTIMATED),
    st.none() | st.integers(1, 200_000),
)


def said(
    message_id: str, text: str, role: Role = Role.USER, sources: tuple[ReplySource, ...] = ()
) -> Message:
    return Message(message_id, role, (TextPart(text),), NOON, sources=sources)


def reply_of(exchange: Exchange, text: str) -> Message:
    return said("r", text, Role.ASSISTANT, (ReplySource(exchange.id),))


@given(st.lists(figures), st.integers(0, 10**9))
def test_shares_add_up_exactly_and_follow_the_weights(weights: list[int], total: int) -> None:
    shares = distribute(weights, total)
    assert len(shares) == len(weights)
    assert sum(shares) == (total if any(weights) else 0)
    for weight, share in zip(weights, shares, strict=True):
        assert share >= 0
        if any(weights):
            assert abs(share - weight * total / sum(weights)) < 1 or weight
            assert share == 0 or weight


@given(sizes, st.integers(1, 200))
def test_bars_fill_the_width_one_after_the_other(size: RequestSize, width: int) -> None:
    bars = bars_of(size, width)
    end = 0
    for bar in bars:
        assert bar.start == end
        end += bar.cells
    assert end == (width if any(bar.tokens for bar in bars) else 0)
    held = sum(bar.tokens for bar in bars if bar.kind is not PartKind.FREE)
    assert held == size.tokens
    if size.window is not None and size.tokens <= size.window:
        assert sum(bar.tokens for bar in bars) == size.window


@given(sizes, st.integers(0, 10**7))
def test_a_count_of_the_server_is_the_sum_of_the_parts(size: RequestSize, tokens: int) -> None:
    measured = size.measured(tokens)
    assert measured.source is TokenSource.MEASURED
    assert measured.tokens == (tokens if size.tokens else 0)
    unsent = [part for part in size.parts if not part.is_sent]
    assert [part for part in measured.parts if not part.is_sent] == unsent


def test_every_part_of_a_request_has_its_row() -> None:
    picture = ImagePart("cat.png", "image/png", b"none")
    thought = OpaquePart("message_fields", '{"reasoning_content": "12345678"}')
    asked = Message("q", Role.USER, (picture, TextPart("x" * 40)), NOON)
    reply = Message("r", Role.ASSISTANT, (TextPart("y" * 40), thought), NOON)
    draft = said(DRAFT_ID, "z" * 80)
    request = ModelRequest(
        "m",
        (asked, reply, draft),
        system="s" * 400,
        schema=Schema("answer", "{}" * 20),
        tools=(TOOL,),
        hosted=('{"type": "web_search"}',),
    )
    size = request_size(request, (asked, reply), {}, 10_000)
    rows = dict(size.by_kind())
    assert rows[PartKind.SYSTEM] == 100
    assert rows[PartKind.SCHEMA] == 10
    assert rows[PartKind.MESSAGES] == 2 * (10 + 4)
    assert rows[PartKind.ATTACHMENTS] == 800
    assert rows[PartKind.REASONING] == 2
    assert rows[PartKind.DRAFT] == 24
    assert sum(rows.values()) == 10_000
    titles = {part.kind: part.title for part in size.parts}
    assert titles[PartKind.TOOLS] == "add, web_search"
    assert titles[PartKind.SCHEMA] == "answer"


def test_no_id_of_a_saved_message_is_one_of_the_draft_or_of_a_part() -> None:
    with pytest.raises(ValueError, match="is not a valid id"):
        _check_ids([DRAFT_ID])
    message = said("draft", "x" * 40)
    size = request_size(ModelRequest("m", (message,), system="s"), (message,), {})
    assert [part.kind for part in size.parts] == [PartKind.SYSTEM, PartKind.MESSAGES]


def test_messages_that_are_not_sent_are_listed_and_not_counted() -> None:
    first, second = said("a", "x" * 400), said("b", "y" * 40)
    size = request_size(ModelRequest("m", (second,)), (first, second), {})
    assert [(part.message_id, part.is_sent) for part in size.parts] == [("a", False), ("b", True)]
    assert size.tokens == 14
    assert size.parts[0].tokens == 104


def test_the_usage_of_the_last_reply_scales_the_estimate() -> None:
    exchange = make_exchange(usage=Usage(1_000, 70, 1_070, reasoning_tokens=20))
    branch = (said("a", "x" * 400), reply_of(exchange, "y" * 4_000), said("c", "z" * 384))
    size = request_size(ModelRequest("m", branch), branch, {exchange.id: exchange})
    assert size.source is TokenSource.SCALED
    before, reply, after = (part.tokens for part in size.parts)
    assert before == 1_000
    assert reply == 50  # its reasoning is not sent back
    assert after == 400  # at most four times the estimate


def test_what_a_reply_did_not_get_is_not_scaled_to_its_usage() -> None:
    exchange = make_exchange(usage=Usage(200, 5, 205), left_out=("a",))
    branch = (said("a", "x" * 400), said("b", "x" * 400), reply_of(exchange, "y"))
    size = request_size(ModelRequest("m", branch[1:]), branch, {exchange.id: exchange})
    assert [part.tokens for part in size.parts] == [200, 200, 5]
    assert size.tokens == 205


def test_titles_are_one_line() -> None:
    assert title_of(said("a", "one\n\ntwo")) == "one two"
    assert title_of(Message("a", Role.USER, (), NOON)) == "no text"
