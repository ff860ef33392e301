"""kill -9 while a file is migrated, filled, read out or cleaned: all of it, or nothing."""

import json
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from replyscope.store.schema import MIGRATIONS, needs_backup
from tests.cli.run import run_program
from tests.faults.aftermath import check_file, kill, look_after, runs_on, start, wait_until
from tests.faults.stock import FRAMES, REPLIES, write_export, write_old_file
from tests.support.suite import Suite

if sys.platform == "win32":
    pytest.skip("Windows has no kill -9", allow_module_level=True)

from tests.stories.terminal import Terminal


def count_in(path: Path, table: str) -> int:
    """Rows of a table; 0 where there is no such table yet."""
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as connection:
        try:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_killed_while_the_file_is_migrated(suite: Suite, tmp_path: Path) -> None:
    dice = suite.dice("kill/migrate")
    count, sessions = suite.count(40), suite.count(1_500, least=500)
    olds = tmp_path / "olds"
    olds.mkdir()
    in_midst = 0
    for number in range(count):
        version = 1 if number == 0 else dice.randrange(1, len(MIGRATIONS))
        old = olds / f"{version}.db"
        if not old.exists():
            write_old_file(old, version, sessions, dice)
        folder = tmp_path / f"run{number}"
        in_midst += kill_migration(folder, old, version, sessions, dice)
        shutil.rmtree(folder)
    suite.say(
        f"{count} kills around a migration of {sessions:,} sessions, {in_midst} in its midst: each "
        "file stayed whole, was migrated by the next start, and its backup is whole where it "
        "needs one"
    )


def kill_migration(
    folder: Path, old: Path, version: int, sessions: int, dice: random.Random
) -> bool:
    """Migrate, kill, look; whether the migration had begun and not ended."""
    path = folder / "data" / "sessions.db"
    path.parent.mkdir(parents=True)
    shutil.copy(old, path)
    process = start(folder, "sessions", "list", "--json")
    begun = "*.bak*" if needs_backup(version) else "*-wal"
    wait_until(process, lambda: any(path.parent.glob(begun)))
    runs_on(process, dice.random() * 0.1)
    kill(process)
    check_file(path)
    reached = version_of(path)
    assert version <= reached <= len(MIGRATIONS)
    assert count_in(path, "session") == sessions
    backup = path.with_name(f"sessions.db.v{version}.bak")
    if reached > version:
        assert backup.exists() is needs_backup(version)
    left = look_after(folder)
    assert version_of(path) == len(MIGRATIONS)
    assert len(left.sessions) == sessions
    assert len(left.exchanges) == sessions * REPLIES
    if needs_backup(version):
        check_file(backup)
        assert (version_of(backup), count_in(backup, "session")) == (version, sessions)
    else:
        assert not backup.exists()
    assert list(path.parent.glob("*.part")) == []
    return reached < len(MIGRATIONS)


def test_killed_while_sessions_are_imported(suite: Suite, tmp_path: Path) -> None:
    dice = suite.dice("kill/import")
    count, sessions = suite.count(40), 200
    file = tmp_path / "export.json"
    write_export(file, sessions, dice)
    reached: list[int] = []
    for number in range(count):
        folder = tmp_path / f"run{number}"
        folder.mkdir()
        process = start(folder, "sessions", "import", str(file))
        wait_for_sessions(process, folder, dice.randrange(sessions))
        kill(process)
        reached.append(check_import(folder, file, sessions))
    suite.say(
        f"{count} kills of an import, after {min(reached)} to {max(reached)} of {sessions} "
        "sessions: each was there whole or not at all, and importing again brought the rest"
    )


def test_killed_while_the_chat_imports(suite: Suite, tmp_path: Path) -> None:
    dice = suite.dice("kill/import in the chat")
    count, sessions = suite.count(20), 200
    file = tmp_path / "export.json"
    write_export(file, sessions, dice)
    reached: list[int] = []
    for number in range(count):
        folder = tmp_path / f"run{number}"
        folder.mkdir()
        with Terminal(folder, "--base-url", "http://127.0.0.1:9/v1", "--model", "none") as terminal:
            terminal.wait_for("type a message")
            terminal.type(f"/import {file}\r")
            terminal.wait_for(f"{sessions} session")
            terminal.type("\r")
            path, moment = folder / "data" / "sessions.db", dice.randrange(sessions)
            terminal.wait_until(lambda p=path, m=moment: count_in(p, "session") > m)  # type: ignore[misc]
            terminal.kill()
        reached.append(check_import(folder, file, sessions))
    suite.say(
        f"{count} kills of the chat in an import, after {min(reached)} to {max(reached)} of "
        f"{sessions} sessions: the same"
    )


