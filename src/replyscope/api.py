"""The Python API: reads the saved sessions from other programs.

It is stable: arguments and fields may be added, never changed. It is read-only: no reply,
message or session is changed; new replies are added to the search index, as by any search.
"""

import os
from collections.abc import Iterator
from datetime import datetime

from replyscope.config.paths import find_paths
from replyscope.domain.errors import ReplyscopeError, SessionNotFound, StoreError
from replyscope.domain.event import WireFrame, WireRecord
from replyscope.domain.exchange import Choice, Exchange, ToolCall, Usage
from replyscope.domain.matching import read_query
from replyscope.domain.message import Message, TextPart, ToolResultPart
from replyscope.domain.query import QueryError
from replyscope.domain.search import Hit, Search, Sort
from replyscope.domain.session import SessionSummary
from replyscope.inspection.facts import facts_of
from replyscope.inspection.stats import Stats, Sums, stats_of
from replyscope.store.archive_file import ArchiveFile

__all__ = [
    "ArchiveReader",
    "Choice",
    "Exchange",
    "Hit",
    "Message",
    "QueryError",
    "ReplyscopeError",
    "SessionNotFound",
    "SessionSummary",
    "Stats",
    "StoreError",
    "Sums",
    "TextPart",
    "ToolCall",
    "ToolResultPart",
    "Usage",
    "WireFrame",
    "WireRecord",
    "open_archive",
]


class ArchiveReader(ArchiveFile):
    """The saved sessions. Deleted ones are left out; a query with is:deleted finds them.

    Queries have the language of the review screen: `finish:length model:gpt-6* cost:>0.01`.
    Every method raises StoreError when the file can't be read.
    """

    def search(self, query: str = "", *, sort: str = "rank", limit: int = 50) -> tuple[Hit, ...]:
        """The replies that match, each with a snippet. Raises QueryError.

        `sort` is rank, time, tokens, cost, ttft or duration.
        """
        return self._hits(_search(query, Sort(sort), limit))

    def replies(self, query: str = "") -> Iterator[Exchange]:
        """Every reply that matches, the newest first, loaded one at a time. Raises QueryError."""
        return self._exchanges(_search(query, Sort.TIME, 1))

    def usage(self, query: str = "") -> Stats:
        """Replies, tokens and cost of all replies that match: the total, and by day, model, finish
        reason, tool and prompt. Raises QueryError.
        """
        return stats_of(self._figures(_search(query, Sort.TIME, 1)))


def open_archive(folder: "str | os.PathLike[str] | None" = None) -> ArchiveReader:
    """See replyscope.open_archive."""
    paths = find_paths(None if folder is None else os.fspath(folder))
    return ArchiveReader(paths.database, facts_of)


def _search(query: str, sort: Sort, limit: int) -> Search:
    return Search(read_query(query), datetime.now().astimezone(), sort, limit)
