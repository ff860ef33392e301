"""The export dialogs: they ask for the format and the file, and report the result."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from textual.app import App

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.shared import Form
from replyscope.domain.typed_path import typed_path
from replyscope.domain.values import dataclass
from replyscope.engine.output_file import free_path
from replyscope.ui.dialogs.progress import WorkDialog
from replyscope.ui.dialogs.small import LineDialog, PickDialog
from replyscope.ui.services import Services, Tell


@dataclass(frozen=True, slots=True)
class _Choice:
    """A row of the dialog."""

    name: str
    about: str
    form: Form
    is_redacted: bool = False


_CHOICES = (
    _Choice("HTML (redacted)", "one page to share", Form.HTML, is_redacted=True),
    _Choice("HTML (not redacted)", "one page", Form.HTML),
    _Choice("Markdown", "readable text, .md", Form.MARKDOWN),
    _Choice("Markdown (redacted)", ".md", Form.MARKDOWN, is_redacted=True),
    _Choice("JSON", "everything; import restores the sessions", Form.JSON),
    _Choice("JSON (redacted)", "", Form.JSON, is_redacted=True),
    _Choice("JSONL", "messages for fine-tuning and evals", Form.JSONL),
    _Choice("JSONL (redacted)", "", Form.JSONL, is_redacted=True),
)
_NOTE = "Redaction removes keys, e-mail addresses, home folders and your own patterns."
PRIVATE_NOTE = f"This session is private. The export writes its text to a file.\n{_NOTE}"


async def ask_export(
    app: App[Any],
    services: Services,
    ids: Sequence[str],
    tell: Callable[..., None],
    note: str = _NOTE,
) -> None:
    """Ask for the format, show what redaction removes, write, and show the result."""
    count = "session" if len(ids) == 1 else f"{len(ids):,} sessions"
    rows = [(choice.name, choice.about) for choice in _CHOICES]
    picked = await app.push_screen_wait(PickDialog(f"Export {count} as…", rows, note=note))
    export = services.export
    if picked is None or export is None:
        return
    choice = next(choice for choice in _CHOICES if choice.name == picked)
    form, is_redacted = choice.form, choice.is_redacted

    def job(path: Path | None, tell_place: Tell) -> Any:
        return export(ids, form, path, is_redacted, tell_place)

    note = ""
    if is_redacted:
        report = await _run(app, f"Reading {count}", partial(job, None), tell)
        if report is None:
            return
        note = "\n".join(report)
    path = await _ask_path(app, free_path(services.working_folder, ids, form), note)
    if path is None:
        return
    report = await _run(app, f"Writing {count}", partial(job, path), tell)
    if report is not None:
        redactions = f" {report[0]}" if is_redacted else ""
        tell(f"Exported to {path}.{redactions}", is_error=False)


async def _run(app: App[Any], title: str, job: Any, tell: Callable[..., None]) -> list[str] | None:
    dialog: WorkDialog[list[str]] = WorkDialog(title, job)
    done = await app.push_screen_wait(dialog)
    if isinstance(done, ReplyscopeError):
        tell(done)
        return None
    if done is None:
        tell("Export stopped. Nothing was written.", is_error=False)
    return done


async def _ask_path(app: App[Any], proposed: Path, note: str) -> Path | None:
    """Ask for the output file, and before an existing file is replaced."""
    value = str(proposed)
    while True:
        typed = await app.push_screen_wait(LineDialog("Export to file", value, note=note))
        if typed is None:
            return None
        path = typed_path(typed)
        if not path.is_file():
            return path
        rows = (("replace", "overwrite the file"), ("other", "choose another file"))
        title = f"{path.name} already exists"
        answer = await app.push_screen_wait(PickDialog(title, rows))
        if answer == "replace":
            return path
        if answer is None:
            return None
        value = typed
