"""Verifying an archive: each journal is folded again and compared, and what can be is mended."""

import json
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from replyscope.cli.wiring import describe
from replyscope.domain.event import WireFrame
from replyscope.domain.exchange import ExchangeState
from replyscope.domain.message import Message, ReplySource, Role
from replyscope.domain.session import Session
from replyscope.store.checks import SqliteChecks
from tests.cli.run import run_command
from tests.keeping.archive import add_reply, backed_up, filled
from tests.support.build import NOON, make_exchange


async def damaged(folder: Path, *statements: tuple[str, tuple[object, ...]]) -> str:
    """An archive whose first reply is changed by hand. Returns the id of this reply."""
    wiring = await filled(folder)
    reply = await add_reply(wiring, "the one")
    await wiring.review.update_index()
    await wiring.close()
    with closing(sqlite3.connect(wiring.paths.database)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for sql, values in statements:
            connection.execute(sql.replace("$ID", f"'{reply}'"), values)
    return reply


def verified(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = run_command(folder, "verify", "--json", *arguments)
    return done.returncode, json.loads(done.stdout)


async def test_a_sound_archive_has_no_faults(tmp_path: Path) -> None:
    await damaged(tmp_path)
    status, found = verified(tmp_path)
    assert (status, found["faults"]) == (0, [])
    assert (found["replies"], found["journals"], found["files"]) == (5, 4, 1)


async def test_a_damaged_reply_is_rebuilt_from_its_frames(tmp_path: Path) -> None:
    reply = await damaged(tmp_path, ("UPDATE exchange SET folded = x'00' WHERE id = $ID", ()))
    status, found = verified(tmp_path)
    assert status == 5
    assert [(one["kind"], one["id"], one["is_mendable"]) for one in found["faults"]] == [
        ("reply", reply, True)
    ]
    status, found = verified(tmp_path, "--repair")
    assert (status, found["mended"], found["faults"]) == (0, 1, [])
    shown = run_command(tmp_path, "sessions", "search", "text:one", "--json")
    assert [one["exchange_id"] for one in json.loads(shown.stdout)] == [reply]


async def test_a_reply_that_differs_from_its_frames_is_reported_and_kept(tmp_path: Path) -> None:
    other = zlib.compress(
        json.dumps(
            [[0.0, 'data: {"model":"m","choices":[{"index":0,"delta":{"content":"else"}}]}\n\n']]
            * 4
        ).encode()
    )
    reply = await damaged(
        tmp_path, ("UPDATE segment SET frames = ? WHERE exchange_id = $ID", (other,))
    )
    status, found = verified(tmp_path, "--repair")
    (fault,) = found["faults"]
    assert (status, fault["kind"], fault["id"], fault["is_mendable"]) == (
        5,
        "journal",
        reply,
        False,
    )
    assert "text" in fault["what"]
    assert "usage" in fault["what"]


async def test_a_journal_without_its_end_is_named(tmp_path: Path) -> None:
    first = zlib.compress(json.dumps([[0.0, "data: {}\n\n"]]).encode())
    await damaged(tmp_path, ("UPDATE segment SET frames = ? WHERE exchange_id = $ID", (first,)))
    _, found = verified(tmp_path)
    assert [one["what"] for one in found["faults"]] == ["3 of 4 frames are not in the journal"]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM fact WHERE exchange_id = $ID",
        "UPDATE fact SET output = 9 WHERE exchange_id = $ID",
        "DELETE FROM cell_name WHERE field = 'finish'",
        "UPDATE body SET texts = x'00' WHERE id = (SELECT id FROM fact WHERE exchange_id = $ID)",
        "INSERT INTO search_1 (rowid, text) VALUES (99999999999, 'x')",
    ],
)
async def test_the_index_is_compared_with_the_replies_and_rebuilt(
    tmp_path: Path, statement: str
) -> None:
    await damaged(tmp_path, (statement, ()))
    status, found = verified(tmp_path)
    assert status == 5
    assert ("index", True) in {(one["kind"], one["is_mendable"]) for one in found["faults"]}
    status, found = verified(tmp_path, "--repair")
    assert (status, found["faults"]) == (0, [])


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("UPDATE message SET parts = '{' WHERE id = 't1'", "row"),
        ("UPDATE segment SET frames = x'00' WHERE exchange_id = $ID", "row"),
        ("DELETE FROM message WHERE id = 't1'", None),
        ("INSERT INTO tag VALUES ('nowhere', 'lost')", "database"),
    ],
)
async def test_other_damage_is_named(tmp_path: Path, statement: str, kind: str | None) -> None:
    await damaged(tmp_path, (statement, ()))
    status, found = verified(tmp_path)
    assert status == (5 if kind else 0)
    assert {one["kind"] for one in found["faults"]} == ({kind} if kind else set())


