"""A draft on disk: its text, its attachments and its cursor, together and alone."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from replyscope.domain.message import Attachment, FilePart, ImagePart
from replyscope.domain.session import Draft, Session
from replyscope.store.library import remove_sessions
from replyscope.store.rows import insert_session, load_session, update_session
from replyscope.store.schema import MIGRATIONS, migrate
from replyscope.store.sqlite_store import SqliteStore
from tests.support.build import NOON

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_ATTACHMENTS: st.SearchStrategy[Attachment] = st.one_of(
    st.builds(FilePart, _TEXTS, st.text(max_size=20)),
    st.builds(ImagePart, _TEXTS, st.just("image/png"), st.binary(max_size=20)),
)
_DRAFTS = st.builds(
    Draft,
    _TEXTS,
    st.lists(_ATTACHMENTS, max_size=3).map(tuple),
    st.none() | st.integers(0, 20),
)


def make_session(draft: Draft) -> Session:
    return Session("s1", "A title", NOON, NOON).with_draft(draft)


def opened() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    migrate(connection, None)
    return connection


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_DRAFTS, min_size=1, max_size=5))
def test_each_draft_comes_back_as_it_was_saved(drafts: list[Draft]) -> None:
    with closing(opened()) as connection:
        saved = make_session(drafts[0])
        insert_session(connection, saved)
        for draft in drafts:
            session = saved.with_draft(draft)
            update_session(connection, session, saved)
            saved = session
            assert load_session(connection, "s1").session.whole_draft == draft
        insert_session(connection, make_session(drafts[0]))
        assert load_session(connection, "s1").session.whole_draft == drafts[0]


def test_another_process_that_spent_the_draft_does_not_lose_this_ones() -> None:
    draft = Draft("text", (FilePart("a.txt", "a"),), 1)
    with closing(opened()) as connection:
        session = make_session(draft)
        insert_session(connection, session)
        update_session(connection, make_session(Draft()), session)
        moved = replace(session, draft_cursor=2)
        update_session(connection, moved, session)
        assert load_session(connection, "s1").session.draft_attachments == draft.attachments


def test_the_attachments_of_a_draft_go_with_their_session() -> None:
    with closing(opened()) as connection:
        insert_session(connection, make_session(Draft("", (FilePart("a.txt", "a"),))))
        remove_sessions(connection, ["s1"], NOON)
        assert connection.execute("SELECT count(*) FROM draft").fetchone() == (0,)


async def test_a_draft_of_the_format_before_is_still_there(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, None, MIGRATIONS[:5])
        connection.execute(
            "INSERT INTO session (id, title, created_at, updated_at, settings, draft) "
            "VALUES ('s1', 't', 0, 0, '{}', 'half a thou')"
        )
    store = SqliteStore(path, "writer")
    try:
        await store.open()
        loaded = await store.load_session("s1")
        assert loaded.session.whole_draft == Draft("half a thou")
    finally:
        await store.close()
    assert (tmp_path / "sessions.db.v5.bak").exists()
