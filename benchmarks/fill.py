"""Makes a data folder with one session of many messages, through the real store."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from replyscope.domain.exchange import Api, Choice, Exchange, ExchangeState, Timing, Usage
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Message, ReplySource, Role, TextPart
from replyscope.domain.session import Session
from replyscope.store.sqlite_store import SqliteStore

TEXT = (
    "## {word} {n}\n\nThe *parser* drops the last row because `range(len(rows) - 1)` ends early. "
    "A list:\n\n- check the bound\n- add a test\n\n```python\nfor row in rows:\n    use(row)\n```\n"
    "\nThen run the suite again and compare what it prints with what you expected to see there."
)


async def fill(folder: Path, messages: int, name: str = "bench", word: str = "Point") -> None:
    """Write the session; each reply has the word and a number in its heading."""
    folder.mkdir(parents=True, exist_ok=True)
    store = SqliteStore(folder / "sessions.db", "fill")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    await store.create_session(Session(name, f"{messages} messages of {name}", start, start))
    parent: str | None = None
    for number in range(messages // 2):
        at = start + timedelta(seconds=number)
        question = Message(
            f"{name}-q{number}", Role.USER, (TextPart(f"question {number}"),), at, parent
        )
        await store.add_message(name, question)
        source = (ReplySource(f"{name}-x{number}"),)
        reply = Message(f"{name}-r{number}", Role.ASSISTANT, (), at, question.id, source)
        exchange = Exchange(
            f"{name}-x{number}",
            Api.CHAT,
            "bench",
            "http://127.0.0.1/v1",
            "bench",
            at,
            ExchangeState.COMPLETED,
            (Choice(0, TEXT.format(word=word, n=number), finish_reason=FinishReason.STOP),),
            Usage(10, 100, 110),
            timing=Timing(100.0, 110.0, 900.0, 910.0, (5,) * 20, 125.0),
        )
        journal = await store.begin_exchange(name, [reply], exchange)
        await journal.finish(exchange)
        parent = reply.id
    await store.close()


def fill_now(folder: Path, messages: int, name: str = "bench", word: str = "Point") -> None:
    """Write the session, from code that is not async."""
    asyncio.run(fill(folder, messages, name, word))
