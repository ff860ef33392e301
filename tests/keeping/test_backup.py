"""Backups: made while others write, whole or not at all, and refused when they are not sound."""

import asyncio
import json
import os
import sqlite3
import stat
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.cli.backup import back_up_daily, own_backups, places_of
from replyscope.cli.hub_opening import log_of
from replyscope.cli.wiring import Wiring, translate_frames, wire
from replyscope.domain.errors import BackupFault
from replyscope.domain.event import WireFrame
from replyscope.domain.exchange import ExchangeState
from replyscope.domain.message import Message, ReplySource, Role
from replyscope.domain.settings import BackupSettings
from replyscope.engine.recovery import recover
from replyscope.store.backup.checking import check_backup
from replyscope.store.backup.container import open_backup
from replyscope.store.backup.making import make_backup
from replyscope.store.backup.restoring import restore_backup
from replyscope.store.schema import MIGRATIONS
from tests.keeping.archive import PICTURE, add_reply, backed_up, filled, paths_in
from tests.support.build import NOON, make_exchange
from tests.support.examples import examples
from tests.support.server import delta, sse


def restore(backup: Path, folder: Path, *, replaces: bool = False) -> None:
    places = places_of(paths_in(folder))
    places.database.parent.mkdir(parents=True, exist_ok=True)
    restore_backup(backup, places, "before", replaces=replaces)


async def test_a_restored_archive_equals_the_saved_one(tmp_path: Path) -> None:
    wiring = await filled(tmp_path / "here")
    target = tmp_path / "a.db"
    made = backed_up(wiring, target)
    assert made.size == target.stat().st_size
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    restore(target, tmp_path / "there")
    other = wire(paths_in(tmp_path / "there"))
    await other.store.open()
    before, after = [await one.store.list_sessions() for one in (wiring, other)]
    assert before == after
    assert (other.paths.prompts / "greet.md").read_text() == "Hello {{ input }}"
    stored = await other.store.load_session("pictures")
    (image,) = stored.exchanges["drawing"].choices[0].images
    assert Path(image.path).parent == other.paths.kept_files
    assert Path(image.path).read_bytes() == PICTURE
    assert str(other.paths.kept_files) in str(stored.messages[-1].parts[0])
    for one in (wiring, other):
        await one.close()


async def test_a_backup_is_a_database_and_a_zip(tmp_path: Path) -> None:
    wiring = await filled(tmp_path)
    target = tmp_path / "a.db"
    backed_up(wiring, target)
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT count(*) FROM session").fetchone() == (4,)
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        assert "prompts/greet.md" in archive.namelist()
        assert json.loads(archive.read("manifest.json"))["format"] == "replyscope-backup/1"
    await wiring.close()


async def test_replies_are_saved_while_a_backup_runs(tmp_path: Path) -> None:
    """Commits between the steps go on, and the backup has only what was there at its start."""
    wiring = await filled(tmp_path, sessions=40)
    loop = asyncio.get_running_loop()
    added: list[str] = []

    def add() -> None:  # in the thread of the backup, between two steps
        text = f"while it runs {len(added)}"
        added.append(asyncio.run_coroutine_threadsafe(add_reply(wiring, text), loop).result())

    target = tmp_path / "a.db"
    places = places_of(wiring.paths)
    await asyncio.to_thread(make_backup, places, target, "now", "0.1.0", add)
    assert added
    with check_backup(target) as backup:
        assert backup.damaged_files() == []
        count = await backup.read(lambda c: c.execute("SELECT count(*) FROM exchange").fetchone())
    assert count == (41,)
    assert len(await wiring.store.list_sessions()) == 41 + len(added)
    await wiring.close()


