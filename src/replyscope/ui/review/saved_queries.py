"""Queries saved as folders in the settings."""

from replyscope.domain.printable import printable_line
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
            self._desk.tell("Write a query first: a folder keeps it.", is_error=False)
            return
        before = dict(self._desk.services.settings.queries)

        def accept(name: str) -> None:
            if name:
                self._changes.start(
                    f"Kept as the folder {printable_line(name)}",
                    lambda: self._write(name, query),
                    lambda: self._write(name, before.get(name)),
                )

        title = f"Name of the folder for {printable_line(query)}"
        self._desk.ask_dialog(LineDialog(title), accept)

    def remove(self, folder: Folder) -> None:
        """Remove a folder of the person's own."""
        if not folder.is_own:
            self._desk.tell("Only folders of your own can be removed.", is_error=False)
            return
        self._changes.start(
            f"The folder {printable_line(folder.name)} is gone",
            lambda: self._write(folder.name, None),
            lambda: self._write(folder.name, folder.query),
        )

    async def _write(self, name: str, query: str | None) -> None:
        self._desk.services.change_settings({("queries", name): query})