def wait_for_sessions(process: subprocess.Popen[bytes], folder: Path, moment: int) -> None:
    """Wait until more than that many sessions are stored."""
    path = folder / "data" / "sessions.db"
    wait_until(process, lambda: count_in(path, "session") > moment)


def check_import(folder: Path, file: Path, sessions: int) -> int:
    """Each session is whole or absent, and a second import adds the rest; how many were there."""
    left = look_after(folder)
    for session in left.sessions:
        assert len(session.messages) == 2 * REPLIES
        assert len(session.exchanges) == REPLIES
        assert all(
            len(left.frames[exchange.id]) == FRAMES for exchange in session.exchanges.values()
        )
    done = run_program(folder, "sessions", "import", str(file), "--json")
    told = json.loads(done.stdout)
    reached = len(left.sessions)
    assert (told["imported"], told["skipped"]) == (sessions - reached, reached)
    assert len(look_after(folder).sessions) == sessions
    shutil.rmtree(folder)
    return reached


def test_killed_while_sessions_are_exported(suite: Suite, tmp_path: Path) -> None:
    dice = suite.dice("kill/export")
    count, sessions = suite.count(40), 400
    file = tmp_path / "export.json"
    write_export(file, sessions, dice)
    assert run_program(tmp_path, "sessions", "import", str(file)).returncode == 0
    ids = [f"stock{number:05}" for number in range(sessions)]
    in_midst = 0
    for number in range(count):
        out = tmp_path / f"out{number}"
        out.mkdir()
        target = out / "mine.json"
        if dice.random() < 0.5:
            target.write_text("old")
        before = target.read_text() if target.exists() else None
        process = start(tmp_path, "sessions", "export", *ids, "--format", "json", "-o", str(target))
        wait_until(process, lambda o=out: any(o.glob("*.part")))  # type: ignore[misc]
        runs_on(process, dice.random() * 0.2)
        was_running = kill(process)
        now = target.read_text() if target.exists() else None
        if now != before:
            assert len(json.loads(now or "")["sessions"]) == sessions
        left = [path.name for path in out.iterdir() if path != target]
        assert all(name.startswith(".mine.json.") for name in left)
        assert was_running or not left
        in_midst += bool(left)
    look_after(tmp_path)
    suite.say(
        f"{count} kills of an export, {in_midst} in its midst: the file is whole, or what it was "
        "before, and the half one says by its name what it is"
    )


def test_killed_while_sessions_are_removed_for_good(suite: Suite, tmp_path: Path) -> None:
    dice = suite.dice("kill/purge")
    count, sessions = suite.count(20), 200
    file = tmp_path / "export.json"
    write_export(file, sessions, dice)
    whole = tmp_path / "whole"
    whole.mkdir()
    assert run_program(whole, "sessions", "import", str(file)).returncode == 0
    ids = [f"stock{number:05}" for number in range(sessions // 2)]
    assert run_program(whole, "sessions", "delete", *ids).returncode == 0
    gone = 0
    for number in range(count):
        folder = tmp_path / f"run{number}"
        shutil.copytree(whole, folder)
        process = start(folder, "sessions", "purge", "--yes")
        path = folder / "data" / "sessions.db"
        if dice.random() < 0.6:
            wait_until(process, lambda p=path: count_in(p, "note WHERE name = 'purge'") == 1)  # type: ignore[misc]
        runs_on(process, dice.random() * 0.5)
        kill(process)
        assert len(look_after(folder).sessions) == sessions - len(ids)
        assert count_in(path, "session") in (sessions, sessions - len(ids))
        gone += count_in(path, "session") < sessions
        done = run_program(folder, "sessions", "purge", "--yes")
        assert done.returncode == 0, done.stderr
        assert count_in(path, "session") == sessions - len(ids)
        check_file(path)
        shutil.rmtree(folder)
    suite.say(
        f"{count} kills of a purge, {gone} after its commit: all of it or nothing, every file "
        "sound, and the next purge went through"
    )
