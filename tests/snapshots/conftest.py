"""The same place, time and terminal for each snapshot, whatever those of the machine are."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.app import App

from tests.snapshots.stage import Stage, make_archive
from tests.support.server import LoopbackServer

_OF_THE_TERMINAL = ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TERM_PROGRAM", "COLUMNS", "LINES")


@pytest.fixture(autouse=True)
def _same_terminal_and_time_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in _OF_THE_TERMINAL:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(App, "NOTIFICATION_TIMEOUT", 3_600)
    with pytest.MonkeyPatch.context() as zone:
        zone.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


_made: dict[str, Path] = {}


@pytest.fixture
async def archive(
    tmp_path_factory: pytest.TempPathFactory, _same_terminal_and_time_zone: None
) -> Path:
    """The data folder with the saved sessions, made once for all of a process."""
    if "folder" not in _made:
        folder = tmp_path_factory.mktemp("archive") / "data"
        await make_archive(folder)
        _made["folder"] = folder
    return _made["folder"]


@pytest.fixture
def stage(tmp_path: Path, server: LoopbackServer, archive: Path) -> Stage:
    server.models = ["harbour-large", "harbour-small", "kaigan-7b"]
    return Stage(tmp_path, server, archive)
