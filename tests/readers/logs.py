"""Lines of the logs of other programs, and their import as functions for tests."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from replyscope.domain.exchange import Choice, Exchange
from replyscope.domain.foreign import Foreign
from replyscope.domain.message import Role
from replyscope.domain.session import StoredSession
from replyscope.domain.shared import Shared
from replyscope.engine.importing import Imported, import_batch
from replyscope.store.sqlite_store import SqliteStore
from tests.readers.samples import FIXTURES
from tests.support.importing import read_file

SESSION = "11111111-2222-4333-8444-555555555555"
USAGE = {"input_tokens": 10, "cache_read_input_tokens": 300, "output_tokens": 5}
Line = dict[str, Any]


def claude(kind: str, uuid: str, parent: str | None, message: Any = None, **more: Any) -> Line:
    """A line of Claude Code; its time is that of its number in the uuid."""
    second = int("".join(filter(str.isdigit, uuid)) or 0)
    about: Line = {"uuid": uuid, "parentUuid": parent, "type": kind, "sessionId": SESSION}
    about |= {"isSidechain": False, "timestamp": f"2026-03-01T10:00:{second:02}.000Z"}
    return about | ({"message": message} if message is not None else {}) | more


def asks(uuid: str, parent: str | None, content: Any, **more: Any) -> Line:
    """A line of the user."""
    return claude("user", uuid, parent, {"role": "user", "content": content}, **more)


def says(
    uuid: str, parent: str | None, key: str, block: Any, stop: str | None = None, **more: Any
) -> Line:
    """A line of a reply with one block."""
    block = {"type": "text", "text": block} if isinstance(block, str) else block
    message: Line = {"id": key, "role": "assistant", "model": "claude-test-1", "content": [block]}
    message |= {"stop_reason": stop, "usage": USAGE}
    return claude("assistant", uuid, parent, message, **more)


def uses(call_id: str, name: str = "Bash", **arguments: Any) -> Line:
    """A block with a tool call."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def gives(call_id: str, content: Any, **more: Any) -> Line:
    """A block with the result of a tool."""
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **more}


def rollout(kind: str, **payload: Any) -> Line:
    """A line of Codex."""
    return {"timestamp": "2026-03-01T10:00:00.000Z", "type": kind, "payload": payload}


def item(kind: str, **fields: Any) -> Line:
    """A response item of Codex."""
    return rollout("response_item", type=kind, **fields)


def event(kind: str, **fields: Any) -> Line:
    """An event of Codex."""
    return rollout("event_msg", type=kind, **fields)


def codex_text(role: str, text: str) -> Line:
    """A message of Codex."""
    part = {"type": "output_text" if role == "assistant" else "input_text", "text": text}
    return item("message", role=role, content=[part])


def tokens(total: int, **last: int) -> Line:
    """A report of the usage of a request by Codex."""
    info = {"total_token_usage": {"total_tokens": total}, "last_token_usage": last}
    return event("token_count", info=info)


def text_of(lines: Iterable[Mapping[str, Any] | str]) -> str:
    """The text of a log."""
    return "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in lines)


def written(path: Path, lines: Iterable[Mapping[str, Any] | str]) -> Path:
    """A log with these lines."""
    path.write_text(text_of(lines), encoding="utf-8")
    return path


def log(folder: Path, lines: Iterable[Mapping[str, Any] | str]) -> Path:
    """The log of the session of Claude Code."""
    return written(folder / f"{SESSION}.jsonl", lines)


def read(path: Path) -> list[Foreign]:
    """What an import of a path gives."""
    return list(read_file(path).items)


def only(items: list[Foreign]) -> Shared:
    """The only session."""
    (one,) = items
    assert isinstance(one, Shared), one
    return one


def replies(shared: Shared) -> list[tuple[Exchange, Choice]]:
    """The replies on the current branch."""
    found = [e for m in shared.branch for e, _ in shared.exchanges_of(m)]
    return [(one, one.choices[0]) for one in found]


def roles(shared: Shared) -> list[Role]:
    """The roles of the messages on the current branch."""
    return [message.role for message in shared.branch]


async def taken(store: SqliteStore, path: Path) -> Imported:
    """Import a path into a store."""
    return await import_batch(read_file(path), store, is_dry=False)


async def stored(store: SqliteStore, title: str = "") -> StoredSession:
    """The only session of a store, or the one with a title."""
    found = [s for s in await store.list_sessions() if not title or s.title == title]
    (one,) = found
    return await store.load_session(one.id)


def log_lines(name: str) -> list[str]:
    """The lines of the sample of a log."""
    return (FIXTURES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()


HEADS = {"claude-code": log_lines("claude-code")[1:2]}
"""The first line of a log with a message."""
