"""Rules judge the replies of watched programs, by the source and the client too."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from replyscope.domain.query import parse_query
from replyscope.domain.rule import Action, Rule
from replyscope.engine.rules import RuleBook
from replyscope.engine.watching.archive import WatchServices
from tests.watching.watched import chat_stream, open_watched


class Told:
    """Keeps notifications. Implements RuleEffects."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def notify(self, text: str) -> None:
        self.texts.append(text)

    async def save(self, rule: Rule, exchange: Mapping[str, Any]) -> None:
        raise AssertionError

    async def run(self, rule: Rule, exchange: Mapping[str, Any]) -> None:
        raise AssertionError


@pytest.mark.parametrize(
    ("when", "fires"),
    [
        ("source:watch finish:length", True),
        ("client:agent finish:length", True),
        ("source:replyscope", False),
        ("client:codex", False),
        ("source:watch finish:stop", False),
    ],
)
async def test_a_rule_notifies_of_a_watched_reply(when: str, fires: bool) -> None:
    told = Told()
    rule = Rule(when, parse_query(when), Action.NOTIFY)

    def with_rule(services: WatchServices) -> WatchServices:
        return replace(services, rule_book=lambda: RuleBook(lambda: (rule,), told))

    cut = chat_stream("A cut reply").replace(b'"stop"', b'"length"')
    async with open_watched(None, with_rule) as watched:
        exchange, _ = await watched.call(
            {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}, cut
        )
    assert told.texts == ([f"{when}: m"] if fires else [])
    assert bool(exchange.firings) is fires
