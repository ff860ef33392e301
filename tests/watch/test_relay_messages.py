"""Messages between the program and the process of its relay survive their encoding."""

from datetime import UTC
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.authorities import Authorities
from replyscope.domain.watched import Client, Refuse, WatchedRequest
from replyscope.serving.faults.rule import FaultRule
from replyscope.serving.gate import AnswerRecorded, Send
from replyscope.serving.playback import Ending, RecordedResponse
from replyscope.serving.watch.process import messages
from replyscope.serving.watch.process.codec import MessageError, MessageReader, encode
from replyscope.serving.watch.process.messages import Message
from replyscope.serving.watch.process.trust import Trust, TrustKind
from replyscope.serving.watch.upstream import Access

T = TypeVar("T")
TEXT = st.text(st.characters(), max_size=20)  # lone surrogates too
NUMBER = st.integers(0, 2**53)
TIME = st.floats(0, 1e9)
DATA = st.binary(max_size=200)
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=4).map(tuple)
TEXTS = st.lists(TEXT, max_size=4).map(tuple)


def maybe(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.none() | strategy


REQUEST = st.builds(
    WatchedRequest,
    id=TEXT,
    at=st.datetimes(timezones=st.just(UTC)),
    upstream=TEXT,
    base_url=TEXT,
    method=TEXT,
    path=TEXT,
    query=TEXT,
    headers=PAIRS,
    body=DATA,
    client=st.builds(Client, TEXT, maybe(NUMBER), TEXT),
    is_cut=st.booleans(),
    secrets=TEXTS,
    fault=TEXT,
    intervention=TEXT,
)
RULE = st.builds(
    FaultRule,
    text=TEXT,
    status=maybe(NUMBER),
    retry_after_s=maybe(TIME),
    cut=maybe(NUMBER),
    stall_s=maybe(TIME),
    slow=maybe(TIME),
    finish=maybe(TEXT),
    garbles=st.booleans(),
    when=st.none(),
    p=st.floats(0, 1),
)
RESPONSE = st.builds(
    RecordedResponse,
    TEXT,
    NUMBER,
    PAIRS,
    st.lists(st.tuples(TIME, DATA), max_size=5).map(tuple),
    st.sampled_from(Ending),
)
DECISION = (
    st.builds(Send, maybe(DATA))
    | st.builds(Refuse, NUMBER, TEXT)
    | st.builds(AnswerRecorded, RESPONSE)
)
PATHS = st.lists(st.text("abc/.", min_size=1, max_size=9).map(Path), max_size=3).map(tuple)
TRUST = st.builds(
    Trust,
    st.sampled_from(TrustKind),
    maybe(st.builds(Authorities, TEXT, PATHS, st.booleans())),
    DATA,
    NUMBER,
)
UPSTREAM = st.builds(
    messages.UpstreamSetup,
    TEXT,
    TEXT,
    TEXTS,
    maybe(st.builds(Access, maybe(TEXT), PAIRS, st.booleans())),
    maybe(st.tuples(TEXT, TEXT)),
    TRUST,
)
MESSAGE: st.SearchStrategy[Message] = st.one_of(
    st.builds(
        messages.Setup,
        st.lists(UPSTREAM, max_size=3).map(tuple),
        TEXT,
        NUMBER,
        maybe(TEXT),
        TEXTS,
        st.booleans(),
        st.booleans(),
        NUMBER,
    ),
    st.builds(messages.Decided, NUMBER, DECISION),
    st.builds(messages.FaultChosen, NUMBER, maybe(RULE)),
    st.builds(messages.Settle, TIME),
    st.builds(messages.Stop),
    st.builds(messages.Listening, NUMBER),
    st.builds(messages.NotListening, NUMBER, TEXT),
    st.builds(messages.Noted, TEXT),
    st.builds(messages.Settled),
    st.builds(messages.Called, NUMBER, REQUEST),
    st.builds(messages.Responded, NUMBER, NUMBER, PAIRS, TIME),
    st.builds(messages.Received, NUMBER, DATA, TIME),
    st.builds(messages.FaultMissed, NUMBER),
    st.builds(messages.CallEnded, NUMBER, maybe(TEXT), TIME, maybe(TEXT)),
    st.builds(messages.GateAsked, NUMBER, REQUEST),
    st.builds(messages.FaultAsked, NUMBER, REQUEST),
    st.builds(messages.Withdrawn, NUMBER),
)


def read_all(reader: MessageReader) -> list[Message]:
    found = []
    while (message := reader.next()) is not None:
        found.append(message)
    return found


@given(st.lists(MESSAGE, max_size=4), st.integers(1, 300))
def test_messages_are_read_as_they_were_sent(sent: list[Message], size: int) -> None:
    data, reader, got = b"".join(map(encode, sent)), MessageReader(), list[Message]()
    for start in range(0, len(data), size):
        reader.feed(data[start : start + size])
        got += read_all(reader)
    assert got == sent


@given(MESSAGE, st.integers(0, 10_000), st.binary(min_size=1, max_size=3))
def test_damaged_messages_are_an_error_or_a_message(
    message: Message, place: int, damage: bytes
) -> None:
    data = bytearray(encode(message))
    data[place % len(data) : place % len(data) + len(damage)] = damage
    reader = MessageReader()
    reader.feed(bytes(data))
    try:
        read_all(reader)
    except MessageError:
        pass


def test_a_message_that_is_too_large_is_refused_before_it_comes() -> None:
    reader = MessageReader()
    reader.feed(b"\xff" * 8)
    with pytest.raises(MessageError, match="too large"):
        reader.next()
