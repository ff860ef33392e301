"""A link or a pipe that somebody planted where we write: no other file is changed."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from replyscope.config.mcp import add_servers
from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.regular_file import write_own
from replyscope.local import verifying
from replyscope.toolbox.files import KeptFiles

if sys.platform == "win32":
    pytest.skip("links need rights there", allow_module_level=True)

_ENTRY = '{"mcpServers": {"a": {"command": "true"}}}'


def _write_directly(folder: Path) -> None:
    with write_own(folder / "engine.log") as file:
        file.write(b"new")


def _keep_a_file(folder: Path) -> None:
    KeptFiles(folder).take(b"data", "text/plain")


def _add_a_server(folder: Path) -> None:
    add_servers(folder / "mcp.json", _ENTRY)


def _keep_a_verdict(folder: Path) -> None:
    verifying._write(folder / "weights.gguf", ["state"])


WRITERS: list[Callable[[Path], None]] = [
    _write_directly,
    _keep_a_file,
    _add_a_server,
    _keep_a_verdict,
]


def _written_by(write: Callable[[Path], None], folder: Path, seen: pytest.MonkeyPatch) -> set[str]:
    """The names that a writer opens to write."""
    names: set[str] = set()
    opened = os.open

    def note(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if flags & os.O_CREAT:
            names.add(Path(path).name)
        return opened(path, flags, *more, **named)

    with seen.context() as patch:
        patch.setattr(os, "open", note)
        write(folder)
    return names


@pytest.mark.timeout(20)
@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("plant", ["link", "dangling link", "pipe"])
def test_a_planted_link_leads_no_write_elsewhere(
    write: Callable[[Path], None], plant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample, folder, victim = (tmp_path / name for name in ("sample", "folder", "victim"))
    sample.mkdir()
    folder.mkdir()
    names = _written_by(write, sample, monkeypatch)
    assert names
    if plant != "dangling link":
        victim.write_text("precious")
    for name in names:
        if plant == "pipe":
            os.mkfifo(folder / name)
        else:
            (folder / name).symlink_to(victim)
    with suppress(OSError, ReplyscopeError):
        write(folder)
    assert (victim.read_text() if victim.exists() else "") == (
        "" if plant == "dangling link" else "precious"
    )
    assert victim.exists() == (plant != "dangling link")
