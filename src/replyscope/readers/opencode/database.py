"""Reads the SQLite database of opencode: sessions, messages and parts, with their JSON."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from replyscope.domain.foreign import Unreadable
from replyscope.domain.import_faults import DATA_FAULTS, fault_in_words
from replyscope.domain.import_format import DatabaseRow, ForeignDatabase, Item, Wants
from replyscope.domain.loose_json import from_json, mapping_of, name_of
from replyscope.readers.opencode.session import Message, conversation_of

_TABLES = {"session": "id", "message": "session_id", "part": "session_id"}
"""The tables, with the column of the session's id."""
_MESSAGES = "SELECT * FROM message WHERE session_id = ? ORDER BY id"
_PARTS = "SELECT * FROM part WHERE message_id = ? ORDER BY id"


def count_sessions(database: ForeignDatabase) -> int:
    """The number of sessions."""
    return int(database.rows("SELECT count(*) AS number FROM session")[0]["number"])


def read_sessions(database: ForeignDatabase) -> Iterator[Item]:
    """Each session, oldest first."""
    return _read(database, lambda _key: True)


def read_wanted(database: ForeignDatabase, wants: Wants) -> Iterator[Item]:
    """The sessions that are wanted, oldest first. A version without times of changes gives all."""
    has_times = all("time_updated" in database.tables.get(name, ()) for name in _TABLES)
    if not has_times:
        return read_sessions(database)
    stamps = _stamps(database)
    return _read(database, lambda key: wants(key, tuple(stamps.get(key, ()))))


def _stamps(database: ForeignDatabase) -> Mapping[str, list[object]]:
    """For each session the number and the newest change of its rows, without their JSON."""
    found: dict[str, list[object]] = {}
    for table, key in _TABLES.items():
        for row in database.rows(
            f"SELECT {key} AS key, count(*) AS number, max(time_updated) AS newest FROM {table} "
            f"GROUP BY {key}"
        ):
            found.setdefault(name_of(row["key"]), []).extend((table, row["number"], row["newest"]))
    return found


def _read(database: ForeignDatabase, wants: Callable[[str], bool]) -> Iterator[Item]:
    for row in database.rows("SELECT * FROM session ORDER BY id"):
        session = dict(row)
        if not wants(name_of(session["id"])):
            continue
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
