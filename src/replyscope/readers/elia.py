"""The chats of elia: messages that name their parents."""

from datetime import datetime
from functools import partial

from replyscope.domain.foreign import ForeignConversation, ForeignTurn
from replyscope.domain.foreign_systems import Systems
from replyscope.domain.import_format import DatabaseFormat
from replyscope.domain.leftovers import Leftovers, as_extras, with_text
from replyscope.domain.loose_json import text_of
from replyscope.domain.message import Role, TextPart
from replyscope.readers.chat_tables import Fields, count_chats, read_chats, time_of_text

_MESSAGE = frozenset(("id", "chat_id", "role", "content", "timestamp", "parent_id", "model"))


def _chat(chat: Fields, rows: list[Fields]) -> ForeignConversation:
    systems, leftovers = Systems(), Leftovers()
    turns: list[ForeignTurn] = []
    above: dict[str, str | None] = {}
    last: str | None = None
    for row in rows:
        key, named = str(row["id"]), row.get("parent_id")
        parent = above.get(str(named)) if named is not None else last
        at, text = time_of_text(row["timestamp"]), text_of(row["content"])
        if row["role"] == "system":
            made = systems.turn(key, parent, at, text)
        else:
            made = [_turn(row, text, at, parent, str(chat["model"]), leftovers)]
        turns += made
        above[key] = last = made[0].key if made else parent
    title, at = text_of(chat["title"]), time_of_text(chat["started_at"])
    return ForeignConversation(
        "elia", str(chat["id"]), title, at, tuple(turns), systems.first, left_out=leftovers.all
    )


def _turn(
    row: Fields, text: str, at: datetime | None, parent: str | None, model: str, left: Leftovers
) -> ForeignTurn:
    beside = with_text(row, _MESSAGE)
    role = Role.ASSISTANT if row["role"] == "assistant" else Role.USER
    if row["role"] not in ("assistant", "user"):
        left.add(f"role `{row['role']!s:.60}` of a message", "it was imported as a user message")
    extras = as_extras(beside) if role is Role.ASSISTANT else ()
    if role is Role.USER:
        left.add_fields(beside, "a user message")
    model = str(row.get("model") or model)
    return ForeignTurn(str(row["id"]), role, (TextPart(text),), at, parent, model, extras=extras)


ELIA = DatabaseFormat(
    name="elia",
    title="elia",
    path="`elia.sqlite`",
    content="the database, as a copy if the program is running",
    sniff=lambda tables: {"chat_id", "role", "content"} <= tables.get("message", set()),
    count=count_chats,
    read=partial(read_chats, read=_chat),
)
