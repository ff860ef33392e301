"""The texts of the search index: what `choice_text` has is not stored twice."""

import json
import sqlite3
import zlib
from contextlib import closing
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.exchange import Choice, ExchangeState
from replyscope.inspection.facts import facts_of
from replyscope.store.index_entry import IndexEntry, entry_of, pack_texts, read_texts
from tests.support.build import make_exchange

CHOICES = st.lists(
    st.builds(Choice, st.integers(0, 3), st.text(), refusal=st.none() | st.text()), max_size=4
)


def entry_with(choices: list[Choice]) -> IndexEntry:
    exchange = make_exchange(state=ExchangeState.COMPLETED, choices=tuple(choices))
    return entry_of(("x", "s", "m", "completed"), facts_of(exchange))


def read_back(entry: IndexEntry, packed: bytes) -> tuple[str, ...]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE choice_text (fact_id, choice, text)")
        rows = [(1, *row) for row in entry.choices]
        connection.executemany("INSERT INTO choice_text VALUES (?, ?, ?)", reversed(rows))
        return read_texts(connection, 1, packed)


@given(CHOICES)
def test_the_texts_of_an_entry_are_read_as_they_were(choices: list[Choice]) -> None:
    entry = entry_with(choices)
    older = zlib.compress(json.dumps(entry.texts).encode("ascii"), 1)
    assert read_back(entry, pack_texts(entry)) == read_back(entry, older) == entry.texts


def test_the_text_of_a_reply_is_stored_once() -> None:
    one = entry_with([Choice(0, "a text " * 50)])
    assert json.loads(zlib.decompress(pack_texts(one)))[1] is None
    refused = entry_with([replace(Choice(0, "a text"), refusal="no")])
    assert json.loads(zlib.decompress(pack_texts(refused)))[1] == "a text\nno"
