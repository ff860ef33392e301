"""The rules of `watch --fault`: what they mean, and how wrong ones are explained."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.matching import matches
from replyscope.domain.watched import Client, WatchedRequest
from replyscope.engine.watching.request_facts import request_facts
from replyscope.provider.watched_wire import WatchedWire
from replyscope.serving.faults.plan import FaultPlan
from replyscope.serving.faults.rule import FaultRule
from replyscope.serving.faults.terms import TERMS, FaultRuleError, parse_rule
from tests.watching.watched import request_of

BODY = {
    "model": "gpt-6-mini",
    "messages": [{"role": "user", "content": "Where is Oslo?"}],
    "tools": [{"type": "function", "function": {"name": "read_file"}}],
}


def test_the_terms_of_a_rule() -> None:
    rule = parse_rule("p=0.1 status=429  retry-after=2")
    assert rule == FaultRule("p=0.1 status=429 retry-after=2", 429, 2.0, p=0.1)
    rule = parse_rule("stall=300ms after:2kb cut=after:3000 slow=20tok/s first=3 every=2")
    assert (rule.stall_s, rule.stall_after, rule.cut, rule.slow) == (0.3, 2_000, 3_000, 20.0)
    assert (rule.first, rule.every) == (3, 2)
    rule = parse_rule("stall=5s finish=length garble=arguments when='tool:read_file or \"a b\"'")
    assert (rule.stall_s, rule.stall_after, rule.finish, rule.garbles) == (5, None, "length", True)
    assert rule.when is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no fault"),
        ("p=0.5 first=2", "has no fault"),
        ("status=200", "'200' of status is not an HTTP status from 400 to 599"),
        ("status=429 status=500", "The term status is there twice"),
        ("retry-after=2 stall=1s", "add status=429"),
        ("status=500 cut=after:5b", "use two rules"),
        ("cut=500b", "a place such as after:500b"),
        ("cut=after:500x", "a place such as"),
        ("stall=5", "a time such as 5s"),
        ("stall=0s", "a time such as 5s"),
        ("stall=5s after:x", "a place"),
        ("after:500b", "is not a term"),
        ("slow=20", "a rate such as 20tok/s"),
        ("finish=done", "one of stop, length, tool_calls, content_filter"),
        ("garble=all", "the word arguments"),
        ("p=2 cut=after:1b", "between 0 and 1"),
        ("first=0 cut=after:1b", "a whole number from 1"),
        ("every=1.5 cut=after:1b", "a whole number from 1"),
        ("kill=yes", "There is no term 'kill'; there are: status, retry-after"),
        ("cut=after:1b when='model:", "quotation mark"),
        ("cut=after:1b when='('", "can't be parsed"),
        ("cut=after:1b when=colour:red", "there is no field colour"),
        ("cut=after:1b when='model:a -(b or finish:length)'", "finish: can't be used here"),
        ("cut=after:1b when=cost:>1", "A request has model:, asked:, api:, client:, tool:"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_explained(text: str, said: str) -> None:
    with pytest.raises(FaultRuleError) as raised:
        parse_rule(text)
    assert said in str(raised.value)


@given(st.lists(st.sampled_from([*TERMS, "x", "after:5b"]).flatmap(
    lambda name: st.sampled_from(["=", "=1", "=5s", "=after:3", "='a", "=\u0665", "=1e9", ""]).map(
        lambda value: name + value))).map(" ".join) | st.text(max_size=40))  # fmt: skip
def test_any_text_is_a_rule_or_refused(text: str) -> None:
    with suppress(FaultRuleError):
        assert parse_rule(text).is_fault


def hits(rule: str, count: int, seed: int = 1, request: WatchedRequest | None = None) -> list[bool]:
    """Which of some calls a rule hits."""
    wire = WatchedWire()
    plan = FaultPlan(
        [parse_rule(rule)],
        seed,
        lambda query, one: matches(query, request_facts(wire, one), datetime.now(UTC)),
    )
    one = request or request_of(BODY)
    return [plan.choose(one) is not None for _ in range(count)]


def test_a_rule_counts_the_calls_that_match() -> None:
    assert hits("first=2 status=429", 4) == [True, True, False, False]
    assert hits("every=2 status=429", 4) == [False, True, False, True]
    assert hits("p=0 status=429", 50) == [False] * 50
    assert hits("p=1 status=429", 50) == [True] * 50


def test_a_seed_gives_the_same_calls_again() -> None:
    first = hits("p=0.5 status=429", 100, 7)
    assert 20 < sum(first) < 80
    assert hits("p=0.5 status=429", 100, 7) == first
    assert hits("p=0.5 status=429", 100, 8) != first


def test_the_first_rule_that_hits_is_applied() -> None:
    rules = [parse_rule("first=1 status=429"), parse_rule("first=1 status=500")]
    plan = FaultPlan(rules, 1, lambda _query, _request: True)
    chosen = [plan.choose(request_of(BODY)) for _ in range(3)]
    assert [one.status if one else None for one in chosen] == [429, 500, None]


@pytest.mark.parametrize(
    ("query", "is_hit"),
    [
        ("model:gpt-6*", True),
        ("asked:gpt-6-mini", True),
        ("model:llama*", False),
        ("-model:llama*", True),
        ("tool:read_file", True),
        ("tool:write_file", False),
        ("api:chat", True),
        ("client:agent", True),
        ("client:codex", False),
        ("oslo", True),
        ("bergen or oslo", True),
        ("bergen", False),
    ],
)
def test_a_query_is_compared_with_the_request(query: str, is_hit: bool) -> None:
    request = request_of(BODY, client=Client("agent", 7, "python agent.py"))
    assert hits(f"status=429 when='{query}'", 1, 1, request) == [is_hit]


def test_a_request_that_is_no_json_matches_no_field() -> None:
    assert hits("status=429 when=model:*", 1, 1, request_of(b"\xff{")) == [False]
