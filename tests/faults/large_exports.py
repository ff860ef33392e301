"""Writes exports of other programs of any size, with one item that is larger than the bound."""

import csv
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

AT = "2026-07-03T15:16:41Z"
HUGE = 60_000_000
_SMALL = 200_000
_WORDS = "The quick brown fox, jumps over the lazy dog; it says nothing more. "
_ELIA = """
CREATE TABLE chat (id INTEGER PRIMARY KEY, model VARCHAR, title VARCHAR, started_at DATETIME);
CREATE TABLE message (id INTEGER PRIMARY KEY, chat_id INTEGER, role VARCHAR, content VARCHAR,
    timestamp DATETIME, model VARCHAR, parent_id INTEGER);
"""


def sizes_of(total: int) -> Iterator[int]:
    """The sizes of the items: small ones, with a huge one after the first."""
    yield _SMALL
    yield HUGE
    for _ in range(max(1, total // _SMALL)):
        yield _SMALL


def text_of(size: int) -> str:
    return (_WORDS * (size // len(_WORDS) + 1))[:size]


def _said(number: int) -> str:
    """A text of a message; one in ten has an emoji."""
    return text_of(2_000) + ("" if number % 10 else "😀")


def claude_ai(path: Path, total: int) -> None:
    """A list of conversations."""
    _list(path, map(_chat, *_numbered(total)), "[", "]")


def langfuse(path: Path, total: int) -> None:
    """An object with a list of observations behind other fields."""
    about = '{"meta": {"page": [1, "]"]}, "count": 3, "other": ["x"], "data": ['
    _list(path, map(_observation, *_numbered(total)), about, "]}")


def langfuse_csv(path: Path, total: int) -> None:
    """Rows of cells."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        for number, size in zip(*_numbered(total), strict=False):
            row = _observation(number, size)
            if number == 0:
                writer.writerow(row)
            cells = (one if isinstance(one, str) else json.dumps(one) for one in row.values())
            writer.writerow(cells)


def claude_code(path: Path, total: int) -> None:
    """A log of one session."""
    with path.open("w") as file:
        above = None
        for number, size in zip(*_numbered(total), strict=False):
            key = f"00000000-0000-4000-8000-{number:012}"
            line: dict[str, Any] = {"uuid": key, "parentUuid": above, "sessionId": path.stem}
            line |= {"timestamp": AT, "version": "2.0.0", "cwd": "/x", "isSidechain": False}
            said: dict[str, Any] = {"role": "user", "content": text_of(size)}
            if number % 2:
                content = [{"type": "text", "text": text_of(size)}]
                said = {"role": "assistant", "id": f"m{number}", "model": "m", "content": content}
            line |= {"type": said["role"], "message": said}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            above = key


def elia(path: Path, total: int) -> None:
    """A database with a row for each message."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(_ELIA)
        for number, size in zip(*_numbered(total), strict=False):
            connection.execute("INSERT INTO chat VALUES (?, 'm', 't', ?)", (number, AT))
            for role in ("user", "assistant"):
                row = (number, role, text_of(size // 2), AT)
                connection.execute("INSERT INTO message VALUES (NULL, ?, ?, ?, ?, 'm', NULL)", row)


def _numbered(total: int) -> tuple[Iterator[int], Iterator[int]]:
    sizes = list(sizes_of(total))
    return iter(range(len(sizes))), iter(sizes)


def _list(path: Path, entries: Iterator[Any], before: str, after: str) -> None:
    with path.open("w") as file:
        file.write(before)
        for number, entry in enumerate(entries):
            file.write(("," if number else "") + json.dumps(entry, ensure_ascii=False))
        file.write(after)


def _chat(number: int, size: int) -> dict[str, Any]:
    said = [
        {"uuid": f"{number}-{part}", "sender": sender, "text": _said(part), "created_at": AT}
        for part in range(max(1, size // 4_000))
        for sender in ("human", "assistant")
    ]
    return {"uuid": f"c{number}", "name": f"Talk {number}", "chat_messages": said}


def _observation(number: int, size: int) -> dict[str, Any]:
    message = {"role": "user", "content": text_of(10_000)}
    return {"id": f"o{number}", "traceId": f"t{number}", "startTime": AT, "type": "GENERATION",
            "input": [message] * max(1, size // 10_000), "output": f"Reply 😀 {number}",
            "model": "m"}  # fmt: skip


EXPORTS: dict[str, tuple[str, Callable[[Path, int], None]]] = {
    "claude-ai": ("conversations.json", claude_ai),
    "langfuse": ("traces.json", langfuse),
    "langfuse-csv": ("observations.csv", langfuse_csv),
    "claude-code": ("0a0a0a0a-0000-4000-8000-000000000001.jsonl", claude_code),
    "elia": ("elia.sqlite", elia),
}
