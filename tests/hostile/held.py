"""What a database holds, in the clear."""

import sqlite3
import zlib
from contextlib import closing, suppress
from pathlib import Path

from replyscope.store.frame_codec import frames_as_json


def texts_of(database: Path) -> str:
    """All that the database holds, unpacked: frames, requests, index."""
    held: list[str] = []
    with closing(sqlite3.connect(database)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master "
                  "WHERE type = 'table' AND name NOT LIKE 'search%'")]  # fmt: skip
        for table in tables:
            for row in connection.execute(f"SELECT * FROM {table}"):
                for value in row:
                    if isinstance(value, bytes):
                        unpack = frames_as_json if table == "segment" else zlib.decompress
                        with suppress(zlib.error):  # it is not compressed
                            value = unpack(value)
                        held.append(value.decode("utf-8", "replace"))
                    else:
                        held.append(str(value))
    return "\n".join(held)


def words_of_index(database: Path) -> set[str]:
    """Each word that the full-text index knows, deleted or not yet forgotten."""
    found: set[str] = set()
    with closing(sqlite3.connect(database)) as connection:
        for (number,) in connection.execute("SELECT number FROM shard").fetchall():
            connection.execute("DROP TABLE IF EXISTS temp.vocabulary")
            connection.execute(
                "CREATE VIRTUAL TABLE temp.vocabulary "
                f"USING fts5vocab(main, 'search_{number}', 'instance')"
            )
            rows = connection.execute("SELECT DISTINCT term FROM temp.vocabulary")
            found |= {str(row[0]) for row in rows}
    return found
