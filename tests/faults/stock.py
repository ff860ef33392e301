"""Sessions to break things with: as values, as an export, as a file of an older version."""

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path

from replyscope.domain.event import RequestSent, WireFrame, WireRecord
from replyscope.domain.exchange import Choice, ExchangeState, Usage
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Message, ReplySource, Role, TextPart
from replyscope.domain.session import Session, SessionSettings
from replyscope.domain.shared import SESSION_FORMAT, Shared
from replyscope.inspection.sharing.session_json import session_to_json
from replyscope.store.codec import encode_exchange, encode_parts, encode_settings
from replyscope.store.schema import MIGRATIONS, migrate
from tests.support.build import NOON, make_exchange

REPLIES = 2
FRAMES = 20


def make_session(number: int, dice: random.Random) -> Shared:
    """A session of two questions, whose replies have frames and requests."""
    name = f"stock{number:05}"
    messages: list[Message] = []
    exchanges = {}
    records = {}
    for turn in range(REPLIES):
        key = f"{name}x{turn}"
        parent = messages[-1].id if messages else None
        words = f"question {turn} of {name}"
        asked = Message(f"{name}q{turn}", Role.USER, (TextPart(words),), NOON, parent)
        source = (ReplySource(key),)
        messages += [asked, Message(f"{name}r{turn}", Role.ASSISTANT, (), NOON, asked.id, source)]
        text = f"reply {turn} of {name} " + dice.randbytes(1_000).hex()
        exchanges[key] = make_exchange(
            id=key,
            state=ExchangeState.COMPLETED,
            choices=(Choice(0, text, finish_reason=FinishReason.STOP),),
            usage=Usage(1, 2, 3),
        )
        frames = [WireFrame(float(n), f"data: {n} of {key}\n\n") for n in range(FRAMES)]
        request = RequestSent("POST", "http://h", (), f'{{"messages":["{words}"]}}'.encode())
        records[key] = WireRecord(request, tuple(frames))
    session = Session(name, name, NOON, NOON, SessionSettings(), head_id=messages[-1].id)
    return Shared(session, tuple(messages), exchanges, ("stock",), records)


def write_export(path: Path, count: int, dice: random.Random) -> None:
    """A file of that many sessions, as `sessions export --format json` writes them."""
    made = [json.loads(session_to_json(make_session(n, dice))) for n in range(count)]
    path.write_text(json.dumps({"format": SESSION_FORMAT, "sessions": made}))


def write_old_file(path: Path, version: int, count: int, dice: random.Random) -> None:
    """A sessions file as an older version left it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        migrate(connection, None, MIGRATIONS[:version])
        connection.execute("BEGIN")
        for number in range(count):
            _insert_old(connection, make_session(number, dice), version)
        connection.execute("COMMIT")


def _insert_old(connection: sqlite3.Connection, shared: Shared, version: int) -> None:
    session = shared.session
    connection.execute(
        "INSERT INTO session (id, title, created_at, updated_at, settings, head_id) "
        "VALUES (?, ?, 1, 1, ?, ?)",
        (session.id, session.title, encode_settings(session.settings), session.head_id),
    )
    for message in shared.messages:
        parts = encode_parts(message.parts)
        values = (message.id, session.id, message.parent_id, message.role.value, parts)
        connection.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?, 1)", values)
        for source in message.sources:
            folded = encode_exchange(shared.exchanges[source.exchange_id])
            connection.execute(
                "INSERT INTO exchange (id, session_id, message_id, position, choice_index, state, "
                "model, finish_reason, started_at, folded) "
                "VALUES (?, ?, ?, 0, 0, 'completed', 'm', 'stop', 1, ?)",
                (source.exchange_id, session.id, message.id, folded),
            )
            if version > 1:
                connection.execute(
                    "INSERT INTO source VALUES (?, 0, ?, 0)", (message.id, source.exchange_id)
                )
