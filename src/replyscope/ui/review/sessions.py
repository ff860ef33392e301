"""Commands on the chosen sessions: delete, restore, rename, and purge."""

from collections.abc import Callable, Sequence
from functools import partial

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.engine.undo import UndoableChange
from replyscope.ui.dialogs.small import LineDialog
from replyscope.ui.review.changes import Changes
from replyscope.ui.review.desk import ReviewDesk


class ChosenSessions:
    """Deletes, restores, renames and purges. Only a purge has no undo."""

    def __init__(self, desk: ReviewDesk, changes: Changes, refresh: Callable[[], None]) -> None:
        self._desk = desk
        self._changes = changes
        self._refresh = refresh

    def delete(self) -> None:
        """Delete the chosen sessions; where the query lists deleted ones, restore them."""
        ids = self._desk.chosen_sessions()
        if ids:
            self._desk.start_work(self._delete, ids, group="order")

    async def _delete(self, ids: Sequence[str]) -> None:
        sessions = plural(len(ids), "session")
        delete, restore = partial(self._hide, ids), partial(self._desk.review.restore, ids)
        deleted, restored = f"Deleted {sessions}", f"Restored {sessions}"
        if self._lists_deleted:
            is_made = await self._changes.apply(restore, UndoableChange(restored, deleted, delete))
        else:
            change = UndoableChange(deleted, restored, restore, tuple(ids))
            is_made = await self._changes.apply(delete, change)
        if is_made:
            self._desk.selection.unmark_sessions(ids)  # the list shows them no longer

    async def _hide(self, ids: Sequence[str]) -> None:
        """Delete sessions. Raises ReplyscopeError while a turn of one of them runs: its next
        message would restore the session.
        """
        if any(map(self._desk.is_running, ids)):
            which = "this session" if len(ids) == 1 else "one of these sessions"
            raise ReplyscopeError(
                f"A reply streams into {which}. Nothing was deleted.", "Stop it in the chat first."
            )
        await self._desk.review.delete(ids)

    @property
    def _lists_deleted(self) -> bool:
        """Whether the query lists deleted sessions."""
        return "is:deleted" in self._desk.query().split()

    def rename(self) -> None:
        """Edit the title of the highlighted session."""
        found = self._desk.selection.current
        if found is None:
            return
        archive, session_id, before = self._desk.services.archive, found.session_id, found.title

        def accept(title: str) -> None:
            if title:
                self._changes.start(
                    partial(archive.rename, session_id, title),
                    UndoableChange(
                        f"Renamed to “{printable_line(title)}”",
                        f"Restored the title “{printable_line(before)}”",
                        partial(archive.rename, session_id, before),
                    ),
                )

        self._desk.ask_dialog(LineDialog("Rename session", found.title), accept)

    def purge(self) -> None:
        """Purge deleted sessions after their number was typed."""
        if not self._lists_deleted:
            self._desk.tell("Only deleted sessions can be purged. The query is:deleted lists them.")
            return
        ids = self._desk.chosen_sessions()
        if not ids:
            return

        def accept(text: str) -> None:
            if text == str(len(ids)):
                self._desk.start_work(self._purge, ids, group="order")
            else:
                self._desk.tell("Nothing was purged.", is_error=False)

        sessions = plural(len(ids), "session")
        title = f"Permanently delete {sessions}? There is no undo. Type {len(ids)} to confirm"
        self._desk.ask_dialog(LineDialog(title), accept)

    async def _purge(self, ids: Sequence[str]) -> None:
        try:
            purged = await self._desk.review.purge(ids)
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        sessions, replies = plural(purged.sessions, "session"), plural(purged.exchanges, "reply")
        text = f"Permanently deleted {sessions} with {replies}."
        kept = len(ids) - purged.sessions
        if kept:
            text += f" Kept {plural(kept, 'session')}: restored, or still streaming."
        if purged.is_pending:
            text += (
                " Another window is reading the file. The next start overwrites old copies in it."
            )
        self._desk.tell(text, is_error=False)
        self._desk.selection.unmark_sessions(ids)
        self._refresh()
