"""The SQL of the tables that divide the search index by time; see `shards`, `fact_ids`, `cells`."""

import sqlite3

_FULL_TEXT = """
CREATE VIRTUAL TABLE {} USING fts5 (
    prompt, text, reasoning, calls, content='', tokenize="unicode61"
)
""".strip()


def create_full_text(connection: sqlite3.Connection, table: str) -> None:
    """Create an empty full-text table. It has no prefix index: reading all words of one shard that
    begin alike takes milliseconds, and prefix indexes are twice as large as the words.
    """
    connection.execute(_FULL_TEXT.format(table))


TABLES_BY_TIME = """
ALTER TABLE search RENAME TO search_0;
CREATE TABLE shard (
    number INTEGER PRIMARY KEY,
    first_id INTEGER NOT NULL UNIQUE,
    replies INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO shard SELECT 0, 0, count(*) FROM fact;
CREATE TABLE cell (
    id INTEGER PRIMARY KEY,
    names TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE cell_name (
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    cell INTEGER NOT NULL REFERENCES cell (id) ON DELETE CASCADE,
    PRIMARY KEY (field, value, cell)
) STRICT, WITHOUT ROWID;
CREATE INDEX cell_name_by_cell ON cell_name (cell);
ALTER TABLE fact ADD COLUMN cell INTEGER;
DROP INDEX fact_by_session;
CREATE INDEX fact_by_session ON fact (session_id, cell);
CREATE INDEX fact_by_cell ON fact (cell);
CREATE INDEX session_pinned ON session (updated_at DESC) WHERE pinned_at IS NOT NULL;
CREATE INDEX session_deleted ON session (deleted_at) WHERE deleted_at IS NOT NULL;
"""
"""`search_0` has the replies that an older version indexed. Their ids are not in order of time;
`upgrade` in `search` indexes them again.
"""
