"""Queries saved as folders in the settings."""

from functools import partial

from replyscope.domain.printable import printable_line
from replyscope.engine.undo import UndoableChange
from replyscope.ui.dialogs.small import LineDialog
from replyscope.ui.review.changes import Changes
from replyscope.ui.review.desk import ReviewDesk
from replyscope.ui.review.folders import Folder


class SavedQueries:
    """Saves and removes the person's own folders; both can be undone."""

    def __init__(self, desk: ReviewDesk, changes: Changes) -> None:
        self._desk = desk
        self._changes = changes

    def save(self) -> None:
        """Save the query as a folder, after its name was typed."""
        query = self._desk.query().strip()
        if not query:
            self._desk.tell("Type a query first. A folder saves it.", is_error=False)
            return
        before = dict(self._desk.services.settings.queries)

        def accept(name: str) -> None:
            if name:
                shown = printable_line(name)
                self._changes.start(
                    partial(self._write, name, query),
                    UndoableChange(
                        f"Saved the folder {shown}",
                        f"{'Restored' if name in before else 'Removed'} the folder {shown}",
                        partial(self._write, name, before.get(name)),
                    ),
                )

        title = f"Save {printable_line(query)} as a folder named"
        self._desk.ask_dialog(LineDialog(title), accept)

    def remove(self, folder: Folder) -> None:
        """Remove a folder of the person's own."""
        if not folder.is_own:
            self._desk.tell("Built-in folders cannot be removed.", is_error=False)
            return
        name = printable_line(folder.name)
        self._changes.start(
            partial(self._write, folder.name, None),
            UndoableChange(
                f"Removed the folder {name}",
                f"Restored the folder {name}",
                partial(self._write, folder.name, folder.query),
            ),
        )

    async def _write(self, name: str, query: str | None) -> None:
        self._desk.services.change_settings({("queries", name): query})
