"""SQLite's check of the pages of the file: of all, or of those that lists and searches need.

Checking all pages of an archive of a year takes half a minute.
"""

import sqlite3

LARGE_BYTES = 256_000_000
"""The size from which a quick check leaves out the tables of texts and recorded streams."""
LISTS = (
    "session", "tag", "source", "fact", "fact_name", "cell", "cell_name", "shard", "unindexed",
    "draft", "stash", "prompt", "remote", "note", "hub", "hub_pending",
)  # fmt: skip


def find_fault(connection: sqlite3.Connection) -> str | None:
    """The first fault of the file; None if it has none."""
    result = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    return None if result == "ok" else result


def find_fault_quickly(
    connection: sqlite3.Connection, large_bytes: int = LARGE_BYTES
) -> tuple[str | None, bool]:
    """The first fault, and whether all tables were checked: those of texts are left out in a large
    file.
    """
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    if pages * connection.execute("PRAGMA page_size").fetchone()[0] < large_bytes:
        return find_fault(connection), True
    for table in LISTS:
        result = str(connection.execute(f"PRAGMA integrity_check({table})").fetchone()[0])
        if result != "ok":
            return result, False
    return None, False
