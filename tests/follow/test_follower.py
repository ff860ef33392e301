"""Following folders: growth, rotation, truncation, deletion, and what is not a regular file."""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from replyscope.cli.system import SystemClock
from replyscope.cli.wiring import translate_frames
from replyscope.domain.errors import StoreError
from replyscope.domain.shared import Shared, Taken
from replyscope.engine.folder_scan import FileStamp, scan
from replyscope.engine.following import FollowedFolder, Follower
from replyscope.engine.import_files import FileReader
from replyscope.engine.importing import Importer
from replyscope.readers import turn_log
from replyscope.store.foreign import open_foreign
from replyscope.store.library import SqliteLibrary
from replyscope.store.sqlite_store import SqliteStore
from tests.readers.logs import asks, log, says, stored, text_of
from tests.readers.samples import sample
from tests.readers.test_claude_code import WITH_TOOLS
from tests.support.importing import TABLE


class StepClock(SystemClock):
    """A clock that moves on by a second each time it is read, so that each round is due."""

    def __init__(self) -> None:
        self._ms = 0.0

    def monotonic_ms(self) -> float:
        self._ms += 1_000.0
        return self._ms


class Rig:
    """A follower of one place, and what it heard."""

    def __init__(
        self, store: SqliteStore, place: Path, seen: dict[str, FileStamp] | None = None
    ) -> None:
        self.heard: list[tuple[Taken, str]] = []
        importer = Importer(FileReader(TABLE, open_foreign, translate_frames), store)
        places = (FollowedFolder(place, "folder"),)
        self.follower = Follower(places, TABLE, importer, StepClock(), self._hear, seen or {})

    def _hear(self, item: Shared, taken: Taken) -> None:
        self.heard.append((taken, item.session.title))

    async def look(self, rounds: int = 100) -> list[tuple[Taken, str]]:
        """Look until nothing is new, and return what was heard meanwhile."""
        self.heard.clear()
        for _ in range(rounds):
            if not await self.follower.look():
                break
        return self.heard

    @property
    def sentence(self) -> str:
        return self.follower.tally.result.sentence


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "projects" / "one").mkdir(parents=True)
    return tmp_path / "projects"


async def settled(rig: Rig) -> None:
    """Look often enough that every file was read, however long it waits."""
    for _ in range(200):
        await rig.follower.look()


async def test_each_line_is_seen_as_it_is_written(store: SqliteStore, folder: Path) -> None:
    rig = Rig(store, folder)
    path = folder / "one" / "a.jsonl"
    numbers = []
    for line in WITH_TOOLS:
        with path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        await rig.look()
        numbers.append(len((await stored(store)).messages))
    assert numbers == [1, 2, 2, 2, 2, 3, 3, 4]
    assert rig.sentence == "1 session with 2 replies imported, 0 known already, 0 failed."


async def test_half_a_line_waits_for_its_end(store: SqliteStore, folder: Path) -> None:
    rig = Rig(store, folder)
    path = log(folder / "one", WITH_TOOLS[:1])
    await rig.look()
    line = json.dumps(WITH_TOOLS[1])
    with path.open("a") as file:
        file.write(line[:50])
    assert await rig.look() == []
    with path.open("a") as file:
        file.write(line[50:] + "\n")
    assert await rig.look() == [(Taken.GROWN, "What is here?")]
    assert rig.follower.tally.result.omissions == ()


def rotate(path: Path) -> None:
    path.rename(path.with_suffix(".old"))


@pytest.mark.parametrize("lose", [rotate, Path.unlink, lambda path: os.truncate(path, 0)])
async def test_a_log_that_is_replaced_deleted_or_emptied_is_no_error(
    store: SqliteStore, folder: Path, lose: Callable[[Path], None]
) -> None:
    rig = Rig(store, folder)
    path = log(folder / "one", WITH_TOOLS)
    await rig.look()
    lose(path)
    await settled(rig)
    log(folder / "one", [asks("u1", None, "What is here?"), says("a2", "u1", "n1", "New.")])
    await settled(rig)
    assert {"What is here?"} == {title for _, title in rig.heard}
    assert len((await stored(store)).messages) == 5
    assert rig.follower.tally.result.failed == ()


