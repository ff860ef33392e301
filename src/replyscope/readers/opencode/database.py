"""Reads the SQLite database of opencode: sessions, messages and parts, with their JSON."""

from collections.abc import Iterator, Mapping
from typing import Any

from replyscope.domain.foreign import Unreadable
from replyscope.domain.import_faults import DATA_FAULTS, fault_in_words
from replyscope.domain.import_format import DatabaseRow, ForeignDatabase, Item
from replyscope.domain.loose_json import from_json, mapping_of, name_of
from replyscope.readers.opencode.session import Message, conversation_of

_MESSAGES = "SELECT * FROM message WHERE session_id = ? ORDER BY id"
_PARTS = "SELECT * FROM part WHERE message_id = ? ORDER BY id"


def count_sessions(database: ForeignDatabase) -> int:
    """The number of sessions."""
    return int(database.rows("SELECT count(*) AS number FROM session")[0]["number"])


def read_sessions(database: ForeignDatabase) -> Iterator[Item]:
    """Each session, oldest first."""
    for row in database.rows("SELECT * FROM session ORDER BY id"):
        session = dict(row)
        try:
            made = conversation_of(session, _messages(database, name_of(session["id"])))
            if made.turns:
                yield made
        except DATA_FAULTS as error:
            yield Unreadable(
                f"session {session.get('title') or session['id']}", fault_in_words(error)
            )


def _messages(database: ForeignDatabase, session_id: str) -> Iterator[Message]:
    for row in database.rows(_MESSAGES, (session_id,)):
        parts = database.rows(_PARTS, (row["id"],))
        yield _fields(row), [_fields(part) for part in parts]


def _fields(row: DatabaseRow) -> Mapping[str, Any]:
    """The JSON of a row, with its id."""
    return {**mapping_of(from_json(str(row["data"]))), "id": name_of(row["id"])}
