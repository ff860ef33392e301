"""The bodies of entries, as far as the review of a hub reads them."""

import json

from replyscope.domain.exchange import Choice, ExchangeState
from replyscope.domain.hub import HubEntry
from replyscope.domain.json_text import MOST_VALUES
from replyscope.hub.postgres.bodies import PlacedExchange, read_body
from tests.support.build import make_exchange
from tests.support.hub_entries import Log

TEXT = 'a text with ,"frames":[ in it'


def replied(body: bytes | None = None) -> HubEntry:
    exchange = make_exchange(state=ExchangeState.COMPLETED, choices=(Choice(0, TEXT),))
    *_, entry = Log().turn("s", "Hi", exchange)
    if body is None:
        return entry
    return HubEntry(entry.number, entry.kind, entry.id, entry.session_id, entry.stamp, body)


def test_a_reply_with_more_frames_than_can_be_parsed_is_in_the_review() -> None:
    value = json.loads(replied().body)
    frames = ",".join(['[0,""]'] * MOST_VALUES)
    del value["frames"]
    head = json.dumps(value, separators=(",", ":"))
    body = f'{head[:-1]},"frames":[{frames}]}}'.encode()
    found = read_body(replied(body))
    assert isinstance(found, PlacedExchange)
    assert found.exchange.choices[0].text == TEXT


def test_the_frames_may_be_anywhere() -> None:
    value = json.loads(replied().body)
    frames = value.pop("frames")
    inner = {**value["exchange"], "frames": [1]}
    for body in (
        {"frames": frames, **value},
        {**value, "exchange": inner},
        {**value, "frames": [[0.0, TEXT]], "more": [1]},
    ):
        found = read_body(replied(json.dumps(body, separators=(",", ":")).encode()))
        assert isinstance(found, PlacedExchange)
        assert found.exchange.choices[0].text == TEXT


def test_a_body_that_is_cut_off_is_not_read() -> None:
    body = replied().body
    for end in (1, 20, len(body) // 2, len(body) - 1):
        assert read_body(replied(body[:end])) is None
