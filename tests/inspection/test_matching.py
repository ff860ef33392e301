"""The language that finds replies: parsed, checked, and decided on exchanges."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.exchange import Choice, Timing, ToolCall, Usage
from replyscope.domain.finish import FinishReason
from replyscope.domain.matching import check_query, matches
from replyscope.domain.message import TextPart
from replyscope.domain.query import QueryError, Term, parse_query, term_of, toggle_term
from replyscope.domain.query_fields import FIELDS, Day, Number
from replyscope.inspection.facts import facts_of
from tests.support.build import make_exchange

EXCHANGE = make_exchange(
    model="gpt-6-sol",
    choices=(
        Choice(
            0,
            "The Quick brown fox",
            finish_reason=FinishReason.LENGTH,
            tool_calls=(ToolCall("c", "function", "read_file", "{}"),),
        ),
    ),
    usage=Usage(1_200, 300, 1_500),
    timing=Timing(first_token_ms=2_500, duration_ms=4_000),
    reported_cost_usd=0.02,
)
NOW = EXCHANGE.started_at.astimezone()
FACTS = replace(
    facts_of(EXCHANGE, (TextPart("Tell me about 東京都庁 and Zürich"),)),
    title="Trip to Oslo",
    tags=("work",),
    is_pinned=True,
)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("", True),
        ("quick", True),
        ("quick slow", False),
        ("quick or slow", True),
        ('"quick brown"', True),
        ('"brown quick"', False),
        ("-slow", True),
        ("-quick", False),
        ("(slow or quick) brown", True),
        ("-(slow or quick)", False),
        ("text:fox", True),
        ("finish:length", True),
        ("finish:stop", False),
        ("model:gpt-6*", True),
        ("model:gpt-5*", False),
        ("tool:read_file", True),
        ("tool:write*", False),
        ("tokens:>1k", True),
        ("tokens:>2k", False),
        ("tokens:1500", True),
        ("in:<=1200", True),
        ("out:>=301", False),
        ("cost:>0.01", True),
        ("cost:>$0.05", False),
        ("ttft:>2s", True),
        ("ttft:>2600ms", False),
        ("duration:<5", True),
        ("tps:>1", False),
        ("has:tool", True),
        ("has:error", False),
        ("has:r*", False),
        ("qui", True),
        ('"qui"', False),
        ('"quick bro"', False),
        ("京都", True),
        ("zurich", True),
        ("text:tell", False),
        ("tell", True),
        ("title:oslo", True),
        ("tag:wor?", True),
        ("tag:home", False),
        ("is:pinned", True),
        ("is:archived", False),
        ("on:today", True),
        ("before:today", False),
        ("after:1d", True),
        ("on:1999", False),
        ("api:chat finish:length -tool:nothing", True),
    ],
)
def test_a_query_decides(text: str, fits: bool) -> None:
    query = parse_query(text)
    check_query(query)
    assert matches(query, FACTS, NOW) is fits


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ('"open', 0, "quotation"),
        ("(a", 2, ") is missing"),
        ("a )", 1, "too many"),
        ("-)", 1, "term is missing"),
        ("finish:", 0, "without a value"),
        ("wrong:x", 0, "no field"),
        ("ok finish:never", 3, "is one of"),
        ("tokens:many", 0, "wants a number"),
        ("on:someday", 0, "wants a day"),
        ("is:lost", 0, "is one of"),
    ],
)
def test_what_is_wrong_has_a_place(text: str, at: int, words: str) -> None:
    with pytest.raises(QueryError, match=words.replace(")", r"\)")) as caught:
        check_query(parse_query(text))
    assert abs(caught.value.at - at) <= 1


@pytest.mark.parametrize(
    ("text", "term", "narrowed"),
    [
        ("", "a:b", "a:b"),
        ("word", "a:b", "word a:b"),
        ("word a:b more", "a:b", "word more"),
        ('x model:"big one"', 'model:"big one"', "x"),
        ('"two  words"', "a:b", '"two  words" a:b'),
        ("x or y", "a:b", "(x or y) a:b"),
        ("(x or y) a:b", "a:b", "(x or y)"),
        ("(a:b or y)", "a:b", "(a:b or y) a:b"),
        ("-a:b", "a:b", "-a:b a:b"),
    ],
)
def test_a_query_is_narrowed_by_a_term_and_widened_again(
    text: str, term: str, narrowed: str
) -> None:
    assert toggle_term(text, term) == narrowed


@pytest.mark.parametrize("value", ["plain", "two words", 'with "quotes"', "a(b)", ""])
def test_a_name_of_any_kind_can_be_asked_for(value: str) -> None:
    query = parse_query(term_of("model", value))
    named = replace(FACTS, names={**FACTS.names, "model": (value,), "asked": (value,)})
    assert matches(query, named, NOW)


@given(st.text(alphabet='ab:->()" or\\*', max_size=60))
def test_any_text_is_a_query_or_a_fault_with_a_place(text: str) -> None:
    at = 0
    try:
        query = parse_query(text)
        check_query(query)
    except QueryError as error:
        at = error.at
    else:
        assert matches(query, FACTS, NOW) in (True, False)
    assert 0 <= at <= len(text)


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_has_help_and_examples_that_can_be_read(name: str) -> None:
    field = FIELDS[name]
    assert field.help
    assert field.beside in ("", *FIELDS)
    for value in (field.example, *field.values):
        query = parse_query(term_of(name, value))
        check_query(query)
        assert query == Term(name, value)
        matches(query, FACTS, NOW)


@pytest.mark.parametrize("name", FIELDS)
def test_a_value_that_a_field_can_not_have_is_rejected_or_matches_nothing(name: str) -> None:
    query, field = parse_query(term_of(name, "zzz")), FIELDS[name]
    if field.choices or isinstance(field.type, Number | Day):
        with pytest.raises(QueryError, match=f"^{name}: "):
            check_query(query)
    else:
        check_query(query)
        assert not matches(query, FACTS, NOW)
