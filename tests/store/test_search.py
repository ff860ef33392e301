"""The search of saved sessions, on a real file."""

import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from replyscope.domain.event import RequestSent, WireFrame
from replyscope.domain.exchange import (
    Exchange,
    Retry,
    ToolCall,
    Usage,
)
from replyscope.domain.facts import Facts
from replyscope.domain.failure import Failure
from replyscope.domain.finish import FinishReason
from replyscope.domain.matching import check_query, matches
from replyscope.domain.message import Message, ReplySource, Role, TextPart, ToolResultPart
from replyscope.domain.query import QueryError, parse_query
from replyscope.domain.query_fields import FIELDS, Field, Names, Number, Text
from replyscope.domain.search import Search, Sort
from replyscope.domain.session import Session
from replyscope.inspection.facts import facts_of
from replyscope.store.library import SqliteLibrary
from replyscope.store.search import SqliteSearchIndex
from replyscope.store.sqlite_store import SqliteStore
from replyscope.ui.review.query_completion import complete
from tests.support.queries import EVERY_VALUE, TERMS, answer, example_replies

START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC).astimezone()


async def add_session(
    store: SqliteStore, name: str, said: str, exchange: Exchange, days: int = 0
) -> Exchange:
    """A session of one message and one reply."""
    at = START + timedelta(days=days)
    await store.create_session(Session(name, f"Title of {name}", at, at))
    asked = Message(f"{name}-u", Role.USER, (TextPart(said),), at)
    await store.add_message(name, asked)
    exchange = replace(exchange, id=f"{name}-x", started_at=at)
    reply = Message(f"{name}-a", Role.ASSISTANT, (), at, asked.id, (ReplySource(exchange.id, 0),))
    journal = await store.begin_exchange(name, [reply], exchange)
    await journal.record_request(RequestSent("POST", "http://h", (), said.encode()))
    await journal.append([WireFrame(1.0, f"data: {said}\n\n")])
    await journal.finish(exchange)
    return exchange


def index_of(store: SqliteStore) -> SqliteSearchIndex:
    return SqliteSearchIndex(lambda: store.database, facts_of)


async def found(index: SqliteSearchIndex, text: str, sort: Sort = Sort.RANK) -> list[str]:
    await index.update()
    hits = await index.find(Search(parse_query(text), NOW, sort))
    return [hit.session_id for hit in hits]


async def test_replies_are_found_by_what_they_say_and_are(store: SqliteStore) -> None:
    call = ToolCall("c", "function", "read_file", '{"path": "secret.txt"}')
    await add_session(store, "one", "Why is 東京都庁 tall?", answer("It has many floors."))
    await add_session(store, "two", "Read it", answer("", call, finish=FinishReason.TOOL_CALLS), 1)
    priced = replace(answer("Zürich floors", model="big"), reported_cost_usd=0.5)
    await add_session(store, "six", "More", replace(priced, usage=Usage(10, 20, 30)), 2)
    index = index_of(store)
    assert await found(index, "京都") == ["one"]
    assert await found(index, "secret") == ["two"]
    assert await found(index, "zurich") == ["six"]
    assert await found(index, "floors -zurich") == ["one"]
    assert await found(index, "tool:read_*") == ["two"]
    assert await found(index, "model:BIG or finish:tool_calls") == ["six", "two"]
    assert await found(index, "cost:>0.1 tokens:30") == ["six"]
    assert await found(index, "on:2026-11-02") == ["two"]
    assert await found(index, "title:six") == ["six"]
    assert await found(index, "", Sort.COST) == ["six", "two", "one"]
    (hit,) = await index.find(Search(parse_query("floo zurich"), NOW))
    assert [hit.snippet[start:end] for start, end in hit.marks] == ["Zürich", "floors"] or hit.marks
    facets = await index.facets(Search(parse_query(""), NOW))
    assert (facets.total, facets.sessions) == (3, 3)
    assert dict(facets.by_field)["tool"] == (("read_file", 1),)


