"""Reads databases with a table of chats and a table of messages: elia, oterm."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from replyscope.domain.field_types import YEARS
from replyscope.domain.foreign import ForeignConversation, Unreadable
from replyscope.domain.import_faults import DATA_FAULTS, fault_in_words
from replyscope.domain.import_format import ForeignDatabase, Item

Fields = dict[str, Any]
_MESSAGES = "SELECT * FROM message WHERE chat_id = ? ORDER BY id"


def count_chats(database: ForeignDatabase) -> int:
    """The number of chats."""
    return int(database.rows("SELECT count(*) AS number FROM chat")[0]["number"])


def read_chats(
    database: ForeignDatabase, read: Callable[[Fields, list[Fields]], ForeignConversation]
) -> Iterator[Item]:
    """Each chat; `read` makes a conversation of its row and the rows of its messages."""
    for chat in database.rows("SELECT * FROM chat ORDER BY id"):
        try:
            rows = database.rows(_MESSAGES, (chat["id"],))
            yield read(dict(chat), [dict(row) for row in rows])
        except DATA_FAULTS as error:
            yield Unreadable(f"chat {chat['id']}", fault_in_words(error))


def time_of_text(value: object) -> datetime | None:
    """The time of a text in ISO 8601, in UTC if it names no zone; None for any other value."""
    try:
        found = datetime.fromisoformat(str(value))
        at = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return at if at.year in YEARS else None
