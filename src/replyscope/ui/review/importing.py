"""The import dialogs: they ask for a file, preview its sessions, and report the result."""

from collections.abc import Callable
from functools import partial
from typing import Any

from textual.app import App

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.typed_path import typed_path
from replyscope.engine.importing import Imported
from replyscope.ui.dialogs.progress import WorkDialog
from replyscope.ui.dialogs.small import LineDialog, PickDialog
from replyscope.ui.services import Services, Tell

_MOST_TOLD = 5


async def ask_import(
    app: App[Any], services: Services, path: str, tell: Callable[..., None]
) -> None:
    """Ask for a file, preview the import, confirm it, import, and report the result."""
    typed: str | None = path
    if not typed:
        hint = await services.import_hint() if services.import_hint is not None else ""
        note = f"{hint[:1].upper()}{hint[1:]}. The file is not changed."
        typed = await app.push_screen_wait(LineDialog("Import file", note=note))
    read = services.import_file
    if not typed or read is None:
        return
    file = typed_path(typed.strip().strip("'\""))
    if not file.is_absolute():
        file = services.working_folder / file

    def job(is_dry: bool, tell_place: Tell) -> Any:
        return read(file, is_dry, tell_place)

    dry = await _run(app, f"Reading {file.name}", partial(job, True), tell)
    if dry is None:
        return
    if not dry.taken and not dry.grown:
        tell(f"{dry.sentence}{_reasons(dry)}", is_error=False)
        return
    rows = (("import", "save these sessions"), ("cancel", "change nothing"))
    title = f"{file.name}: {dry.sentence}"
    answer = await app.push_screen_wait(PickDialog(title, rows, note=_reasons(dry).strip()))
    if answer != "import":
        return
    done = await _run(app, f"Importing {file.name}", partial(job, False), tell)
    if done is not None:
        tell(f"{done.sentence}{_reasons(done)}", is_error=False)


async def _run(app: App[Any], title: str, job: Any, tell: Callable[..., None]) -> Imported | None:
    dialog: WorkDialog[Imported] = WorkDialog(title, job)
    done = await app.push_screen_wait(dialog)
    if isinstance(done, ReplyscopeError):
        tell(done)
        return None
    if done is None:
        tell(
            "Import stopped. Sessions imported so far are kept; a new import skips them.",
            is_error=False,
        )
    return done


def _reasons(done: Imported) -> str:
    """The first failures and what was left out, with the reasons, each on its own line."""
    lines = [f"{failed.name[:60]}: {failed.why}" for failed in done.failed]
    lines += [omission.sentence for omission in done.omissions]
    if len(lines) > _MOST_TOLD:
        lines[_MOST_TOLD:] = [f"and {len(lines) - _MOST_TOLD:,} more"]
    return "".join(f"\n{line}" for line in lines)