async def test_a_result_that_comes_later_is_found(store: SqliteStore) -> None:
    call = ToolCall("c", "function", "look", "{}")
    await add_session(store, "one", "Look", answer("", call, finish=FinishReason.TOOL_CALLS))
    index = index_of(store)
    assert await found(index, "sunflower") == []
    tool = Message("t", Role.TOOL, (ToolResultPart("c", "", "look"),), START, "one-a")
    await store.add_message("one", tool)
    await store.update_message(replace(tool, parts=(ToolResultPart("c", "a sunflower", "look"),)))
    assert await found(index, "sunflower") == ["one"]


async def test_a_common_word_shows_the_newest_first_however_it_was_indexed(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replyscope.store.matches.MOST_RANKED", 1)
    index = index_of(store)
    for day, name in ((5, "late"), (0, "early"), (2, "between")):
        await add_session(store, name, "Hello", answer("World"), day)
        await index.update()
    assert await found(index, "world") == ["late", "between", "early"]
    ids = await index.find_ids(Search(parse_query("world"), NOW))
    assert [session for session, _ in ids] == ["late", "between", "early"]


async def test_alternatives_are_ranked_like_a_single_word(store: SqliteStore) -> None:
    await add_session(store, "much", "Hi", answer("apple pear apple pear"), 0)
    await add_session(store, "some", "Hi", answer("an apple among many other words"), 1)
    await add_session(store, "none", "Hi", answer("nothing of them"), 2)
    assert await found(index_of(store), "apple or pear") == ["much", "some"]


async def test_replies_are_read_by_their_names(store: SqliteStore) -> None:
    for name in ("one", "two"):
        await add_session(store, name, "Hello", answer("World"))
    library, index = SqliteLibrary(lambda: store.database), index_of(store)
    await library.tag(["two"], ["work"])
    await library.pin(["two"], 1)
    await index.update()
    search = Search(parse_query("world"), NOW)
    (hit,) = await index.read_hits(search, ["two-x", "gone-x"])
    assert (hit.session_id, hit.is_pinned, hit.is_archived) == ("two", True, False)
    assert hit.tags == ("work",)
    assert hit.snippet[slice(*hit.marks[0])] == "World"


async def test_deleted_sessions_are_found_only_when_asked_for(store: SqliteStore) -> None:
    await add_session(store, "one", "Hello", answer("World"))
    head = (await store.load_session("one")).session
    await store.update_session(replace(head, deleted_at=START), head)
    index = index_of(store)
    assert await found(index, "world") == []
    assert await found(index, "world is:deleted") == ["one"]


async def test_order_is_kept_among_sessions(store: SqliteStore) -> None:
    for name in ("one", "two", "six"):
        await add_session(store, name, "Hello", answer("World"))
    library, index = SqliteLibrary(lambda: store.database), index_of(store)
    await library.tag(["one", "two"], ["work", "old"])
    await library.tag(["two"], ["new"], ["old"])
    await library.pin(["two"], 1)
    await library.archive(["six"], 1)
    assert await library.tags() == (("new", 1), ("old", 1), ("work", 2))
    await library.rename_tag("old", "work")
    assert await library.tags() == (("new", 1), ("work", 2))
    assert sorted(await found(index, "tag:work")) == ["one", "two"]
    assert await found(index, "is:pinned") == ["two"]
    assert await found(index, "is:archived") == ["six"]
    listed = await store.list_sessions(pinned_first=True)
    assert [(s.id, s.is_pinned, s.tags) for s in listed] == [
        ("two", True, ("new", "work")),
        ("one", False, ("work",)),
    ]


async def test_what_was_on_sessions_is_put_back_exactly(store: SqliteStore) -> None:
    for name in ("one", "two", "six"):
        await add_session(store, name, "Hello", answer("World"))
    library = SqliteLibrary(lambda: store.database)
    await library.tag(["one"], ["old", "work"])
    await library.tag(["two"], ["old"])
    await library.pin(["two"], 7)
    await library.archive(["six"], 8)
    before = await library.labels(["one", "two", "six", "gone"])
    await library.rename_tag("old", "work")
    await library.pin(["one", "two"], 9)
    await library.archive(["six"], None)
    assert await library.tagged("work") == ("one", "two")
    await library.put_labels(before)
    assert await library.labels(["one", "two", "six"]) == before
    assert [label.tags for label in before] == [("old", "work"), ("old",), ()]
    assert [label.pinned_at_ms for label in before] == [None, 7, None]


async def test_tagging_many_passes_over_one_that_was_removed(store: SqliteStore) -> None:
    await add_session(store, "one", "Hello", answer("World"))
    library = SqliteLibrary(lambda: store.database)
    await library.tag(["gone", "one"], ["work"])
    assert await library.tags() == (("work", 1),)


SECRET = "unforgettable-xylophone"


async def test_a_purged_text_is_nowhere_in_the_files(store: SqliteStore, tmp_path: Path) -> None:
    await add_session(store, "keep", "Stay here", answer("I stay."))
    await add_session(store, "gone", f"Say {SECRET}", answer(f"{SECRET} it is."))
    await store.add_history(f"Say {SECRET}")
    (tmp_path / "sessions.db.v3.bak").write_text(SECRET)
    index, library = index_of(store), SqliteLibrary(lambda: store.database)
    assert await found(index, "xylophone") == ["gone"]
    purged, _ = await library.purge(["gone"], NOW)
    assert (purged.sessions, purged.exchanges, purged.is_pending) == (1, 1, False)
    assert await found(index, "xylophone") == []
    assert await found(index, "stay") == ["keep"]
    for file in tmp_path.rglob("*"):
        if file.is_file():
            data = file.read_bytes().lower()
            assert b"xylophone" not in data, file
            assert b"unforgettable" not in data, file


async def test_a_session_of_many_messages_is_purged(store: SqliteStore) -> None:
    """SQLite stops a cascade from message to message after 1,000."""
    await store.create_session(Session("long", "Long", START, START))
    parent: str | None = None
    for number in range(1_100):
        message = Message(f"m{number}", Role.USER, (TextPart("More"),), START, parent)
        await store.add_message("long", message)
        parent = message.id
    purged, _ = await SqliteLibrary(lambda: store.database).purge(["long"], NOW)
    assert purged.sessions == 1
    assert await store.list_sessions() == ()


async def test_a_purge_beside_a_reader_is_finished_later(
    store: SqliteStore, tmp_path: Path
) -> None:
    await add_session(store, "gone", f"Say {SECRET}", answer("So."))
    reader = sqlite3.connect(tmp_path / "sessions.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM session").fetchone()
    library = SqliteLibrary(lambda: store.database)
    purged, _ = await library.purge(["gone"], NOW)
    assert purged.is_pending
    assert await library.has_pending_purge()
    reader.close()
    assert await library.finish_purge()
    assert not await library.has_pending_purge()


async def test_a_fork_keeps_what_it_shows_when_its_origin_is_purged(store: SqliteStore) -> None:
    exchange = await add_session(store, "origin", "Hello", answer("World"))
    await add_fork(store, "fork", exchange)
    index = index_of(store)
    await index.update()
    await SqliteLibrary(lambda: store.database).purge(["origin"], NOW)
    stored = await store.load_session("fork")
    assert [e.choice(0).text for e in stored.exchanges.values()] == ["World"]
    assert await found(index, "world") == ["fork"]


async def test_forks_that_are_purged_together_keep_nothing_for_each_other(
    store: SqliteStore,
) -> None:
    shown = await add_session(store, "origin", "Hello", answer("World"))
    await add_fork(store, "gone", shown)
    await add_fork(store, "stays", shown)
    await add_fork(store, "other", await add_session(store, "first", "Hello", answer("Moon")))
    index, library = index_of(store), SqliteLibrary(lambda: store.database)
    await index.update()
    purged, _ = await library.purge(["gone", "origin", "other", "first"], NOW)
    assert (purged.sessions, purged.exchanges) == (4, 1)
    stored = await store.load_session("stays")
    assert [e.choice(0).text for e in stored.exchanges.values()] == ["World"]
    assert await found(index, "world or moon") == ["stays"]


async def add_fork(store: SqliteStore, name: str, shown: Exchange) -> None:
    """A session that shows the exchange of another one."""
    await store.create_session(Session(name, "Fork", START, START))
    asked = Message(f"{name}-u", Role.USER, (TextPart("Hello"),), START)
    source = ReplySource(shown.id, 0)
    reply = Message(f"{name}-a", Role.ASSISTANT, (), START, asked.id, (source,))
    await store.add_message(name, asked)
    await store.add_message(name, reply)


async def check_alike(index: SqliteSearchIndex, facts: Mapping[str, Facts], text: str) -> set[str]:
    """What a query finds; the index and the rules have to agree."""
    query = parse_query(text)
    check_query(query)
    hits = await index.find(Search(query, NOW, Sort.TIME))
    ids = {hit.session_id for hit in hits}
    assert ids == {name for name, fact in facts.items() if matches(query, fact, NOW)}
    return ids


async def test_every_example_of_a_field_is_read_alike_by_index_and_rules(
    filled: tuple[SqliteSearchIndex, dict[str, Facts]],
) -> None:
    for term in EVERY_VALUE:
        for text in (term, f"-{term}"):
            await check_alike(*filled, text)


async def test_a_new_field_is_one_entry_of_the_table(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    retry = Retry(Failure("server", "It failed.", "Wait.", 500), 1.0)
    exchanges = {
        "none": answer("Hello"),
        "once": replace(answer("Hello"), retries=(retry,)),
        "often": replace(answer("Hello"), retries=(retry,) * 10),
    }
    for name, exchange in exchanges.items():
        await add_session(store, name, "Hi", exchange)
    index = index_of(store)
    await index.update()
    retries = Field(
        Number(lambda exchange: len(exchange.retries)), "failed tries", ">0", (">0", ">2")
    )
    kinds = Field(
        Names(lambda exchange: (one.failure.kind for one in exchange.retries)), "their kind", "s*"
    )
    reasoning = Field(Text(("reasoning", "text")), "words of the reply and its reasoning", "plan")
    added = {"retries": retries, "retried": kinds, "replied": reasoning}
    for name, field in added.items():
        monkeypatch.setitem(FIELDS, name, field)
    await index.update()  # the index is made anew: the table has other fields
    facts = {name: facts_of(e, (TextPart("Hi"),)) for name, e in exchanges.items()}
    assert await check_alike(index, facts, "retries:>0") == {"once", "often"}
    assert await check_alike(index, facts, "retries:>2 retried:ser*") == {"often"}
    assert await check_alike(index, facts, "-retries:>0 or retries:1") == {"none", "once"}
    assert await check_alike(index, facts, "retries:0") == {"none"}
    assert await check_alike(index, facts, "replied:hello") == set(exchanges)
    assert await check_alike(index, facts, "replied:hi") == set()
    completion = complete("hello retries:", lambda _field: ())
    assert completion is not None
    assert completion.terms == ("retries:>0", "retries:>2")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from((*TERMS, *EVERY_VALUE, "or", "(", ")")), max_size=8))
