"""The export dialogs: they ask for the format and the file, and report the result."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from textual.app import App

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.shared import Form
from replyscope.ui.dialogs.progress import WorkDialog
from replyscope.ui.dialogs.small import LineDialog, PickDialog
from replyscope.ui.services import Services, Tell

_FORMS = (
    ("html", "one page to share, redacted"),
    ("html as it is", "HTML, not redacted"),
    ("md", "Markdown, not redacted"),
    ("md redacted", ""),
    ("json", "complete; can be imported again"),
    ("json redacted", ""),
    ("jsonl", "messages for fine-tuning and evals"),
    ("jsonl redacted", ""),
)
_NOTE = "Redacted: without keys, e-mail addresses, home folders and your own patterns."
PRIVATE_NOTE = f"This session is private. The export writes it to a file.\n{_NOTE}"
_REDACTED = ("html", "md redacted", "json redacted", "jsonl redacted")


async def ask_export(
    app: App[Any],
    services: Services,
    ids: Sequence[str],
    tell: Callable[..., None],
    note: str = _NOTE,
) -> None:
    """Ask, show what would be taken out, write, tell."""
    count = "this session" if len(ids) == 1 else f"{len(ids):,} sessions"
    picked = await app.push_screen_wait(PickDialog(f"Export {count} as…", _FORMS, note=note))
    export = services.export
    if picked is None or export is None:
        return
    form, is_redacted = Form(picked.split()[0]), picked in _REDACTED

    def job(path: Path | None, tell_place: Tell) -> Any:
        return export(ids, form, path, is_redacted, tell_place)

    note = ""
    if is_redacted:
        report = await _run(app, f"Reading {count}", partial(job, None), tell)
        if report is None:
            return
        note = "\n".join(report)
    path = await _ask_path(app, _proposed(services, ids, form), note)
    if path is None:
        return
    report = await _run(app, f"Writing {count}", partial(job, path), tell)
    if report is not None:
        told = f" {report[0]}" if is_redacted else ""
        tell(f"Written to {path}.{told}", is_error=False)


async def _run(app: App[Any], title: str, job: Any, tell: Callable[..., None]) -> list[str] | None:
    dialog: WorkDialog[list[str]] = WorkDialog(title, job)
    done = await app.push_screen_wait(dialog)
    if isinstance(done, ReplyscopeError):
        tell(done)
        return None
    if done is None:
        tell("Cancelled. Nothing was written.", is_error=False)
    return done


async def _ask_path(app: App[Any], proposed: Path, note: str) -> Path | None:
    """Where to write; an older file is replaced only when the person says so."""
    value = str(proposed)
    while True:
        typed = await app.push_screen_wait(LineDialog("Write to", value, note=note))
        if typed is None:
            return None
        path = Path(typed).expanduser()
        if not path.is_file():
            return path
        rows = (("replace", "overwrite it"), ("other", "write to another file"))
        title = f"{path.name} exists already"
        answer = await app.push_screen_wait(PickDialog(title, rows))
        if answer == "replace":
            return path
        if answer is None:
            return None
        value = typed


def _proposed(services: Services, ids: Sequence[str], form: Form) -> Path:
    """A name that is free; an id of elsewhere must not become a path."""
    one = re.sub(r"[^A-Za-z0-9_-]", "", ids[0])[:40]
    stem = f"replyscope-{one}" if len(ids) == 1 else f"replyscope-{len(ids)}-sessions"
    path = services.working_folder / f"{stem}.{form.value}"
    number = 2
    while path.exists():
        path = path.with_name(f"{stem}-{number}.{form.value}")
        number += 1
    return path
