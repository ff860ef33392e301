"""Compressed logs and exports: read like plain ones, bounded, and never skipped in silence."""

import gzip
import json
import stat
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.errors import ImportFault
from replyscope.domain.foreign import Foreign, Unreadable
from replyscope.domain.shared import Shared
from replyscope.engine import unpacking
from replyscope.store.sqlite_store import SqliteStore
from tests.follow.test_follower import Rig
from tests.readers.samples import sample
from tests.sharing.test_importing_files import faults, talk, titles
from tests.support.importing import read_file

_LIBRARY = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"


@pytest.fixture
def zstd() -> Any:
    return pytest.importorskip(_LIBRARY)


@pytest.fixture
def without_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "ZSTD", "replyscope.no_such_module")


def rollout(folder: Path, zstd: Any, name: str = "2026-03-01-a") -> Path:
    """The sample of Codex, compressed as Codex does with cold sessions."""
    plain = sample("codex", folder)
    packed = folder / f"rollout-{name}.jsonl.zst"
    packed.write_bytes(zstd.compress(plain.read_bytes()))
    plain.unlink()
    return packed


def without_files(items: list[Foreign]) -> list[Foreign]:
    assert all(isinstance(item, Shared) for item in items)
    return items


@pytest.mark.parametrize("name", ["claude-code", "codex", "langfuse-csv", "chatgpt", "gemini-html"])
def test_a_file_in_gzip_gives_the_same_sessions(tmp_path: Path, name: str) -> None:
    plain = sample(name, tmp_path)
    whole = without_files([*read_file(plain).items])
    packed = tmp_path / f"{plain.name}.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    assert [*read_file(packed).items] == whole


def test_a_cold_rollout_of_codex_gives_the_same_session(tmp_path: Path, zstd: Any) -> None:
    (whole,) = read_file(sample("codex", tmp_path)).items
    assert [*read_file(rollout(tmp_path, zstd)).items] == [whole]
    assert [*read_file(tmp_path).items] == [whole]


async def test_a_rollout_that_is_compressed_while_it_is_followed_stays_known(
    tmp_path: Path, store: SqliteStore, zstd: Any
) -> None:
    sample("codex", tmp_path).rename(tmp_path / "rollout-2026-03-01-a.jsonl")
    rig = Rig(store, tmp_path)
    assert len(await rig.look()) == 1
    plain = tmp_path / "rollout-2026-03-01-a.jsonl"
    (tmp_path / f"{plain.name}.zst").write_bytes(zstd.compress(plain.read_bytes()))
    plain.unlink()
    assert await rig.look() == []
    assert "0 failed" in rig.sentence


@pytest.mark.usefixtures("without_library")
def test_without_the_library_a_sentence_says_what_to_install(tmp_path: Path, zstd: Any) -> None:
    path = rollout(tmp_path, zstd)
    with pytest.raises(ImportFault, match="compressed with zstd") as caught:
        read_file(path)
    assert "replyscope[encodings]" in str(caught.value)
    sample("codex", tmp_path).rename(tmp_path / "rollout-2026-03-01-b.jsonl")
    assert [why for _, why in faults(tmp_path) if "replyscope[encodings]" in why]
    assert len(titles(tmp_path)) == 1


async def test_what_needs_a_library_is_told_once_and_read_when_it_is_there(
    tmp_path: Path, store: SqliteStore, zstd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout(tmp_path, zstd, "2026-03-01-a")
    rollout(tmp_path, zstd, "2026-03-01-b")
    rig = Rig(store, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(unpacking, "ZSTD", "replyscope.no_such_module")
        assert await rig.look() == []
    (fault,) = rig.follower.tally.failed
    assert "replyscope[encodings]" in fault.why
    assert len(await Rig(store, tmp_path, rig.follower.seen).look()) == 1


@pytest.mark.parametrize("end", [-1, -5, 20, 3])
def test_a_compressed_file_that_is_cut_is_told(tmp_path: Path, end: int) -> None:
    path = tmp_path / "conversations.json.gz"
    path.write_bytes(gzip.compress(json.dumps([talk("a"), talk("b")]).encode())[:end])
    try:
        items = [*read_file(path).items]
    except ImportFault:
        return
    assert isinstance(items[-1], Unreadable)


def test_a_damaged_zstd_file_is_told(tmp_path: Path, zstd: Any) -> None:
    path = rollout(tmp_path, zstd)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = b"\xff" * (len(data) - len(data) // 2)
    path.write_bytes(bytes(data))
    with pytest.raises(ImportFault):
        read_file(path)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["a.json.gz", "a.sse.gz", "My Activity.html.gz"])
def test_a_bomb_is_refused_before_it_takes_memory(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "_MOST_BYTES", 20_000_000)
    path = tmp_path / name
    with gzip.open(path, "wb") as packed:
        packed.write(b'{"x": "' if name == "a.json.gz" else b"data: <html>mdl-")
        for _ in range(100):
            packed.write(b"0" * 1_000_000)
    began = time.monotonic()
    with pytest.raises(ImportFault, match="too many bytes"):
        [*read_file(path).items]
    assert time.monotonic() - began < 10


def test_a_zip_that_would_unpack_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "_MOST_BYTES", 20_000_000)
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(30):
            archive.writestr(f"conversations-{number:03}.json", b" " * 1_000_000)
    with pytest.raises(ImportFault, match="would unpack to"):
        read_file(path)


def test_members_with_odd_names_and_kinds_are_read_in_the_zip_or_not_at_all(
    tmp_path: Path,
) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("/etc/conversations-1.json", json.dumps([talk("a")]))
        archive.writestr("../../conversations-2.json", json.dumps([talk("b")]))
        link = zipfile.ZipInfo("conversations-3.json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("conversations-4.json/", "")
    assert sorted(titles(path)) == ["a", "b"]
    assert faults(path) == []
    assert [*tmp_path.iterdir()] == [path]
