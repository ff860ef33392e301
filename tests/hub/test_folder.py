"""The hub in a folder: what a synchronising program, a full disk or a person may do to it."""

import json
import os
import resource
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.errors import (
    HubConflict,
    HubFull,
    HubReadOnly,
    HubTooNew,
    HubUnreachable,
    NotAHub,
    StoreError,
)
from replyscope.domain.hub import START, EntryKind, HubEntry, LogHead, Stamp, next_head
from replyscope.hub.folder.bundle import BundleDamaged, decode_bundle, encode_bundle
from replyscope.hub.folder.files import list_bundles
from replyscope.hub.folder.hub import FolderHub
from tests.hub.conftest import Make, settle

LIMIT = 1_000_000


def entry(number: int, session: str = "s1", body: bytes = b"{}") -> HubEntry:
    return HubEntry(number, EntryKind.MESSAGE, f"m{number}", session, Stamp(number, 0, "a"), body)


@pytest.fixture
def hub(tmp_path: Path) -> FolderHub:
    made = FolderHub(tmp_path / "hub")
    made.initialise()
    return made


def push(hub: FolderHub, count: int, head: LogHead = START, **fields: object) -> LogHead:
    """Push entries one by one."""
    for _ in range(count):
        new = [entry(head.number + 1, **fields)]  # type: ignore[arg-type]
        head = hub.push("a", "laptop", new, head)
    return head


def files_of(folder: Path) -> list[Path]:
    return [one.path for one in list_bundles(folder / "hub" / "machines" / "a")]


BODIES = st.lists(st.binary(max_size=2_000), min_size=1, max_size=8)


@given(BODIES)
def test_a_bundle_comes_back(bodies: list[bytes]) -> None:
    entries = [entry(number, body=body) for number, body in enumerate(bodies, 1)]
    bundle = decode_bundle(encode_bundle("a", 1, next_head(START, entries), entries))
    assert [one for block in bundle.blocks for one in bundle.entries(block)] == entries
    assert bundle.sessions() == {"s1"}


@given(BODIES, st.data())
def test_a_bundle_cut_or_changed_anywhere_is_noticed(
    bodies: list[bytes], data: st.DataObject
) -> None:
    entries = [entry(number, body=body) for number, body in enumerate(bodies, 1)]
    whole = encode_bundle("a", 1, next_head(START, entries), entries)
    at = data.draw(st.integers(0, len(whole) - 1))
    cut = (
        whole[:at]
        if data.draw(st.booleans())
        else whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
    )
    try:
        bundle = decode_bundle(cut)
        found = [one for block in bundle.blocks for one in bundle.entries(block)]
    except BundleDamaged:
        return
    assert found == entries  # only the index was hit


@given(st.binary(max_size=300))
def test_any_bytes_are_no_bundle(data: bytes) -> None:
    with pytest.raises(BundleDamaged):
        decode_bundle(b"replyscope bundle 1 " + data)


def test_entries_come_back_in_order_within_a_limit(hub: FolderHub) -> None:
    push(hub, 5, body=b"x" * 1000)
    first = hub.pull("a", 0, 1500)
    assert [one.number for one in first] == [1, 2]
    assert [one.number for one in hub.pull("a", 2, LIMIT)] == [3, 4, 5]
    assert hub.pull("a", 5, LIMIT) == []
    assert hub.status().machines == {"a": "laptop"}


def test_a_push_that_is_repeated_changes_nothing(hub: FolderHub) -> None:
    new = [entry(1)]
    head = hub.push("a", "x", new, START)
    assert hub.push("a", "x", new, START) == head
    with pytest.raises(HubConflict):
        hub.push("a", "x", [entry(1, body=b"[]")], START)


def test_many_pushes_leave_few_files_and_every_entry(hub: FolderHub, tmp_path: Path) -> None:
    push(hub, 300)
    assert len(files_of(tmp_path)) < 60
    assert [one.number for one in hub.pull("a", 0, LIMIT)] == list(range(1, 301))


def test_replaced_entries_are_compacted(hub: FolderHub) -> None:
    head = START
    for number in range(1, 200):
        same = HubEntry(number, EntryKind.SESSION, "s1", "s1", Stamp(number, 0, "a"), b"{}")
        head = hub.push("a", "x", [same], head)
    found = hub.pull("a", 0, LIMIT)
    assert len(found) < 60
    assert found[-1].number == 199
    assert hub.status().heads["a"] == head


def test_files_that_come_out_of_order_are_read_when_they_are_there(
    hub: FolderHub, tmp_path: Path
) -> None:
    push(hub, 3)
    second = files_of(tmp_path)[1]
    aside = tmp_path / second.name
    second.rename(aside)
    assert [one.number for one in hub.pull("a", 0, LIMIT)] == [1, 3]
    (fault,) = hub.faults()
    assert (fault.first, fault.last) == (2, 2)
    assert "not arrived" in fault.sentence
    aside.rename(second)
    assert [one.number for one in hub.pull("a", 1, LIMIT)] == [2, 3]
    assert hub.faults() == []