async def test_the_index_and_the_rules_read_a_query_alike(
    filled: tuple[SqliteSearchIndex, dict[str, Facts]], terms: list[str]
) -> None:
    text = " ".join(terms)
    try:
        check_query(parse_query(text))
    except QueryError:
        return
    await check_alike(*filled, text)


@pytest.fixture
async def filled(store: SqliteStore) -> tuple[SqliteSearchIndex, dict[str, Facts]]:
    facts = {}
    for day, (name, exchange) in enumerate(example_replies().items()):
        saved = await add_session(
            store, name, "ask gamma" if name == "one" else "ask", exchange, day
        )
        said = (TextPart("ask gamma" if name == "one" else "ask"),)
        facts[name] = replace(facts_of(saved, said), title=f"Title of {name}")
    await SqliteLibrary(lambda: store.database).pin(["two"], 1)
    await SqliteLibrary(lambda: store.database).archive(["six"], 1)
    await SqliteLibrary(lambda: store.database).tag(["one", "two"], ["work"])
    facts["one"] = replace(facts["one"], tags=("work",))
    facts["two"] = replace(facts["two"], is_pinned=True, tags=("work",))
    facts["six"] = replace(facts["six"], is_archived=True)
    client = "Agent/1.0 · python run.py · pid 7"
    before = (await store.load_session("two")).session
    await store.update_session(replace(before, source="watch", client=client), before)
    facts["two"] = replace(facts["two"], source="watch", client=client)
    index = index_of(store)
    await index.update()
    return index, facts
