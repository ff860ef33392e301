"""Reads the SQLite database of opencode: sessions, messages and parts, with their JSON.

Newer versions write whole messages into another table, `session_message`. A session may have rows
in both: those of the other table are read where they are newer.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from replyscope.domain.foreign import Unreadable
from replyscope.domain.import_faults import DATA_FAULTS, fault_in_words
from replyscope.domain.import_format import DatabaseRow, ForeignDatabase, Item, Wants
from replyscope.domain.loose_json import from_json, mapping_of, name_of
from replyscope.domain.sound_numbers import count_of
from replyscope.readers.opencode.current import as_message
from replyscope.readers.opencode.session import Message, conversation_of

_TABLES = {"session": "id", "message": "session_id", "part": "session_id",
           "session_message": "session_id"}  # fmt: skip
"""The tables, with the column of the session's id."""
_TIME = "time_created"


def count_sessions(database: ForeignDatabase) -> int:
    """The number of sessions."""
    return int(database.rows("SELECT count(*) AS number FROM session")[0]["number"])


def read_sessions(database: ForeignDatabase) -> Iterator[Item]:
    """Each session, oldest first."""
    return _read(database, lambda _key: True)


def read_wanted(database: ForeignDatabase, wants: Wants) -> Iterator[Item]:
    """The sessions that are wanted, oldest first. A version without times of changes gives all."""
    found = [columns for name, columns in database.tables.items() if name in _TABLES]
    has_times = all("time_updated" in columns for columns in found)
    if not has_times:
        return read_sessions(database)
    stamps = _stamps(database)
    return _read(database, lambda key: wants(key, tuple(stamps.get(key, ()))))


def _stamps(database: ForeignDatabase) -> Mapping[str, list[object]]:
    """For each session the number and the newest change of its rows, without their JSON."""
    found: dict[str, list[object]] = {}
    for table, key in _TABLES.items():
        if table not in database.tables:
            continue
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
    newest = -1
    for row in _rows(database, "message", "session_id", session_id):
        parts = _rows(database, "part", "message_id", row["id"])
        newest = max(newest, count_of(dict(row).get(_TIME)) or 0)
        yield _fields(row), [_fields(part) for part in parts]
    if "session_message" in database.tables:
        for row in _rows(database, "session_message", "session_id", session_id):
            if (count_of(dict(row).get(_TIME)) or 0) > newest:
                yield as_message({**_fields(row), "type": name_of(row["type"])})


def _rows(database: ForeignDatabase, table: str, column: str, key: object) -> list[DatabaseRow]:
    """The rows of a session or a message in their order. The ids contain a time that starts
    again from zero every 26 months, so they do not say the order alone.
    """
    columns = database.tables.get(table, ())
    order = "seq" if "seq" in columns else f"{_TIME}, id" if _TIME in columns else "id"
    return database.rows(f"SELECT * FROM {table} WHERE {column} = ? ORDER BY {order}", (key,))


def _fields(row: DatabaseRow) -> Mapping[str, Any]:
    """The JSON of a row, with its id."""
    return {**mapping_of(from_json(str(row["data"]))), "id": name_of(row["id"])}