def test_a_damaged_file_is_named_and_the_others_are_read(hub: FolderHub, tmp_path: Path) -> None:
    push(hub, 3, body=b"x" * 500)
    second = files_of(tmp_path)[1]
    whole = second.read_bytes()
    for data in (whole[: len(whole) // 2], b"", whole[:-1] + b"!", b"not ours"):
        second.write_bytes(data)
        assert [one.number for one in hub.pull("a", 0, LIMIT)] == [1, 3]
        (fault,) = hub.faults()
        assert (fault.first, fault.last) == (2, 2)
        assert second.name[:30] in fault.sentence
    second.write_bytes(whole)
    assert [one.number for one in hub.pull("a", 0, LIMIT)] == [1, 2, 3]


def test_copies_after_a_conflict_and_other_files_are_ignored(
    hub: FolderHub, tmp_path: Path
) -> None:
    push(hub, 2)
    one = files_of(tmp_path)[0]
    stem = one.name.removesuffix(".bundle")
    for name in (
        f"{stem}.sync-conflict-20261129-101010-ABCDEFG.bundle",
        f"{stem} (conflicted copy 2026-11-29).bundle",
        f".syncthing.{one.name}.tmp",
        f"{one.name}.part",
        f"{stem.upper()}.BUNDLE",
    ):
        shutil.copy(one, one.with_name(name))
    (tmp_path / "hub" / ".stfolder").mkdir()
    (tmp_path / "hub" / "machines" / "Not A Machine").mkdir()
    assert [e.number for e in hub.pull("a", 0, LIMIT)] == [1, 2]
    assert list(hub.status().heads) == ["a"]


def test_a_bundle_of_another_machine_is_not_believed(hub: FolderHub, tmp_path: Path) -> None:
    push(hub, 1)
    liar = tmp_path / "hub" / "machines" / "b"
    liar.mkdir()
    shutil.copy(files_of(tmp_path)[0], liar)
    assert hub.pull("b", 0, LIMIT) == []
    assert len(hub.faults()) == 1


def test_two_archives_that_wrote_the_same_numbers_are_both_read(
    hub: FolderHub, tmp_path: Path
) -> None:
    head = push(hub, 1)
    there = tmp_path / "there"
    shutil.copytree(tmp_path / "hub", there)
    hub.push("a", "x", [entry(2, body=b"[1]"), entry(3)], head)
    FolderHub(there).push("a", "x", [entry(2, body=b"[2]")], head)
    for file in (there / "machines" / "a").glob("2-2-*"):
        shutil.copy(file, tmp_path / "hub" / "machines" / "a")
    bodies = {one.body for one in hub.pull("a", 1, 1)}
    assert bodies >= {b"[1]", b"[2]"}


def test_what_is_no_hub_is_named(tmp_path: Path) -> None:
    with pytest.raises(HubUnreachable, match="does not exist"):
        FolderHub(tmp_path / "none" / "hub").initialise()
    other = tmp_path / "other"
    other.mkdir()
    (other / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(NotAHub, match=r"holiday\.jpg"):
        FolderHub(other).initialise()
    (tmp_path / "file").write_text("x")
    with pytest.raises((NotAHub, HubUnreachable)):
        FolderHub(tmp_path / "file").initialise()
    with pytest.raises(HubUnreachable):
        FolderHub(tmp_path / "gone").status()


@pytest.mark.parametrize(
    ("marker", "error"),
    [
        ('{"format": "replyscope-hub", "version": 2}', HubTooNew),
        ('{"format": "replyscope-hub", "version": 0}', NotAHub),
        ('{"format": "other", "version": 1}', NotAHub),
        ('{"format": "replys', NotAHub),
        ("", NotAHub),
        ("[]", NotAHub),
    ],
)
def test_another_version_or_program_is_named(
    hub: FolderHub, tmp_path: Path, marker: str, error: type[Exception]
) -> None:
    (tmp_path / "hub" / "replyscope-hub.json").write_text(marker)
    for call in (hub.status, hub.initialise, lambda: push(hub, 1)):
        with pytest.raises(error):
            call()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_read(hub: FolderHub, tmp_path: Path) -> None:
    head = push(hub, 1)
    folder = tmp_path / "hub" / "machines" / "a"
    folder.chmod(0o500)
    try:
        assert len(hub.pull("a", 0, LIMIT)) == 1
        with pytest.raises(HubReadOnly):
            push(hub, 1, head)
    finally:
        folder.chmod(0o700)


def test_a_full_folder_is_named_and_nothing_is_half_written(hub: FolderHub, tmp_path: Path) -> None:
    head = push(hub, 1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, before[1]))
    try:
        with pytest.raises(HubFull):
            hub.push("a", "x", [entry(2, body=os.urandom(50_000))], head)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.suffix for path in (tmp_path / "hub" / "machines" / "a").iterdir()] == [
        ".json",
        ".bundle",
    ] or len(files_of(tmp_path)) == 1
    assert hub.status().heads["a"] == head
    push(hub, 1, head)
    assert [one.number for one in hub.pull("a", 0, LIMIT)] == [1, 2]


def test_a_purge_and_a_withdrawal_leave_no_text_behind(hub: FolderHub, tmp_path: Path) -> None:
    head = push(hub, 3, session="s1", body=b'"elderberry"' * 50)
    head = push(hub, 2, head, session="s2", body=b'"raspberry"' * 50)
    purge = HubEntry(head.number + 1, EntryKind.PURGE, "s1", "s1", Stamp(9, 0, "a"), b"{}")
    head = hub.push("a", "x", [purge], head)
    found = hub.pull("a", 0, LIMIT)
    assert [(one.kind, one.session_id) for one in found] == [
        (EntryKind.MESSAGE, "s2"),
        (EntryKind.MESSAGE, "s2"),
        (EntryKind.PURGE, "s1"),
    ]
    hub.withdraw("a", ["s2"])
    assert [one.kind for one in hub.pull("a", 0, LIMIT)] == [EntryKind.PURGE]
    assert hub.status().heads["a"] == head
    assert not (tmp_path / "hub" / "machines" / "a" / "cleaning.json").exists()


def test_a_cleaning_that_was_interrupted_is_finished(hub: FolderHub, tmp_path: Path) -> None:
    head = push(hub, 2, session="s1")
    work = {"sessions": ["s1"], "upto": 2}
    (tmp_path / "hub" / "machines" / "a" / "cleaning.json").write_text(json.dumps(work))
    push(hub, 1, head, session="s2")
    assert [one.number for one in hub.pull("a", 0, LIMIT)] == [3]


async def test_a_damaged_file_is_read_again_when_it_is_whole(make: Make, tmp_path: Path) -> None:
    a, b = await make("a"), await make("b")
    session_id = await a.start_session()
    await a.ask(session_id, "one")
    await a.sync()
    await a.ask(session_id, "two")
    await a.sync()
    await a.ask(session_id, "three")
    await a.sync()
    files = sorted((tmp_path / "hub").rglob("*.bundle"))
    middle = sorted(files, key=lambda one: int(one.name.split("-")[0]))[1]
    whole = middle.read_bytes()
    middle.write_bytes(whole[: len(whole) // 2])
    report = await b.sync()
    assert report.faults
    assert len(b.picture()["messages"]) == 2  # the third waits for its parent
    middle.write_bytes(whole)
    await settle(b, a)
    assert a.picture() == b.picture()
    assert await b.log.holes() == []


async def test_a_damaged_range_stays_noted_until_it_was_merged(make: Make, tmp_path: Path) -> None:
    a, b = await make("a"), await make("b")
    await a.ask(await a.start_session(), "one")
    await a.sync()
    (file,) = (tmp_path / "hub").rglob("*.bundle")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    await b.sync()
    (hole,) = await b.log.holes()
    file.write_bytes(whole)
    with closing(sqlite3.connect(b.path)) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON message BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    with pytest.raises(StoreError):
        await b.sync()
    assert list(await b.log.holes()) == [hole]
    with closing(sqlite3.connect(b.path)) as connection:
        connection.execute("DROP TRIGGER full")
    await b.sync()
    assert a.picture() == b.picture()
    assert await b.log.holes() == []


async def test_a_file_that_vanishes_before_it_is_read_is_read_later(
    make: Make, tmp_path: Path
) -> None:
    a, b = await make("a"), await make("b")
    for number in range(2):
        await a.ask(await a.start_session(), f"{number}")
        await a.sync()
    last = max((tmp_path / "hub").rglob("*.bundle"), key=lambda one: int(one.name.split("-")[0]))
    hub = FolderHub(tmp_path / "hub")
    machine, head = next(iter(hub.status().heads.items()))
    aside = last.rename(tmp_path / "aside")
    found = hub.pull(machine, 0, LIMIT, head.number)
    (fault,) = hub.faults()
    assert (fault.first, fault.last) == (found[-1].number + 1, head.number)
    await b.log.set_hole(machine, fault.first, fault.last, is_open=True)
    await b.log.apply(machine, found, head.number)
    await b.sync()  # the file is still away
    assert len(await b.log.holes()) == 1
    aside.rename(last)
    await b.sync()
    assert a.picture() == b.picture()
    assert await b.log.holes() == []


async def test_a_hub_that_lost_everything_is_filled_again(make: Make, tmp_path: Path) -> None:
    a, b = await make("a"), await make("b")
    await a.ask(await a.start_session(), "one")
    await b.ask(await b.start_session(), "two")
    await settle(a, b)
    shutil.rmtree(tmp_path / "hub")
    FolderHub(tmp_path / "hub").initialise()
    await b.ask(await b.start_session(), "three")
    await settle(a, b)
    c = await make("c")
    await settle(c)
    assert a.picture() == b.picture() == c.picture()


async def test_another_program_s_database_in_the_same_folder(make: Make, tmp_path: Path) -> None:
    a = await make("a")
    await a.ask(await a.start_session())
    (tmp_path / "hub" / "photos.db").write_bytes(b"SQLite format 3\0")
    report = await a.sync()
    assert report.pushed
    assert not report.faults
