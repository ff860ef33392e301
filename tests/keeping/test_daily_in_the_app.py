"""The daily backup of the app: after the start, and a failure is said."""

from pathlib import Path

from replyscope.cli.backup import own_backups
from replyscope.store.backup.checking import check_backup
from tests.keeping.archive import filled
from tests.ui.app import frame, make_app, until


async def started_with(folder: Path, settings: str) -> None:
    await (await filled(folder)).close()
    (folder / "config" / "settings.toml").write_text(settings)


async def test_the_app_makes_a_backup_after_its_start(tmp_path: Path) -> None:
    await started_with(tmp_path, "[backup]\nkeep = 2\n")
    app = make_app(tmp_path / "data", "http://127.0.0.1:9/v1")
    async with app.run_test() as pilot:
        await until(pilot, lambda: bool(own_backups(tmp_path / "data" / "backups")))
    (made,) = own_backups(tmp_path / "data" / "backups")
    with check_backup(made) as backup:
        assert backup.damaged_files() == []


async def test_a_backup_that_can_not_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    await started_with(tmp_path, f'[backup]\nkeep = 2\nfolder = "{tmp_path / "file"}"\n')
    app = make_app(tmp_path / "data", "http://127.0.0.1:9/v1")
    async with app.run_test() as pilot:
        await until(pilot, lambda: "can't be used" in frame(pilot))
