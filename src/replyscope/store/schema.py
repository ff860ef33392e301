"""The database tables, and the migrations of older files.

Invariants: a program never changes a file that a newer version wrote, and backs a file up
before it migrates what people saved.
"""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from replyscope.domain.errors import StoreTooNew
from replyscope.store.hub_tables import HUB_TABLES
from replyscope.store.index_tables import TABLES_BY_TIME
from replyscope.store.overwriting import FAST_PURGE, OVERWRITING, note_overwrites
from replyscope.store.shards import shrink_earlier
from replyscope.store.usage_sums import KEPT_SUMS, SUMS_OF_NEW, USAGE_TABLES
from replyscope.store.views import BOUNDED_USAGE, VIEW_SCRIPT

_FIRST = """
CREATE TABLE session (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    is_title_given INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    settings TEXT NOT NULL,
    head_id TEXT,
    draft TEXT NOT NULL DEFAULT '',
    deleted_at INTEGER
) STRICT;
CREATE INDEX session_by_time ON session (updated_at DESC) WHERE deleted_at IS NULL;

CREATE TABLE message (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    parent_id TEXT REFERENCES message (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    parts TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX message_by_session ON message (session_id);
CREATE INDEX message_by_parent ON message (parent_id);

CREATE TABLE exchange (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    message_id TEXT NOT NULL REFERENCES message (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    choice_index INTEGER NOT NULL,
    state TEXT NOT NULL,
    writer TEXT,
    model TEXT NOT NULL,
    finish_reason TEXT,
    started_at INTEGER NOT NULL,
    folded BLOB NOT NULL
) STRICT;
CREATE INDEX exchange_by_session ON exchange (session_id, started_at);
CREATE INDEX exchange_by_message ON exchange (message_id, position);
CREATE INDEX exchange_open ON exchange (writer) WHERE writer IS NOT NULL;

CREATE TABLE segment (
    exchange_id TEXT NOT NULL REFERENCES exchange (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    frames BLOB NOT NULL,
    PRIMARY KEY (exchange_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE piece (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    data BLOB NOT NULL
) STRICT;

CREATE TABLE request (
    exchange_id TEXT PRIMARY KEY REFERENCES exchange (id) ON DELETE CASCADE,
    method TEXT NOT NULL,
    url TEXT NOT NULL,
    headers TEXT NOT NULL,
    separator TEXT NOT NULL,
    pieces BLOB NOT NULL
) STRICT;

CREATE TABLE adaptation (
    base_url TEXT NOT NULL,
    model TEXT NOT NULL,
    name TEXT NOT NULL,
    instead TEXT NOT NULL,
    PRIMARY KEY (base_url, model, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE prompt (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL
) STRICT;
"""

_CHOICES_AS_MESSAGES = """
CREATE TABLE source (
    message_id TEXT NOT NULL REFERENCES message (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    exchange_id TEXT NOT NULL REFERENCES exchange (id) ON DELETE CASCADE,
    choice_index INTEGER NOT NULL,
    PRIMARY KEY (message_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX source_by_exchange ON source (exchange_id);
INSERT INTO source SELECT message_id, position, id, choice_index FROM exchange;
DROP INDEX exchange_by_message;
"""
"""A message names its exchanges here: an exchange has a message for each of its choices,
and a fork names exchanges of another session. `exchange.message_id` is the first message.
"""

_REMOTE_REPLIES = """
CREATE TABLE remote (
    response_id TEXT PRIMARY KEY,
    api TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    base_url TEXT NOT NULL,
    model TEXT NOT NULL,
    session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    seen_at INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT;
CREATE INDEX remote_by_time ON remote (seen_at DESC);
"""

_COST = """
ALTER TABLE exchange ADD COLUMN cost_usd REAL;
CREATE INDEX exchange_cost ON exchange (started_at) WHERE cost_usd IS NOT NULL;
"""

