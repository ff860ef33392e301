"""What is left in a data folder after a process died there, seen by the next one."""

import asyncio
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from replyscope.domain.exchange import Exchange
from replyscope.domain.session import StoredSession
from replyscope.engine.recovery import recover
from replyscope.provider.opening import translate_frames
from replyscope.store.sqlite_store import SqliteStore
from tests.cli.run import PROGRAM, environment


@dataclass(frozen=True, slots=True)
class Aftermath:
    """The sessions that are left, and the frames of each exchange."""

    sessions: tuple[StoredSession, ...]
    frames: dict[str, list[str]]

    @property
    def exchanges(self) -> list[Exchange]:
        """Every exchange."""
        return [exchange for session in self.sessions for exchange in session.exchanges.values()]


def start(folder: Path, *arguments: str, **more: str) -> subprocess.Popen[bytes]:
    """Start the installed program, whose output nobody reads."""
    return subprocess.Popen(
        [*PROGRAM, *arguments],
        env=environment(folder, **more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_until(
    process: subprocess.Popen[bytes], condition: Callable[[], bool], longest_s: float = 60.0
) -> bool:
    """Wait until something is so, or the process ended; whether it still runs."""
    for _ in range(round(longest_s / 0.002)):
        if condition():
            break
        if not runs_on(process, 0.002):
            return False
    return process.poll() is None


def runs_on(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether the process still runs after a while."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def kill(process: subprocess.Popen[bytes]) -> bool:
    """kill -9; whether it was still running."""
    process.kill()
    return process.wait() == -signal.SIGKILL


def check_file(path: Path) -> None:
    """The file is sound by SQLite's own word."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def look_after(folder: Path) -> Aftermath:
    """Check the file, start as the next process would, and read what there is."""
    path = folder / "data" / "sessions.db"
    if not path.exists():
        return Aftermath((), {})
    check_file(path)
    left = asyncio.run(_read(path))
    check_file(path)
    with closing(sqlite3.connect(path)) as connection:
        running = "SELECT id, state, writer FROM exchange WHERE writer IS NOT NULL OR state IN "
        assert connection.execute(f"{running} ('in_progress', 'queued')").fetchall() == []
    for exchange in left.exchanges:
        assert exchange.state.is_terminal, exchange
    return left


async def _read(path: Path) -> Aftermath:
    store = SqliteStore(path, "looks-after")
    try:
        await store.open()
        await recover(store, translate_frames)
        ids = [summary.id for summary in await store.list_sessions()]
        sessions = [await store.load_session(session_id) for session_id in ids]
        frames = {
            exchange.id: [frame.text for frame in (await store.load_wire(exchange.id)).frames]
            for session in sessions
            for exchange in session.exchanges.values()
        }
        return Aftermath(tuple(sessions), frames)
    finally:
        await store.close()
