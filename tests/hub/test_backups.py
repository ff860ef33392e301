"""Backups and programs that read, with an archive that takes part in a hub."""

import json
import sqlite3
from pathlib import Path
from typing import Any

from replyscope.cli.hub_opening import log_of
from replyscope.cli.wiring import wire
from tests.cli.run import run_command
from tests.keeping.archive import backed_up, filled, paths_in
from tests.keeping.test_backup import restore

_FRAME = (
    'data: {{"model":"{model}","choices":[{{"index":0,"delta":{{"content":"Hello {model}."}},'
    '"finish_reason":"stop"}}]}}\n\ndata: [DONE]\n\n'
)


class Archives:
    """The commands of several data folders on one hub."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, at: str, *arguments: str) -> str:
        done = run_command(
            self.folder,
            *arguments,
            REPLYSCOPE_DATA_DIR=str(self.folder / at),
            REPLYSCOPE_CONFIG_DIR=str(self.folder / f"{at}-config"),
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def join(self, at: str) -> None:
        self.run(at, "hub", "init", f"folder:{self.folder / 'hub'}")

    def sync(self, at: str) -> Any:
        return json.loads(self.run(at, "hub", "sync", "--json"))

    def record(self, at: str, model: str) -> None:
        file = self.folder / f"{model}.sse"
        file.write_text(_FRAME.format(model=model))
        self.run(at, "sessions", "import", str(file))

    def models(self, at: str) -> list[str]:
        found = json.loads(self.run(at, "sessions", "search", "", "--json"))
        return sorted(one["model"] for one in found)


def test_a_restored_backup_syncs_without_doubling(tmp_path: Path) -> None:
    archives = Archives(tmp_path)
    for at in ("here", "there"):
        archives.join(at)
    archives.record("here", "first")
    archives.sync("here")
    backup = str(tmp_path / "backup.db")
    archives.run("here", "backup", backup)
    archives.record("here", "second")
    archives.sync("here")
    archives.record("here", "unsent")
    archives.run("here", "restore", backup, "--replace")
    assert archives.models("here") == ["first"]
    archives.record("here", "third")
    archives.sync("there")
    for at in ("here", "there", "here"):
        assert archives.sync(at)["faults"] == []
    assert archives.models("here") == archives.models("there") == ["first", "second", "third"]
    archives.run("elsewhere", "restore", backup)
    archives.sync("elsewhere")
    assert archives.models("elsewhere") == ["first", "second", "third"]
    assert "No faults found" in archives.run("elsewhere", "verify")
    for at in ("here", "there"):
        archives.sync(at)
        assert archives.models(at) == ["first", "second", "third"]


def test_views_and_the_api_show_what_came_from_the_hub(tmp_path: Path) -> None:
    archives = Archives(tmp_path)
    for at in ("here", "there"):
        archives.join(at)
    archives.record("here", "first")
    archives.sync("here")
    archives.sync("there")
    for at in ("here", "there"):
        archives.models(at)  # it indexes
    found = []
    for at in ("here", "there"):
        uri = f"{(tmp_path / at / 'sessions.db').as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, uri=True)
        found.append(
            [
                connection.execute(f"SELECT * FROM {view} ORDER BY 1").fetchall()
                for view in ("replies", "messages", "tool_calls", "usage_by_day")
            ]
        )
        connection.close()
    assert found[0] == found[1]
    assert found[0][0]


async def test_a_restore_elsewhere_changes_paths_and_notes_no_change(tmp_path: Path) -> None:
    wiring = await filled(tmp_path / "here")
    log = log_of(wiring)
    await log.join("folder:/nowhere", "m", "laptop")
    seen = await log.newest_change()
    target = tmp_path / "backup.db"
    backed_up(wiring, target)
    await wiring.close()
    restore(target, tmp_path / "there")
    other = wire(paths_in(tmp_path / "there"))
    await other.store.open()
    stored = await other.store.load_session("pictures")
    assert str(other.paths.kept_files) in str(stored.messages[-1].parts[0])
    assert await log_of(other).newest_change() == seen
    await other.close()