async def test_an_existing_file_is_not_overwritten_unasked(tmp_path: Path) -> None:
    wiring = await filled(tmp_path)
    target = tmp_path / "mine.db"
    target.write_text("mine")
    with pytest.raises(BackupFault, match=r"exists"):
        backed_up(wiring, target)
    assert target.read_text() == "mine"
    make_backup(places_of(wiring.paths), target, "now", "0.1.0", replaces=True)
    with check_backup(target) as backup:
        assert backup.damaged_files() == []
    await wiring.close()


async def test_the_archive_itself_is_never_the_target(tmp_path: Path) -> None:
    wiring = await filled(tmp_path)
    data = wiring.paths.data
    (tmp_path / "link").symlink_to(data)
    for name in ("sessions.db", "sessions.db-wal", "sessions.db-shm"):
        for folder in (data, tmp_path / "link"):
            with pytest.raises(BackupFault, match="archive itself"):
                make_backup(places_of(wiring.paths), folder / name, "now", "0.1.0", replaces=True)
    assert len(await wiring.store.list_sessions()) == 4
    await wiring.close()


async def test_a_reply_that_streams_is_recovered_from_a_restored_backup(tmp_path: Path) -> None:
    wiring = await filled(tmp_path / "here")
    store = wiring.store
    exchange = make_exchange(id="live")
    reply = Message("m9", Role.ASSISTANT, (), NOON, "t1", (ReplySource("live", 0),))
    journal = await store.begin_exchange("pictures", [reply], exchange)
    await journal.append(
        [WireFrame(1.0, part.decode()) for part in sse(delta("half a"), done=False)]
    )
    target = tmp_path / "a.db"
    backed_up(wiring, target)
    restore(target, tmp_path / "there")
    other = wire(paths_in(tmp_path / "there"))
    await other.store.open()
    assert await recover(other.store, translate_frames) == 1
    found = (await other.store.load_session("pictures")).exchanges["live"]
    assert (found.state, found.choice(0).text) == (ExchangeState.TRUNCATED, "half a")
    await journal.finish(replace(exchange, state=ExchangeState.COMPLETED))  # the first one goes on
    for one in (wiring, other):
        await one.close()


async def test_a_stopped_backup_leaves_no_file(tmp_path: Path) -> None:
    wiring = await filled(tmp_path)
    (tmp_path / "out").mkdir()

    def stop() -> None:
        raise BackupFault("stopped")

    with pytest.raises(BackupFault):
        make_backup(places_of(wiring.paths), tmp_path / "out" / "a.db", "now", "0.1.0", stop)
    assert list((tmp_path / "out").iterdir()) == []
    await wiring.close()


async def test_a_wrong_path_is_named_in_words(tmp_path: Path) -> None:
    wiring = await filled(tmp_path)
    with pytest.raises(BackupFault, match=r"gone\.db can't be") as missing:
        restore(tmp_path / "gone.db", tmp_path)  # not that there are saved sessions
    with pytest.raises(BackupFault, match="can't be written") as unwritten:
        backed_up(wiring, tmp_path / "no" / "folder.db")
    assert "Errno" not in f"{missing.value}{unwritten.value}"
    await wiring.close()


async def test_saved_sessions_are_replaced_only_on_request_and_kept_aside(tmp_path: Path) -> None:
    wiring = await filled(tmp_path)
    target = tmp_path / "a.db"
    backed_up(wiring, target)
    added = await add_reply(wiring, "after the backup")
    with pytest.raises(BackupFault, match="saved sessions"):
        restore(target, tmp_path)
    with pytest.raises(BackupFault, match="Another program uses"):
        restore(target, tmp_path, replaces=True)
    await wiring.close()
    restore(target, tmp_path, replaces=True)
    aside = tmp_path / "data" / "replaced-before"
    for path, is_there in ((aside / "sessions.db", True), (wiring.paths.database, False)):
        with closing(sqlite3.connect(path)) as connection:
            found = connection.execute("SELECT 1 FROM exchange WHERE id = ?", (added,)).fetchone()
        assert (found is not None) is is_there
    assert len(list((aside / "files").iterdir())) == 1
    leftovers = [path for path in (tmp_path / "data").iterdir() if path.name.startswith(".")]
    assert leftovers == []