@pytest.mark.parametrize(("content", "words"), [(b"other", "is not the file"), (None, "missing")])
async def test_a_kept_file_is_compared_with_its_name(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    await damaged(tmp_path)
    (file,) = (tmp_path / "data" / "files").iterdir()
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    _, found = verified(tmp_path)
    assert [(one["kind"], words in one["what"]) for one in found["faults"]] == [("file", True)]


async def test_a_backup_is_verified_in_place(tmp_path: Path) -> None:
    wiring = await filled(tmp_path)
    backup = tmp_path / "a.db"
    backed_up(wiring, backup)
    await wiring.close()
    before = sorted(one.name for one in tmp_path.iterdir())
    status, found = verified(tmp_path, str(backup))
    assert (status, found["faults"], found["replies"]) == (0, [], 4)
    data = bytearray(backup.read_bytes())
    data[data.index(b"not really")] ^= 1
    backup.write_bytes(data)
    status, found = verified(tmp_path, str(backup))
    assert status == 5
    assert [one["kind"] for one in found["faults"]] == ["file"]
    assert sorted(one.name for one in tmp_path.iterdir()) == before


async def test_the_commands_say_what_they_did(tmp_path: Path) -> None:
    wiring = await filled(tmp_path)
    await wiring.close()
    done = run_command(tmp_path, "backup", str(tmp_path / "a.db"))
    assert "a.db: " in done.stdout
    assert "2 files" in done.stdout
    assert "exists" in run_command(tmp_path, "backup", str(tmp_path / "a.db")).stderr
    done = run_command(tmp_path, "restore", str(tmp_path / "a.db"), "--replace")
    assert "Restored 4 sessions, 1 file, 0 prompts" in done.stdout
    assert "The replaced sessions are in " in done.stdout
    done = run_command(tmp_path, "verify")
    assert done.stdout.endswith("No faults found.\n")
    done = run_command(tmp_path, "verify", str(tmp_path / "a.db"), "--repair")
    assert (done.returncode, "can't be repaired" in done.stderr) == (2, True)


async def test_few_large_journals_are_in_memory_at_once(tmp_path: Path) -> None:
    """They are stored in a hundredth of their size: what counts is the size in memory."""
    wiring = await filled(tmp_path, sessions=1)
    replies = 12
    for number in range(replies):
        session, key = f"large-{number}", f"x-{number}"
        await wiring.store.create_session(Session(session, "Large", NOON, NOON))
        exchange = make_exchange(id=key, state=ExchangeState.COMPLETED)
        reply = Message(f"r-{number}", Role.ASSISTANT, (), NOON, sources=(ReplySource(key, 0),))
        journal = await wiring.store.begin_exchange(session, [reply], exchange)
        await journal.finish(exchange, [WireFrame(1.0, f"data: {'x' * 4_000_000}\n\n")] * 2)
    checks = SqliteChecks(wiring.store.database.read, describe)
    sizes = [
        [sum(len(frame.text) for frame in one.frames) for one in page]
        async for page in checks.replies()
    ]
    assert sum(map(len, sizes)) == replies + 2
    assert max(map(sum, sizes)) < 20_000_000
    await wiring.close()
