"""An editor may do anything with its file: nothing hangs, leaks or is left behind."""

import os
import stat
import sys
from pathlib import Path

import pytest

from replyscope.cli.editor import edit_text
from replyscope.domain.errors import SettingsError

if sys.platform == "win32":
    pytest.skip("the editors are shell scripts", allow_module_level=True)

FAILS = {
    "deletes it": 'rm "$1"',
    "puts a pipe there": 'rm "$1"; mkfifo "$1"',
    "puts a link to a pipe there": 'mkfifo "$1.p"; ln -sf "$1.p" "$1"',
    "puts a folder there": 'rm "$1"; mkdir "$1"',
    "puts a device there": 'ln -sf /dev/zero "$1"',
    "gives up": "exit 1",
    "is killed": "kill -9 $$",
}
READS = {
    "writes it": ('printf "new\\n" > "$1"', "new"),
    "renames another to it": ('printf new > "$1.b"; mv "$1.b" "$1"', "new"),
    "writes no UTF-8": ('printf "n\\351w" > "$1"', "n\ufffdw"),
    "writes as Windows does": ('printf "\\357\\273\\277a\\r\\nb\\r\\n" > "$1"', "a\nb"),
    "forks": ('(sleep 5; rm -f "$1") >/dev/null 2>&1 &', "old"),
    "empties it": (': > "$1"', ""),
}


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.delenv("EDITOR", raising=False)


def _editor(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "editor"
    program.write_text(f'#!/bin/sh\nstat -c %a "$1" > {folder}/mode\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(program))


@pytest.mark.timeout(20)
@pytest.mark.parametrize("script", FAILS.values(), ids=FAILS)
def test_an_editor_that_spoils_its_file_is_a_sentence(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _editor(tmp_path, script, monkeypatch)
    with pytest.raises(SettingsError, match="The editor"):
        edit_text("old")
    assert (tmp_path / "mode").read_text().strip() == "600"
    assert not list((tmp_path / "tmp").iterdir())


def test_a_text_that_is_too_large_is_kept_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _editor(tmp_path, 'head -c 11000000 /dev/zero > "$1"', monkeypatch)
    with pytest.raises(SettingsError, match="The editor") as raised:
        edit_text("old")
    (kept,) = (tmp_path / "tmp").rglob("message.md")
    assert str(kept) in str(raised.value)
    assert kept.stat().st_size == 11_000_000


@pytest.mark.timeout(20)
@pytest.mark.parametrize(("script", "read"), READS.values(), ids=READS)
def test_what_an_editor_leaves_is_read(
    script: str, read: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _editor(tmp_path, script, monkeypatch)
    assert edit_text("old") == read
    assert not list((tmp_path / "tmp").iterdir())


def test_others_cannot_reach_the_folder_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f'stat -c %a "$(dirname "$1")" > {tmp_path}/folder'
    _editor(tmp_path, script, monkeypatch)
    edit_text("old")
    assert stat.S_IMODE(int((tmp_path / "folder").read_text(), 8)) == 0o700
    assert not os.listdir(tmp_path / "tmp")