async def test_a_log_that_is_rewritten_in_place_is_read_again(
    store: SqliteStore, folder: Path
) -> None:
    rig = Rig(store, folder)
    path = log(folder / "one", WITH_TOOLS[:2])
    await rig.look()
    inode = path.stat().st_ino
    with path.open("r+") as file:
        file.write(text_of(WITH_TOOLS).replace("What is here?", "What is it??!"))
    assert path.stat().st_ino == inode
    await settled(rig)
    assert (await stored(store)).messages[0].text == "What is it??!"


async def test_links_and_pipes_in_a_folder_are_ignored(store: SqliteStore, folder: Path) -> None:
    outside = log(folder.parent, WITH_TOOLS)
    (folder / "one" / "link.jsonl").symlink_to(outside)
    (folder / "two").symlink_to(folder.parent)
    os.mkfifo(folder / "one" / "pipe.jsonl")
    rig = Rig(store, folder)
    assert await rig.look() == []
    assert scan(folder) == {}


async def test_a_file_that_may_not_be_read_is_told_once(store: SqliteStore, folder: Path) -> None:
    (folder / "one" / "a.jsonl").mkdir()
    broken = folder / "one" / "b.jsonl"
    broken.write_text('{"parentUuid":null, "x\n')
    other = folder / "one" / "c.json"
    other.write_text("{}")
    rig = Rig(store, folder)
    await settled(rig)
    assert [(one.name, one.why) for one in rig.follower.tally.result.failed] == [
        ("b.jsonl", "1 line of it can't be read: it is not JSON")
    ]


async def test_files_that_did_not_change_are_not_read_again(
    store: SqliteStore, folder: Path
) -> None:
    log(folder / "one", WITH_TOOLS)
    first = Rig(store, folder)
    await first.look()
    second = Rig(store, folder, first.follower.seen)
    await second.look()
    assert second.sentence == "0 sessions with 0 replies imported, 0 known already, 0 failed."
    log(folder / "one", [*WITH_TOOLS, asks("u9", "a8", "And?")])
    await settled(second)
    assert second.heard == [(Taken.GROWN, "What is here?")]


async def test_a_database_is_followed_with_its_journal(store: SqliteStore, folder: Path) -> None:
    path = sample("opencode", folder)
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        rig = Rig(store, path)
        await settled(rig)
        assert len((await stored(store)).messages) == 2
        at = 1772359300000
        row = ("msg_3", "ses_1", at, at, '{"role":"user","time":{"created":1772359300000}}')
        with writer:
            writer.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?)", row)
            part = ("prt_9", "msg_3", "ses_1", at, at, '{"type":"text","text":"And?"}')
            writer.execute("INSERT INTO part VALUES (?, ?, ?, ?, ?, ?)", part)
        before = sorted(one.name for one in folder.iterdir())
        await settled(rig)
        assert sorted(one.name for one in folder.iterdir()) == before
    assert [m.text for m in (await stored(store)).branch][-1] == "And?"


async def test_a_folder_of_json_files_is_followed_as_a_whole(
    store: SqliteStore, folder: Path
) -> None:
    path = sample("opencode-files", folder)
    rig = Rig(store, path)
    await settled(rig)
    (path / "message" / "ses_2" / "msg_5.json").write_text('{"id":"msg_5","role":"user"}')
    (path / "part" / "msg_5").mkdir()
    part = '{"id":"prt_9","type":"text","text":"And?"}'
    (path / "part" / "msg_5" / "prt_9.json").write_text(part)
    await settled(rig)
    assert [m.text for m in (await stored(store)).branch][-1] == "And?"


async def test_a_chat_that_is_being_written_anew_is_no_fault(
    store: SqliteStore, folder: Path
) -> None:
    text = sample("gemini-cli-json", folder.parent).read_text()
    path = folder / "one" / "session-1.json"
    rig = Rig(store, folder)
    path.write_text(text)
    await settled(rig)
    changed = text.replace('"A pelican."', '"A pelican, I am sure."')
    path.write_text(changed)
    await settled(rig)
    (exchange,) = (await stored(store)).exchanges.values()
    assert exchange.choices[0].text == "A pelican, I am sure."


