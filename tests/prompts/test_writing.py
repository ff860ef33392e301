"""Prompts are written in an editor; no text of it is lost."""

import os
import re
from pathlib import Path

import pytest

from replyscope.domain.errors import SettingsError
from replyscope.engine.prompt_writing import PromptWriting
from tests.cli.run import run_command
from tests.prompts.writing import library_in


def test_a_text_that_the_disk_refuses_is_named_and_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "prompts").touch()  # a file where the folder must be: every write is refused
    writing = PromptWriting(lambda: library_in(tmp_path))
    with pytest.raises(SettingsError, match="can't be written") as raised:
        writing.save("look", "Look at this.")
    (kept,) = tmp_path.glob("replyscope-*.md")
    assert f"The text is in {kept}." in str(raised.value)
    assert kept.read_text() == "Look at this."
    assert kept.stat().st_mode & 0o077 == 0 or os.name == "nt"
    (tmp_path / "prompts").unlink()
    editing = writing.begin("look", is_new=False)
    assert editing.text == "Look at this."
    assert editing.changes(editing.text)
    path = writing.save("look", editing.text)
    assert path.read_text() == "Look at this.\n"
    assert not writing.begin("look", is_new=False).changes("Look at this.")


def test_without_any_disk_the_text_is_kept_for_the_next_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    (tmp_path / "prompts").touch()
    writing = PromptWriting(lambda: library_in(tmp_path))
    with pytest.raises(SettingsError, match="The text is kept until you leave"):
        writing.save("look", "Look at this.")
    (tmp_path / "prompts").unlink()
    assert writing.begin("look", is_new=False).text == "Look at this."


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs a folder that refuses files")
def test_the_command_line_names_where_the_text_is(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "prompts"
    folder.mkdir(parents=True)
    (folder / "look.md").symlink_to("/proc/none/look.md")  # no file can be made there
    ran = run_command(tmp_path, "prompts", "new", "look", stdin="mine")
    assert ran.returncode != 0
    found = re.search(r"The text is in (\S+\.md)\.", ran.stderr)
    assert found is not None
    kept = Path(found[1])
    assert "mine" in kept.read_text()
    kept.unlink()