def _cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _changed_in_the_middle(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _only_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    data = path.read_bytes()
    path.write_bytes(data[: pages * 4096])


def _rezipped(path: Path, change: Callable[[zipfile.ZipFile, dict[str, object]], None]) -> None:
    """Write the end of a backup anew, with another manifest or other files."""
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        others = {n: archive.read(n) for n in archive.namelist() if n != "manifest.json"}
    data = path.read_bytes()[: manifest["database"]["bytes"]]
    with path.open("wb") as file:
        file.write(data)
        with zipfile.ZipFile(file, "w") as archive:
            for name, content in others.items():
                archive.writestr(name, content)
            change(archive, manifest)
            archive.writestr("manifest.json", json.dumps(manifest))


def _newer(path: Path) -> None:
    _rezipped(path, lambda _archive, manifest: manifest.update(format="replyscope-backup/2"))


def _newer_database(path: Path) -> None:
    _rezipped(path, lambda _archive, manifest: manifest.update(schema=len(MIGRATIONS) + 1))


def _climbing(path: Path) -> None:
    def change(archive: zipfile.ZipFile, manifest: dict[str, object]) -> None:
        archive.writestr("files/../../evil", "x")
        files = manifest["files"]
        assert isinstance(files, list)
        files.append({"name": "files/../../evil", "bytes": 1, "sha256": "0" * 64})

    _rezipped(path, change)


def _bomb(path: Path) -> None:
    def change(archive: zipfile.ZipFile, manifest: dict[str, object]) -> None:
        archive.writestr("files/bomb", b"\0" * 10_000_000, zipfile.ZIP_DEFLATED)
        files = manifest["files"]
        assert isinstance(files, list)
        files.append({"name": "files/bomb", "bytes": 10_000_000, "sha256": "0" * 64})

    _rezipped(path, change)


def _huge(path: Path) -> None:
    _rezipped(
        path,
        lambda _archive, manifest: manifest.update(database={"bytes": 2**60, "sha256": "0" * 64}),
    )


def _deep(path: Path) -> None:
    def change(archive: zipfile.ZipFile, manifest: dict[str, object]) -> None:
        archive.writestr("manifest.json", "[" * 100_000)

    with pytest.warns(UserWarning, match="Duplicate name"):
        _rezipped(path, change)


def _text(path: Path) -> None:
    path.write_text("hello\n" * 1000)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_cut, "end of a backup is missing"),
        (_changed_in_the_middle, "damaged"),
        (_only_database, "end of a backup is missing"),
        (_newer, "newer replyscope"),
        (_newer_database, "newer replyscope"),
        (_climbing, "not a file of a backup"),
        (_bomb, "differ from its manifest"),
        (_huge, "smaller than its manifest"),
        (_deep, "differ from its manifest|damaged"),
        (_text, "not a backup"),
        (_empty, "not a backup"),
        (_folder, "a folder"),
        (_pipe, "a pipe"),
    ],
)
async def test_what_is_no_sound_backup_is_refused_and_changes_nothing(
    tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    wiring = await filled(tmp_path / "here", sessions=1)
    target = tmp_path / "a.db"
    backed_up(wiring, target)
    await wiring.close()
    spoil(target)
    with pytest.raises(BackupFault, match=words):
        restore(target, tmp_path / "there")
    assert list((tmp_path / "there" / "data").iterdir()) == []
    assert not (tmp_path / "evil").exists()


async def test_a_table_of_another_hand_is_refused(tmp_path: Path) -> None:
    """A trigger would run in the next write of the program."""
    wiring = await filled(tmp_path / "here", sessions=1)
    await wiring.close()
    with closing(sqlite3.connect(wiring.paths.database)) as connection:
        connection.execute(
            "CREATE TRIGGER evil AFTER INSERT ON session BEGIN DELETE FROM session; END"
        )
    target = tmp_path / "a.db"
    backed_up(wiring, target)
    with pytest.raises(BackupFault, match="tables"):
        restore(target, tmp_path / "there")


async def test_a_backup_with_the_hub_triggers_of_another_version_is_restored(
    tmp_path: Path,
) -> None:
    wiring = await filled(tmp_path / "here", sessions=1)
    await log_of(wiring).join("folder:/nowhere", "machine", "name")
    await wiring.close()
    triggers = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
    with closing(sqlite3.connect(wiring.paths.database)) as connection:
        ours = connection.execute(triggers).fetchall()
        connection.execute("DROP TRIGGER hub_tag_new")
        connection.execute(
            "CREATE TRIGGER hub_evil AFTER UPDATE ON message BEGIN DELETE FROM session; END"
        )
    target = tmp_path / "a.db"
    backed_up(wiring, target)
    restore(target, tmp_path / "there")
    there = wire(paths_in(tmp_path / "there"))
    await there.store.open()
    assert len(await there.store.list_sessions()) == 2
    await there.close()
    with closing(sqlite3.connect(there.paths.database)) as connection:
        assert connection.execute(triggers).fetchall() == ours


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")

    async def make() -> None:
        wiring = await filled(folder, sessions=1)
        backed_up(wiring, folder / "a.db")
        await wiring.close()

    asyncio.run(make())
    return folder / "a.db"


@examples(200)
@given(st.data())
def test_no_changed_or_cut_byte_goes_unnoticed(sound: Path, data: st.DataObject) -> None:
    """Every byte of the database and of the files belongs to a digest."""
    content = bytearray(sound.read_bytes())
    with open_backup(sound, len(MIGRATIONS)) as backup:
        size = backup.manifest.database.size
    place = data.draw(st.integers(0, size - 1), label="place")
    is_cut = data.draw(st.booleans(), label="is cut")
    if is_cut:
        del content[place : place + data.draw(st.integers(1, 5000), label="length")]
    else:
        content[place] ^= data.draw(st.integers(1, 255), label="bits")
    path = sound.with_name("changed.db")
    path.write_bytes(content)
    try:
        with open_backup(path, len(MIGRATIONS)) as backup:
            entries = (backup.manifest.database, *backup.manifest.entries)
            assert not all(backup.extract(one, None, lambda: None) for one in entries)
    except BackupFault:
        pass


async def daily(wiring: Wiring, keep: int) -> Path | None:
    return await back_up_daily(wiring, BackupSettings(keep))


async def test_a_daily_backup_is_made_once_a_day_and_the_oldest_are_deleted(
    tmp_path: Path,
) -> None:
    wiring = await filled(tmp_path, sessions=1)
    folder = wiring.paths.backups
    folder.mkdir()
    for day in range(1, 6):
        (folder / f"replyscope-2026-01-0{day}.db").write_text("old")
    (folder / "replyscope-before-the-move.db").write_text("mine")
    assert await daily(wiring, 0) is None
    made = await daily(wiring, 3)
    assert made is not None
    assert await daily(wiring, 3) is None
    assert sorted(one.name for one in own_backups(folder)) == [
        "replyscope-2026-01-04.db",
        "replyscope-2026-01-05.db",
        made.name,
    ]
    assert (folder / "replyscope-before-the-move.db").read_text() == "mine"
    await wiring.close()


async def test_a_purge_deletes_the_daily_backups(tmp_path: Path) -> None:
    wiring = await filled(tmp_path, sessions=1)
    made = await daily(wiring, 3)
    assert made is not None
    ids = [one.id for one in await wiring.store.list_sessions()]
    await wiring.review.delete(ids)
    assert made.exists()
    await wiring.review.purge(ids)
    assert not made.exists()
    await wiring.close()
