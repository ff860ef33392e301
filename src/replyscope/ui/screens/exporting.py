"""Asks in what form and where to sessions are handed on, and tells what came of it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from textual.app import App

from replyscope.domain.errors import ReplyscopeError
from replyscope.engine.sharing import Form
from replyscope.ui.screens.dialogs import LineDialog, PickDialog
from replyscope.ui.services import Services

_FORMS = (
    ("html", "one file to look at; keys, e-mail addresses and home folders taken out"),
    ("html as it is", "the same, nothing taken out"),
    ("md", "Markdown, readable as it is"),
    ("json", "everything; comes back as the same session"),
    ("jsonl", "the messages form of fine-tuning and evals"),
)


async def ask_export(
    app: App[Any], services: Services, ids: Sequence[str], tell: Callable[..., None]
) -> None:
    """Ask, write, tell."""
    count = "this session" if len(ids) == 1 else f"{len(ids):,} sessions"
    picked = await app.push_screen_wait(PickDialog(f"Export {count} as", _FORMS))
    if picked is None or services.export is None:
        return
    form = Form(picked.split()[0])
    name = f"replyscope-{ids[0]}" if len(ids) == 1 else f"replyscope-{len(ids)}-sessions"
    proposed = services.working_folder / f"{name}.{form.value}"
    try:
        told = await services.export(ids, form, None, picked == "html")
        title = f"Write to ({told})" if picked == "html" else "Write to"
        path = await app.push_screen_wait(LineDialog(title, str(proposed)))
        if path is None:
            return
        sentence = await services.export(ids, form, Path(path), picked == "html")
    except (ReplyscopeError, ValueError) as error:
        tell(str(error))
        return
    told = f" {sentence}" if picked == "html" else ""
    tell(f"Written to {path}.{told}", is_error=False)
