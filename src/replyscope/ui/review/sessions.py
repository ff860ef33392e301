"""Commands on the chosen sessions: delete, restore, rename, and purge."""

from collections.abc import Callable, Sequence

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.plural import plural
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
        ids, review = self._desk.chosen_sessions(), self._desk.review
        if not ids:
            return
        sessions = plural(len(ids), "session")
        if self._lists_deleted:
            self._changes.start(
                f"{sessions} restored", lambda: review.restore(ids), lambda: review.delete(ids)
            )
        else:
            self._changes.start(
                f"{sessions} deleted", lambda: review.delete(ids), lambda: review.restore(ids)
            )

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
                    "1 session renamed",
                    lambda: archive.rename(session_id, title),
                    lambda: archive.rename(session_id, before),
                )

        self._desk.ask_dialog(LineDialog("Title", found.title), accept)

    def purge(self) -> None:
        """Purge deleted sessions, once their number was typed."""
        if not self._lists_deleted:
            self._desk.tell("Only deleted sessions can be removed for good: is:deleted lists them.")
            return
        ids = self._desk.chosen_sessions()
        if not ids:
            return

        def accept(text: str) -> None:
            if text == str(len(ids)):
                self._desk.start_work(self._purge, ids, group="order")
            else:
                self._desk.tell("Nothing was removed.", is_error=False)

        title = f"Remove {plural(len(ids), 'session')} for good? There is no undo. Type {len(ids)}"
        self._desk.ask_dialog(LineDialog(title), accept)

    async def _purge(self, ids: Sequence[str]) -> None:
        try:
            purged = await self._desk.review.purge(ids)
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        rest = (
            " Another window reads the file: old copies are overwritten at the next start."
            if purged.is_pending
            else ""
        )
        kept = len(ids) - purged.sessions
        if kept:
            rest += (
                f" {plural(kept, 'session')} stayed: restored meanwhile, or a reply is on its way."
            )
        sessions, replies = plural(purged.sessions, "session"), plural(purged.exchanges, "reply")
        self._desk.tell(f"{sessions} with {replies} gone.{rest}", is_error=False)
        self._desk.selection.unmark()
        self._refresh()
