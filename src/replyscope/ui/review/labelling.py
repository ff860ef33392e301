"""Labels of sessions: pins, the archive flag, and tags."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from operator import attrgetter

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.search import Labels
from replyscope.engine.undo import Act, UndoableChange
from replyscope.ui.dialogs.small import LineDialog
from replyscope.ui.review.changes import Changes
from replyscope.ui.review.desk import ReviewDesk


class Labelling:
    """Changes labels; undo restores all labels of the sessions."""

    def __init__(self, desk: ReviewDesk, changes: Changes) -> None:
        self._desk = desk
        self._changes = changes

    async def _change(
        self, ids: Sequence[str], act: Act, done: str, undone: str = "Restored the tags of {}"
    ) -> None:
        """Change labels. The first `{}` of a sentence becomes the number of sessions."""
        labels = self._desk.services.labels
        try:
            before = await labels.labels(ids)
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        sessions = plural(len(before), "session")
        undo = partial(labels.put_labels, before)
        done, undone = done.replace("{}", sessions, 1), undone.replace("{}", sessions, 1)
        await self._changes.apply(act, UndoableChange(done, undone, undo))

    def pin(self) -> None:
        """Pin the chosen sessions, or unpin them when all are pinned."""
        words, at_ms = ("Pinned {}", "Unpinned {}"), attrgetter("pinned_at_ms")
        self._desk.start_work(self._toggle, words, self._desk.review.pin, at_ms, group="order")

    def archive(self) -> None:
        """Archive the chosen sessions, or unarchive them when all are archived."""
        words, at_ms = ("Archived {}", "Unarchived {}"), attrgetter("archived_at_ms")
        self._desk.start_work(self._toggle, words, self._desk.review.archive, at_ms, group="order")

    async def _toggle(
        self,
        words: tuple[str, str],
        change: Callable[..., Awaitable[None]],
        at_ms: Callable[[Labels], int | None],
    ) -> None:
        ids = self._desk.chosen_sessions()
        try:
            before = await self._desk.services.labels.labels(ids)
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        if before:
            is_on = any(at_ms(one) is None for one in before)
            wanted = [one.session_id for one in before if (at_ms(one) is None) is is_on]
            done, undone = words if is_on else words[::-1]
            await self._change(wanted, partial(change, wanted, is_on=is_on), done, undone)

    def tag(self) -> None:
        """Edit tags: `name` adds, `-name` removes, `old=new` renames a tag everywhere."""
        ids = self._desk.chosen_sessions()
        if not ids:
            return
        known = ", ".join(self._desk.known.get("tag", ())[:8])
        title = f"Tags of {plural(len(ids), 'session')}: name adds, -name removes, old=new renames"
        dialog = LineDialog(printable_line(f"{title} ({known})" if known else title))
        self._desk.ask_dialog(dialog, lambda text: self.write_tags(ids, text))

    def write_tags(self, ids: Sequence[str], text: str) -> None:
        """Apply an edit of tags to sessions."""
        words = [word.replace("#", "") for word in text.replace(",", " ").split()]
        if len(words) == 1 and "=" in words[0]:
            self._desk.start_work(self._rename_tag, *words[0].split("=", 1), group="order")
        elif words:
            add = [word for word in words if not word.startswith("-")]
            remove = [word[1:] for word in words if word.startswith("-")]
            names = " ".join([*(f"#{name}" for name in add), *(f"-#{name}" for name in remove)])
            act = partial(self._desk.review.tag, ids, add, remove)
            self._desk.start_work(self._change, ids, act, f"Tagged {{}} {names}", group="order")

    async def _rename_tag(self, old: str, new: str) -> None:
        try:
            ids = await self._desk.services.labels.tagged(old)
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        if not ids or not new:
            self._desk.tell(f"No session has the tag {printable_line(old)}.", is_error=False)
            return
        act = partial(self._desk.review.rename_tag, old, new)
        await self._change(ids, act, f"Renamed in {{}}: #{old} → #{new}")
