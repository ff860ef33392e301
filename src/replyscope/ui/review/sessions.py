"""What can be done with the sessions that were found, one or many."""

from collections.abc import Awaitable, Callable, Sequence

from textual import on
from textual.widgets import Input

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.query import QueryError
from replyscope.domain.search import Hit, Labels
from replyscope.ui.dialogs.help import HelpScreen
from replyscope.ui.dialogs.small import LineDialog
from replyscope.ui.review.exporting import ask_export
from replyscope.ui.review.folders import Folder, Folders
from replyscope.ui.review.panes import ReviewBase
from replyscope.ui.review.query_completion import LANGUAGE
from replyscope.ui.review.results import Results
from replyscope.ui.textual_internals import bindings_of

Act = Callable[[], Awaitable[None]]
_MOST_UNDONE = 100


class ReviewActions(ReviewBase):
    """Each acts on what is marked, or else on what is highlighted.

    Every change but the last one, removing for good, goes on a stack of what undoes it.
    """

    def look_again(self) -> None:
        """Ask the same once more: what changed is shown, the reader's place stays."""

    def draw_status(self) -> None:
        """Draw the line under the results."""

    def _chosen(self) -> list[str]:
        """The sessions that are meant."""
        ids = self.query_one(Results).chosen_sessions()
        if not ids:
            self.tell("Nothing is marked or highlighted.", is_error=False)
        return ids

    def _carry_out(self, what: str, change: Act, undo: Act) -> None:
        """Change something, tell it, and keep what undoes it."""
        self.start_work(self._change, what, change, undo, group="order")

    async def _change(self, what: str, change: Act, undo: Act) -> None:
        if not await self._try(change):
            return
        self.services.undo[:] = [*self.services.undo[-_MOST_UNDONE:], (what, undo)]
        self.tell(f"{what}; u undoes it", is_error=False)
        self.query_one(Results).unmark()

    async def _try(self, change: Act) -> bool:
        """Whether it was done; what is shown is asked for again."""
        try:
            await change()
            self._known = await self.services.index.names()
        except ReplyscopeError as error:
            self.tell(error)
            return False
        self.preview.expire()
        self.look_again()
        return True

    def action_undo(self) -> None:
        """Take the last change back, and then the one before."""
        self.start_work(self._take_back, group="order")

    async def _take_back(self) -> None:
        if not self.services.undo:
            self.tell("There is nothing to undo.", is_error=False)
            return
        what, undo = self.services.undo.pop()
        if await self._try(undo):
            left = len(self.services.undo)
            more = f"; {left} more" if left else ""
            self.tell(f"Undone: {what}{more}", is_error=False)

    def _relabel(self, what: str, ids: Sequence[str], change: Act) -> None:
        """Change pins, archiving or tags; undone, all of them are as they were."""
        if ids:
            self.start_work(self._put, what, ids, change, group="order")

    async def _put(self, what: str, ids: Sequence[str], change: Act) -> None:
        try:
            before = await self.services.labels.labels(ids)
        except ReplyscopeError as error:
            self.tell(error)
            return
        await self._change(
            f"{plural(len(before), 'session')} {what}",
            change,
            lambda: self.services.labels.put_labels(before),
        )

    def action_pin(self) -> None:
        """Pin, or no longer when all of them are pinned."""
        self.start_work(
            self._toggle, "pinned", self.review.pin, lambda one: one.pinned_at_ms, group="order"
        )

    def action_archive(self) -> None:
        """Archive, or bring back when all of them are archived."""
        self.start_work(
            self._toggle,
            "archived",
            self.review.archive,
            lambda one: one.archived_at_ms,
            group="order",
        )

    async def _toggle(
        self,
        what: str,
        change: Callable[..., Awaitable[None]],
        at_ms: Callable[[Labels], int | None],
    ) -> None:
        ids = self._chosen()
        try:
            before = await self.services.labels.labels(ids)
        except ReplyscopeError as error:
            self.tell(error)
            return
        if before:
            is_on = any(at_ms(one) is None for one in before)
            wanted = [one.session_id for one in before if (at_ms(one) is None) is is_on]
            await self._put(
                what if is_on else f"no longer {what}", wanted, lambda: change(wanted, is_on=is_on)
            )

    def action_delete(self) -> None:
        """Delete; `u` brings back. Deleted sessions are restored."""
        ids, review = self._chosen(), self.review
        if not ids:
            return
        if self._lists_deleted:
            what = f"{plural(len(ids), 'session')} restored"
            self._carry_out(what, lambda: review.restore(ids), lambda: review.delete(ids))
        else:
            what = f"{plural(len(ids), 'session')} deleted"
            self._carry_out(what, lambda: review.delete(ids), lambda: review.restore(ids))

    @property
    def _lists_deleted(self) -> bool:
        """Whether the query asks for deleted sessions."""
        return "is:deleted" in self.query_one("#query", Input).value.split()

    def action_tag(self) -> None:
        """Write tags: `name` adds, `-name` takes away, `old=new` calls one otherwise."""
        ids = self._chosen()
        if not ids:
            return

        def accept(text: str | None) -> None:
            words = [word.replace("#", "") for word in (text or "").replace(",", " ").split()]
            if len(words) == 1 and "=" in words[0]:
                self.start_work(self._merge, *words[0].split("=", 1), group="order")
            elif words:
                add = [word for word in words if not word.startswith("-")]
                remove = [word[1:] for word in words if word.startswith("-")]
                what = " ".join(["tagged", *(f"#{n}" for n in add), *(f"-#{n}" for n in remove)])
                self._relabel(what, ids, lambda: self.review.tag(ids, add, remove))

        known = ", ".join(self._known.get("tag", ())[:8])
        title = (
            f"Tags of {plural(len(ids), 'session')}: name adds, -name takes away, old=new merges"
        )
        dialog = LineDialog(printable_line(f"{title} ({known})" if known else title))
        self.app.push_screen(dialog, accept)

    async def _merge(self, old: str, new: str) -> None:
        try:
            ids = await self.services.labels.tagged(old)
        except ReplyscopeError as error:
            self.tell(error)
            return
        if not ids or not new:
            self.tell(f"No session has the tag {printable_line(old)}.", is_error=False)
            return
        change = lambda: self.review.rename_tag(old, new)  # noqa: E731
        await self._put(f"now tagged #{new} instead of #{old}", ids, change)

    def action_rename(self) -> None:
        """Give the highlighted session another title."""
        found = self.query_one(Results).current
        if found is None:
            return
        archive, session_id, before = self.services.archive, found.session_id, found.title

        def accept(title: str | None) -> None:
            if title:
                self._carry_out(
                    "1 session renamed",
                    lambda: archive.rename(session_id, title),
                    lambda: archive.rename(session_id, before),
                )

        self.app.push_screen(LineDialog("Title", found.title), accept)

    def action_purge(self) -> None:
        """Remove deleted sessions for good, once the person has typed how many."""
        if not self._lists_deleted:
            self.tell("Only deleted sessions can be removed for good: is:deleted lists them.")
            return
        ids = self._chosen()
        if not ids:
            return

        def accept(text: str | None) -> None:
            if text == str(len(ids)):
                self.start_work(self._purge, ids, group="order")
            elif text is not None:
                self.tell("Nothing was removed.", is_error=False)

        title = f"Remove {plural(len(ids), 'session')} for good? There is no undo. Type {len(ids)}"
        self.app.push_screen(LineDialog(title), accept)

    async def _purge(self, ids: Sequence[str]) -> None:
        try:
            purged = await self.review.purge(ids)
        except ReplyscopeError as error:
            self.tell(error)
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
        replies = plural(purged.exchanges, "reply")
        self.tell(
            f"{plural(purged.sessions, 'session')} with {replies} gone.{rest}", is_error=False
        )
        self.preview.expire()
        self.query_one(Results).unmark()
        self.look_again()

    def action_save_query(self) -> None:
        """Keep the query as a folder."""
        query = self.query_one("#query", Input).value.strip()
        if not query:
            self.tell("Write a query first: a folder keeps it.", is_error=False)
            return
        before = dict(self.services.settings.queries)

        def accept(name: str | None) -> None:
            if name:
                undo = lambda: self._keep_query(name, before.get(name))  # noqa: E731
                self._carry_out(
                    f"Kept as the folder {printable_line(name)}",
                    lambda: self._keep_query(name, query),
                    undo,
                )

        self.app.push_screen(LineDialog(f"Name of the folder for {printable_line(query)}"), accept)

    async def _keep_query(self, name: str, query: str | None) -> None:
        self.services.change_settings({("queries", name): query})

    @on(Folders.Removed)
    def _on_folder_removed(self, event: Folders.Removed) -> None:
        folder: Folder = event.folder
        if not folder.is_own:
            self.tell("Only folders of your own can be removed.", is_error=False)
            return
        self._carry_out(
            f"The folder {printable_line(folder.name)} is gone",
            lambda: self._keep_query(folder.name, None),
            lambda: self._keep_query(folder.name, folder.query),
        )

    def action_help(self) -> None:
        """Show the keys."""
        rows = [
            (self.app.get_key_display(binding), binding.description, binding.id)
            for binding in bindings_of(self)
            if binding.id is not None
        ]
        listed = [
            (self.app.get_key_display(binding), binding.description, binding.id)
            for binding in bindings_of(self.query_one(Results))
            if binding.id is not None
        ]
        rows += [("1 … 9", "Narrow by a facet, again: widen", "")]
        language = [(written, asks, "") for written, asks in LANGUAGE]
        sections = [("The query", language), ("Review", list(dict.fromkeys([*rows, *listed])))]
        self.app.push_screen(HelpScreen(sections))

    def action_compare(self) -> None:
        """Compare the marked replies, or the marked and the highlighted one."""
        hits = self.query_one(Results).marked_replies()
        if len(hits) < 2:
            hint = "Mark a reply with space, go to another, then c."
            self.reply_screens.compare_with_sibling(self.reading.reply(), hint)
            return
        self.start_work(self._compare, hits, group="compare", exclusive=True)

    async def _compare(self, hits: Sequence[Hit]) -> None:
        sides = []
        for hit in hits:
            try:
                stored = await self.services.sessions.load_session(hit.session_id)
            except ReplyscopeError as error:
                self.tell(error)
                return
            exchange = stored.exchanges.get(hit.exchange_id)
            if exchange is None or not exchange.choices:
                self.tell("There is nothing of this reply to compare.", is_error=False)
                return
            sides.append((exchange, exchange.choices[0].index))
        self.reply_screens.compare(sides)

    def action_export(self) -> None:
        """Hand the chosen sessions on."""
        ids = self._chosen()
        if ids:
            self.start_work(ask_export, self.app, self.services, ids, self.tell, group="export")

    def action_export_found(self) -> None:
        """Hand every session on that the query finds."""
        self.start_work(self._export_found, group="export")

    async def _export_found(self) -> None:
        try:
            search = self.review.read(self.query_one("#query", Input).value)
            found = await self.services.index.find_ids(search)
        except (QueryError, ReplyscopeError) as error:
            self.tell(str(error))
            return
        ids = list(dict.fromkeys(session_id for session_id, _ in found))
        if not ids:
            self.tell("The query finds nothing.", is_error=False)
            return
        await ask_export(self.app, self.services, ids, self.tell)

    def action_quit_app(self) -> None:
        """Leave."""
        self.start_work(self._quit, group="quit")

    async def _quit(self) -> None:
        await self.app.action_quit()
