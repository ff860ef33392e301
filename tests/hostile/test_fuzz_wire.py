"""Whatever bytes a server sends: an exchange that can be saved, shown and handed on."""

import json

import pytest
from hypothesis import strategies as st

from replyscope.domain.exchange import Api
from replyscope.domain.finish import FinishReason
from tests.hostile import entries
from tests.hostile.bounds import bounded, examine
from tests.hostile.inputs import CHUNKS, COMPLETION, DEEP, EVENTS, RESPONSE, bodies, framed
from tests.support.server import delta, sse, usage
from tests.support.suite import Suite

_WAYS = {
    "chat_stream": (framed(CHUNKS), 3_000),
    "response_stream": (framed(EVENTS), 3_000),
    "chat_body": (bodies(COMPLETION), 2_000),
    "response_body": (bodies(RESPONSE), 2_000),
}


@pytest.mark.parametrize("way", _WAYS)
def test_any_answer_becomes_an_exchange(suite: Suite, way: str) -> None:
    inputs, whole = _WAYS[way]
    tried = examine(suite, inputs, whole, entries.TARGETS[way])
    suite.say(f"{tried:,} answers by {way}: each became an exchange, within two seconds")


@pytest.mark.parametrize("way", _WAYS)
def test_deep_and_long_answers_take_little_time(suite: Suite, way: str) -> None:
    for body in DEEP:
        for data in (body, b"data: " + body + b"\n\n"):
            with bounded():
                entries.TARGETS[way](data)


def test_noise_takes_little_time(suite: Suite) -> None:
    noise = st.binary(max_size=2_000)
    for target in ("chat_stream", "response_stream", "chat_body"):
        examine(suite, noise, 300, entries.TARGETS[target])


def test_a_sound_answer_is_read_by_the_same_ways() -> None:
    stream = b"".join(sse(delta("hello"), delta(finish="stop"), usage()))
    read = entries.reply_to(Api.CHAT, 200, "text/event-stream", stream)
    assert (read.choice(0).text, read.choice(0).finish_reason) == ("hello", FinishReason.STOP)
    for api, value in ((Api.CHAT, COMPLETION), (Api.RESPONSES, RESPONSE)):
        whole = entries.reply_to(api, 200, "application/json", json.dumps(value).encode())
        assert whole.choice(0).text == "hi"