async def test_a_purged_session_stays_away_until_a_person_imports_it(
    store: SqliteStore, folder: Path
) -> None:
    path = log(folder / "one", WITH_TOOLS[:5])
    await Rig(store, folder).look()
    library = SqliteLibrary(lambda: store.database)
    (session,) = await store.list_sessions()
    await library.set_deleted([session.id], 1)
    await library.purge([session.id], datetime.now(UTC))
    rig = Rig(store, folder)
    await settled(rig)
    with path.open("a") as file:
        file.write(text_of(WITH_TOOLS[5:]))
    await settled(rig)
    assert rig.heard == []
    assert await store.list_sessions() == ()
    importer = Importer(FileReader(TABLE, open_foreign, translate_frames), store)
    await importer.import_file(path)
    assert [one.id for one in await store.list_sessions()] == [session.id]
    log(folder / "one", [*WITH_TOOLS, asks("u9", "a8", "And?")])
    await settled(rig)
    assert rig.heard == [(Taken.GROWN, "What is here?")]


async def test_what_a_full_disk_refused_is_imported_when_there_is_room(
    store: SqliteStore, folder: Path
) -> None:
    rig = Rig(store, folder)
    path = log(folder / "one", WITH_TOOLS[:2])
    await rig.look()
    with path.open("a") as file:
        file.write(text_of([says("a9", "a2", "m9", os.urandom(200_000).hex())]))
    await set_most_pages(store, 1)
    for _ in range(2):
        with pytest.raises(StoreError, match="no room"):
            await rig.look()
    await set_most_pages(store, 1_000_000)
    await rig.look()
    assert len((await stored(store)).exchanges) == 2


async def set_most_pages(store: SqliteStore, most: int) -> None:
    """Let the file have no more pages than it has, or more."""
    await store.database.maintain(lambda c: c.execute(f"PRAGMA max_page_count = {most}").fetchone())


async def test_of_a_database_only_changed_sessions_are_read_again(
    store: SqliteStore, folder: Path
) -> None:
    path = sample("opencode", folder)
    copies = (
        "INSERT INTO session SELECT 'ses_9', project_id, NULL, slug, directory, 'Other', version, "
        "time_created, time_updated FROM session WHERE id = 'ses_1'",
        "INSERT INTO message VALUES ('msg_9', 'ses_9', 5, 5, '{\"role\":\"user\"}')",
        "INSERT INTO part VALUES ('prt_9', 'msg_9', 'ses_9', 5, 5, "
        '\'{"type":"text","text":"Old"}\')',
    )
    with closing(sqlite3.connect(path)) as writer, writer:
        for sql in copies:
            writer.execute(sql)
    rig = Rig(store, path)
    await settled(rig)
    change = "UPDATE part SET data = ?, time_updated = ? WHERE id = ?"
    with closing(sqlite3.connect(path)) as writer, writer:
        new = '{"type":"text","text":"New"}'
        writer.execute(change, (new, 5, "prt_9"))  # it does not look like a change
        writer.execute(change, (new, 1772359900000, "prt_4"))
    rig.heard.clear()
    await settled(rig)
    assert [title for _, title in rig.heard] == ["Naming a bird"]
    assert (await stored(store, "Other")).messages[0].text == "Old"
    with closing(sqlite3.connect(path)) as writer, writer:
        writer.execute(change, (new, 6, "prt_9"))
    await settled(rig)
    assert (await stored(store, "Other")).messages[0].text == "New"
    with closing(sqlite3.connect(path)) as writer, writer:
        writer.execute("ALTER TABLE part RENAME COLUMN time_updated TO touched")
        writer.execute("UPDATE part SET data = ? WHERE id = 'prt_9'", (new.replace("New", "Last"),))
    await settled(rig)
    assert (await stored(store, "Other")).messages[0].text == "Last"


async def test_the_pieces_of_a_log_count_as_one_session(
    store: SqliteStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn_log, "_MOST_BYTES", 1)
    told = []
    importer = Importer(FileReader(TABLE, open_foreign, translate_frames), store)
    lines = [asks("u0", None, "What is here?")]
    lines += [asks(f"u{n}", f"u{n - 1}", "And?") for n in range(1, 100)]
    path = log(folder, lines)
    await importer.import_file(path, progress=lambda *place: told.append(place))
    assert len(told) > 10
    assert {sessions for _, _, sessions in told} == {1}
