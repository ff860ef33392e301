"""The tables of the change log for the hub."""

import sqlite3

HUB_TABLES = """
CREATE TABLE hub (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    url TEXT NOT NULL,
    machine TEXT NOT NULL,
    name TEXT NOT NULL,
    place TEXT NOT NULL,
    former TEXT NOT NULL DEFAULT '[]',
    at_ms INTEGER NOT NULL DEFAULT 0,
    counter INTEGER NOT NULL DEFAULT 0,
    is_applying INTEGER NOT NULL DEFAULT 0,
    head_number INTEGER NOT NULL DEFAULT 0,
    head_digest TEXT NOT NULL DEFAULT '',
    intended TEXT,
    synced_at INTEGER
) STRICT;
CREATE TABLE hub_pending (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    UNIQUE (kind, id)
) STRICT;
CREATE INDEX hub_pending_by_session ON hub_pending (session_id);
CREATE TABLE hub_field (
    session_id TEXT NOT NULL,
    name TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    counter INTEGER NOT NULL,
    machine TEXT NOT NULL,
    value TEXT,
    PRIMARY KEY (session_id, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE hub_item (
    id TEXT PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    counter INTEGER NOT NULL,
    machine TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE hub_left (
    session_id TEXT PRIMARY KEY,
    is_withdrawn INTEGER NOT NULL DEFAULT 0,
    is_shared INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE hub_purged (session_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE hub_pulled (
    machine TEXT PRIMARY KEY,
    number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE hub_hole (
    machine TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (machine, first, last)
) STRICT, WITHOUT ROWID;
CREATE TABLE hub_waiting (
    needs TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    stamp TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (needs, kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX hub_waiting_by_session ON hub_waiting (session_id);
"""
"""The change log of the hub: see `store/hub`. `hub` has one row while the archive takes part in
one; the triggers that fill `hub_pending`, `hub_field` and `hub_item` exist only then.

`hub_field` has the stamps of a session's fields; the row with an empty name is the stamp of all
fields without a row. `value` is the JSON of a field that has no column, or cannot be set yet.
"""


def takes_part(connection: sqlite3.Connection) -> bool:
    """Whether the archive takes part in a hub."""
    return connection.execute("SELECT 1 FROM hub").fetchone() is not None