_REVIEW = """
ALTER TABLE session ADD COLUMN pinned_at INTEGER;
ALTER TABLE session ADD COLUMN archived_at INTEGER;
CREATE TABLE tag (
    session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    PRIMARY KEY (session_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX tag_by_name ON tag (name);

CREATE TABLE fact (
    id INTEGER PRIMARY KEY,
    exchange_id TEXT NOT NULL UNIQUE REFERENCES exchange (id) ON DELETE CASCADE,
    session_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    model TEXT NOT NULL,
    answered TEXT NOT NULL,
    api TEXT NOT NULL,
    finish TEXT NOT NULL,
    state TEXT NOT NULL,
    tokens INTEGER,
    input INTEGER,
    output INTEGER,
    cost REAL,
    ttft REAL,
    duration REAL,
    tps REAL,
    marks TEXT NOT NULL,
    is_reported INTEGER NOT NULL
) STRICT;
CREATE INDEX fact_by_time ON fact (started_at);
CREATE INDEX fact_by_session ON fact (session_id);
CREATE TABLE fact_name (
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    fact_id INTEGER NOT NULL REFERENCES fact (id) ON DELETE CASCADE,
    PRIMARY KEY (field, value, fact_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX fact_name_by_fact ON fact_name (fact_id);
CREATE TABLE body (
    id INTEGER PRIMARY KEY REFERENCES fact (id) ON DELETE CASCADE,
    texts BLOB NOT NULL
) STRICT;
CREATE VIRTUAL TABLE search USING fts5 (
    prompt, text, reasoning, calls, content='', prefix='2 3', tokenize="unicode61"
);
CREATE TABLE unindexed (exchange_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
INSERT INTO unindexed SELECT id FROM exchange WHERE writer IS NULL;
CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""
"""`fact` and the tables that refer to it can be rebuilt from the exchanges; see `index`."""

_DRAFTS = """
CREATE TABLE draft (
    session_id TEXT PRIMARY KEY REFERENCES session (id) ON DELETE CASCADE,
    attachments TEXT NOT NULL,
    cursor INTEGER
) STRICT, WITHOUT ROWID;
"""
"""The attachments and cursor of a draft; its text is in `session`. A separate table, because a
session's row is written at each message and attachments may be megabytes.
"""

_STASH = """
CREATE TABLE stash (
    id INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    attachments TEXT NOT NULL,
    cursor INTEGER
) STRICT;
CREATE INDEX stash_by_session ON stash (session_id);
"""
"""The drafts that a person put aside, with their session."""

_SPENDING = """
CREATE TABLE reservation (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL,
    usd REAL NOT NULL,
    writer TEXT NOT NULL,
    made_at INTEGER NOT NULL
) STRICT;
CREATE TABLE purged_cost (
    day TEXT PRIMARY KEY,
    usd REAL NOT NULL
) STRICT;
CREATE TABLE prompt_value (
    session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    texts TEXT NOT NULL,
    PRIMARY KEY (session_id, name)
) STRICT;
"""
"""The requests that run, the costs of purged sessions, and the last values of the variables of
prompts, which are deleted with their session.
"""

_WATCHED = """
ALTER TABLE session ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN client TEXT NOT NULL DEFAULT '';
CREATE TABLE place (
    key BLOB NOT NULL,
    message_id TEXT NOT NULL REFERENCES message (id) ON DELETE CASCADE,
    session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    has_reply INTEGER NOT NULL,
    PRIMARY KEY (key, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX place_by_message ON place (message_id);
CREATE INDEX place_by_session ON place (session_id);
"""
"""The source of a session, and the places in watched sessions that a later request of the
program may continue. Only watched sessions have places: see decision 0038.
"""

_SMALLER_FORMS = "SELECT 1;"
"""No table changes. From this version on, journals and the texts of the index are written in forms
that older programs can't read; see decision 0062.
"""

_OF_THE_INDEX = (
    TABLES_BY_TIME,
    USAGE_TABLES,
    BOUNDED_USAGE,
    _SMALLER_FORMS,
    FAST_PURGE,
    KEPT_SUMS,
    SUMS_OF_NEW,
    OVERWRITING,
)
"""The scripts that change only indexes and views, which can be made again. They need no backup,
which takes a minute for an archive of a year.
"""
MIGRATIONS: tuple[str, ...] = (
    _FIRST,
    _CHOICES_AS_MESSAGES,
    _REMOTE_REPLIES,
    _COST,
    _REVIEW,
    _DRAFTS,
    _STASH,
    _SPENDING,
    _WATCHED,
    VIEW_SCRIPT,
    HUB_TABLES,
    *_OF_THE_INDEX,
)
"""Script n migrates a file from version n to n + 1; `user_version` holds the version."""


def migrate(
    connection: sqlite3.Connection,
    path: Path | None,
    migrations: Sequence[str] = MIGRATIONS,
) -> None:
    """Migrate a file to this version, one script and one transaction at a time.

    Raises StoreTooNew when the file is of a newer version.
    """
    check_version(connection, path, migrations)
    version = _version(connection)
    if path is not None and needs_backup(version, migrations):
        _back_up(connection, path)
    is_new = False
    while version < len(migrations):
        connection.execute("BEGIN EXCLUSIVE")
        try:
            # Another process may have migrated while this one waited for the lock.
            version = _version(connection)
            if version < len(migrations):
                is_new = is_new or version == 0
                _run(connection, migrations[version], is_new=is_new)
                version += 1
                connection.execute(f"PRAGMA user_version = {version}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise


def _run(connection: sqlite3.Connection, script: str, *, is_new: bool) -> None:
    for statement in _statements(script):
        connection.execute(statement)
    if script is TABLES_BY_TIME:
        shrink_earlier(connection)  # a new file has no replies of older versions
    if script is OVERWRITING and is_new:
        note_overwrites(connection)


def needs_backup(version: int, migrations: Sequence[str] = MIGRATIONS) -> bool:
    """Whether a file of a version is backed up before it is migrated."""
    return version > 0 and any(script not in _OF_THE_INDEX for script in migrations[version:])


def check_version(
    connection: sqlite3.Connection,
    path: Path | None,
    migrations: Sequence[str] = MIGRATIONS,
) -> None:
    """Check the version without migrating. Raises StoreTooNew for a newer file."""
    version = _version(connection)
    if version > len(migrations):
        raise StoreTooNew(
            f"The sessions in {path} were written by a newer replyscope (format {version}, "
            f"this one knows {len(migrations)}).",
            "Update replyscope, or use another folder with --data-dir.",
        )


def is_migrated(connection: sqlite3.Connection) -> bool:
    """Whether a file is of this version."""
    return _version(connection) == len(MIGRATIONS)


def _version(connection: sqlite3.Connection) -> int:
    row = connection.execute("PRAGMA user_version").fetchone()
    return int(row[0])


def _statements(script: str) -> list[str]:
    statements: list[str] = []
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    return statements


def _back_up(connection: sqlite3.Connection, path: Path) -> None:
    """Back the file up, unless a backup exists. The lock lets only one process do it, and none
    migrates meanwhile. The backup is written under another name first, because the next start
    could not tell an incomplete backup from a complete one.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        target = path.with_name(f"{path.name}.v{_version(connection)}.bak")
        part = target.with_name(f"{target.name}.part")
        part.unlink(missing_ok=True)  # left by a process that died
        if target.exists():
            return
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT, 0o600))
        try:
            _copy(path, part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    finally:
        connection.execute("ROLLBACK")


def _copy(path: Path, target: Path) -> None:
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
