"""The search on a PostgreSQL hub finds what the local search and the rules find."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from replyscope.domain.exchange import Choice, ExchangeState
from replyscope.domain.facts import Facts
from replyscope.domain.hub import START
from replyscope.domain.matching import check_query, matches
from replyscope.domain.message import TextPart, ToolResultPart
from replyscope.domain.query import QueryError, parse_query
from replyscope.domain.search import Search, Sort
from replyscope.hub.postgres.hub import PostgresHub
from replyscope.hub.postgres.reading import HubReader
from replyscope.hub.postgres.search import PostgresSearchIndex
from replyscope.inspection.facts import facts_of
from tests.hub.postgres.conftest import FOUNDER
from tests.support.build import make_exchange
from tests.support.hub_entries import START_AT, Log
from tests.support.postgres import PostgresServer
from tests.support.queries import EVERY_VALUE, TERMS, answer, example_replies

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC).astimezone()


@pytest.fixture
async def index(server: PostgresServer, hub: PostgresHub) -> AsyncIterator[PostgresSearchIndex]:
    reader = HubReader(hub.address, lambda _name: server.password)
    yield PostgresSearchIndex(reader)
    await reader.close()


Filled = tuple[PostgresSearchIndex, Mapping[str, Facts]]


@pytest.fixture
def filled(hub: PostgresHub, index: PostgresSearchIndex) -> Filled:
    log, entries, facts = Log(), [], {}
    labels: dict[str, dict[str, Any]] = {
        "one": {"tags": ("work",)},
        "two": {
            "tags": ("work",),
            "pinned_at": 1,
            "source": "watch",
            "client": "Agent/1.0 · python run.py · pid 7",
        },
        "six": {"archived_at": 1},
    }
    for day, (name, exchange) in enumerate(example_replies().items()):
        said = "ask gamma" if name == "one" else "ask"
        entries += log.turn(name, said, exchange, day, **labels[name])
        exchange = replace(exchange, started_at=START_AT + timedelta(days=day))
        facts[name] = replace(
            facts_of(exchange, (TextPart(said),)),
            title=f"Title of {name}",
            tags=labels[name].get("tags", ()),
            is_pinned="pinned_at" in labels[name],
            is_archived="archived_at" in labels[name],
            source=labels[name].get("source", ""),
            client=labels[name].get("client", ""),
            owner=f"me · {FOUNDER}",
            machine="Laptop",
        )
    hub.push("laptop", "Laptop", entries, START)
    return index, facts


async def check_alike(filled: Filled, text: str) -> None:
    index, facts = filled
    query = parse_query(text)
    check_query(query)
    expected = {name for name, fact in facts.items() if matches(query, fact, NOW)}
    search = Search(query, NOW, Sort.TIME)
    assert {hit.session_id for hit in await index.find(search)} == expected, text
    assert {key for key, _ in await index.find_ids(search)} == expected, text


async def test_every_value_of_a_field_is_read_as_the_rules_read_it(filled: Filled) -> None:
    for term in (*EVERY_VALUE, *TERMS, "by:found", "by:me", "machine:lap", "machine:top"):
        for text in (term, f"-{term}"):
            await check_alike(filled, text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from((*TERMS, *EVERY_VALUE, "or", "(", ")")), max_size=8))
async def test_a_query_is_read_as_the_rules_read_it(filled: Filled, terms: list[str]) -> None:
    text = " ".join(terms)
    try:
        check_query(parse_query(text))
    except QueryError:
        return
    await check_alike(filled, text)


async def found(index: PostgresSearchIndex, text: str, sort: Sort = Sort.TIME) -> list[str]:
    hits = await index.find(Search(parse_query(text), NOW, sort))
    return [hit.session_id for hit in hits]


async def test_scripts_without_spaces_accents_and_phrases(
    hub: PostgresHub, index: PostgresSearchIndex
) -> None:
    log = Log()
    said = {
        "one": "Why is 東京都庁 tall?",
        "two": "京 and 東",
        "six": "Zürich ÇA é",
        "odd": "' \\ : & |",
    }
    entries = [entry for n, text in said.items() for entry in log.turn(n, text, answer("ok"))]
    hub.push("laptop", "L", entries, START)
    assert await found(index, "東京") == ["one"]
    assert await found(index, "京都庁") == ["one"]
    assert sorted(await found(index, "京")) == ["one", "two"]
    assert await found(index, '"is 東京"') == ["one"]
    assert await found(index, "zurich") == ["six"]
    assert await found(index, '"zuric"') == []
    assert await found(index, '"ca e"') == ["six"]
    assert await found(index, '"京都" or zur') == ["six", "one"]


async def test_long_words_and_very_long_texts_are_found(
    hub: PostgresHub, index: PostgresSearchIndex
) -> None:
    log = Log()
    long_word = "x" * 5_000
    many = " ".join(f"word{n}" for n in range(120_000))
    entries = [
        *log.turn("one", "hello", answer(f"{long_word}y end")),
        *log.turn("two", "hello", answer(f"{many} lastword")),
    ]
    hub.push("laptop", "L", entries, START)
    assert await found(index, long_word) == ["one"]
    assert await found(index, f'"{long_word}"') == []
    assert await found(index, f'"{long_word}y end"') == ["one"]
    assert await found(index, "lastword") == ["two"]
    assert await found(index, "nowhere") == []
    assert await found(index, "word119999") == ["two"]


async def test_a_common_word_shows_the_newest_first(
    hub: PostgresHub, index: PostgresSearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log()
    entries = []
    for n in range(40):
        model = "rare" if n % 20 == 0 else "small"
        entries += log.turn(f"s{n:02}", "Hello", answer("World", model=model), n)
    hub.push("laptop", "L", entries, START)
    monkeypatch.setattr("replyscope.hub.postgres.search.MOST_RANKED", 3)
    names = [f"s{n:02}" for n in reversed(range(40))]
    assert await found(index, "world") == names
    assert await found(index, "world model:rare") == ["s20", "s00"]
    page = Search(parse_query("world"), NOW, Sort.TIME, limit=5, offset=30)
    assert [hit.session_id for hit in await index.find(page)] == names[30:35]
    facets = await index.facets(Search(parse_query("world"), NOW))
    assert (facets.total, facets.sessions, facets.is_ranked) == (40, 40, False)


async def test_facets_of_too_many_replies_count_the_newest_and_say_so(
    hub: PostgresHub, index: PostgresSearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, entries = Log(), []
    for n in range(9):
        entries += log.turn(f"s{n}", "Hello", answer("World", model=f"m{n % 3}"), n)
    hub.push("laptop", "L", entries, START)
    everything, worded = (Search(parse_query(text), NOW) for text in ("", "world model:m0"))
    assert (await index.facets(everything)).bound is None
    monkeypatch.setattr("replyscope.hub.postgres.search.MOST_COUNTED", 4)
    monkeypatch.setattr("replyscope.hub.postgres.search.MOST_COUNTED_WITH_WORDS", 7)
    few = await index.facets(everything)
    assert (few.total, few.sessions, few.bound) == (4, 4, 4)
    assert dict(few.by_field)["model"] == (("m2", 2), ("m0", 1), ("m1", 1))
    with_words = await index.facets(worded)
    assert (with_words.total, with_words.bound) == (2, 7)
    assert (await index.facets(Search(parse_query("finish:length"), NOW))).bound is None
    names = [key for key, _ in await index.find_ids(everything, few.bound)]
    assert names == ["s8", "s7", "s6", "s5"]
    assert len(await index.find_ids(everything)) == 9


async def test_few_matches_are_in_the_order_of_their_relevance(
    hub: PostgresHub, index: PostgresSearchIndex
) -> None:
    log = Log()
    entries = log.turn("much", "Hi", answer("sun sun"), 0)
    entries += log.turn("little", "Hi", answer("one sun among a great many other words"), 1)
    hub.push("laptop", "L", entries, START)
    assert await found(index, "sun", Sort.RANK) == ["much", "little"]
    assert await found(index, "sun", Sort.TIME) == ["little", "much"]
    ranked = Search(parse_query("sun"), NOW, Sort.RANK)
    assert [key for key, _ in await index.find_ids(ranked)] == ["much", "little"]


async def test_facets_figures_names_and_sessions(filled: Filled) -> None:
    index, _ = filled
    search = Search(parse_query(""), NOW)
    facets = await index.facets(search)
    counts = dict(facets.by_field)
    assert (facets.total, facets.sessions) == (3, 3)
    assert counts["model"] == (("small", 2), ("big", 1))
    assert counts["tool"] == (("read_file", 1),)
    assert counts["by"] == (("me", 3),)
    assert counts["machine"] == (("Laptop", 3),)
    assert len(counts["on"]) == 3
    figures = await index.figures(search)
    assert [one.model for one in figures] == ["small", "small", "big"]
    assert figures[1].tools == ("read_file",)
    names = await index.names()
    assert (names["model"], names["tag"], names["by"]) == (("big", "small"), ("work",), ("me",))
    sessions = await index.find_sessions(search)
    assert [one.session_id for one in sessions] == ["two", "six", "one"]
    assert sessions[0].is_pinned
    (hit,) = await index.read_hits(Search(parse_query("gamma"), NOW), ["two-x", "gone-x"])
    assert hit.snippet[slice(*hit.marks[0])] == "gamma"


async def test_fields_of_a_session_are_merged_from_all_machines(
    hub: PostgresHub, index: PostgresSearchIndex
) -> None:
    laptop, desk = Log("laptop"), Log("desk")
    head = hub.push("laptop", "L", laptop.turn("one", "Hi", answer("ok"), tags=("a",)), START)
    late = desk.session("one", 9, title="From the desk", pinned_at=5)
    hub.push("desk", "D", [late], START)
    hub.push("laptop", "L", [laptop.session("one", 5, title="Too old", tags=("a",))], head)
    (hit,) = await index.find(Search(parse_query("ok"), NOW))
    assert (hit.title, hit.is_pinned, hit.tags) == ("From the desk", True, ("a",))


async def test_a_result_that_comes_later_is_found(
    hub: PostgresHub, index: PostgresSearchIndex
) -> None:
    log = Log()
    call = replace(
        make_exchange(state=ExchangeState.COMPLETED, choices=(Choice(0, ""),)),
        choices=example_replies()["two"].choices,
    )
    head = hub.push("laptop", "L", log.turn("one", "Look", call), START)
    assert await found(index, "sunflower") == []
    part = ToolResultPart("c", "a sunflower", "look")
    result = log.message("one-t", "one", (part,), role="tool", parent="one-a")
    hub.push("laptop", "L", [result], head)
    assert await found(index, "sunflower") == ["one"]
    assert await found(index, "tool:read_file") == ["one"]


async def test_the_stamp_changes_with_what_is_pushed(
    hub: PostgresHub, index: PostgresSearchIndex
) -> None:
    before = await index.stamp()
    hub.push("laptop", "L", Log().turn("one", "Hi", answer("ok")), START)
    assert await index.stamp() != before
