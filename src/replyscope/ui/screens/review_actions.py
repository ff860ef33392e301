"""What can be done with the sessions that were found, one or many."""

from collections.abc import Awaitable, Callable, Sequence

from textual.widgets import Input

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.hit import Hit, SessionHit
from replyscope.domain.printable import printable_line
from replyscope.ui.screens.compare import CompareScreen
from replyscope.ui.screens.dialogs import LineDialog
from replyscope.ui.screens.exporting import ask_export
from replyscope.ui.screens.help import HelpScreen
from replyscope.ui.screens.review_base import ReviewBase
from replyscope.ui.widgets.results import Results


class ReviewActions(ReviewBase):
    """Each acts on what is marked, or else on what is highlighted."""

    _undo: tuple[str, Callable[[], Awaitable[None]]] | None = None

    def look_again(self) -> None:
        """Ask for what the query says now."""

    def draw_status(self) -> None:
        """Draw the line under the results."""

    def _chosen(self) -> list[str]:
        """The sessions that are meant."""
        found = self.query_one(Results).chosen()
        ids = list(dict.fromkeys(one.session_id for one in found))
        if not ids:
            self.tell("Nothing is marked or highlighted.", is_error=False)
        return ids

    def _change(
        self,
        what: str,
        ids: Sequence[str],
        change: Callable[[], Awaitable[None]],
        undo: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        if ids:
            self.start(self._carry_out, what, len(ids), change, undo, group="order")

    async def _carry_out(
        self,
        what: str,
        number: int,
        change: Callable[[], Awaitable[None]],
        undo: Callable[[], Awaitable[None]] | None,
    ) -> None:
        try:
            await change()
            self._tags = [name for name, _ in await self.review.tags()]
        except ReplyscopeError as error:
            self.tell(error)
            return
        self._undo = (what, undo) if undo is not None else None
        sessions = "1 session" if number == 1 else f"{number:,} sessions"
        hint = "; u undoes it" if undo is not None else ""
        self.tell(f"{sessions} {what}{hint}", is_error=False)
        self._stored = None
        self.query_one(Results).unmark()
        self.look_again()

    def action_undo(self) -> None:
        """Take the last change back."""
        if self._undo is None:
            self.tell("There is nothing to undo.", is_error=False)
            return
        what, undo = self._undo
        self._undo = None
        self.start(self._carry_out, f"no longer {what}", 1, undo, None, group="order")

    def action_pin(self) -> None:
        """Pin, or no longer when all of them are pinned."""
        self._toggle("pinned", self.review.pin, lambda one: one.is_pinned)

    def action_archive(self) -> None:
        """Archive, or bring back when all of them are archived."""
        self._toggle("archived", self.review.archive, lambda one: one.is_archived)

    def _toggle(
        self,
        what: str,
        change: Callable[..., Awaitable[None]],
        has_it: Callable[[SessionHit], bool],
    ) -> None:
        ids = self._chosen()
        rows = [r for r in self.query_one(Results).chosen() if isinstance(r, SessionHit)]
        query = self.query_one("#query", Input).value
        is_on = not (all(map(has_it, rows)) if rows else f"is:{what}" in query)
        word = what if is_on else f"no longer {what}"
        self._change(
            word, ids, lambda: change(ids, is_on=is_on), lambda: change(ids, is_on=not is_on)
        )

    def action_delete(self) -> None:
        """Delete; `u` brings back. Deleted sessions are restored."""
        ids = self._chosen()
        review = self.review
        if "is:deleted" in self.query_one("#query", Input).value:
            self._change("restored", ids, lambda: review.restore(ids), lambda: review.delete(ids))
        else:
            self._change("deleted", ids, lambda: review.delete(ids), lambda: review.restore(ids))

    def action_tag(self) -> None:
        """Write tags: `name` adds, `-name` takes away, `old=new` calls one otherwise."""
        ids = self._chosen()
        if not ids:
            return

        def accept(text: str | None) -> None:
            words = (text or "").replace(",", " ").split()
            if len(words) == 1 and "=" in words[0]:
                old, _, new = words[0].replace("#", "").partition("=")
                self._change("retagged", ids, lambda: self.review.rename_tag(old, new))
                return
            add = [word.lstrip("#") for word in words if not word.startswith("-")]
            remove = [word.lstrip("-#") for word in words if word.startswith("-")]
            if words:
                self._change(
                    "tagged",
                    ids,
                    lambda: self.review.tag(ids, add, remove),
                    lambda: self.review.tag(ids, remove, add),
                )

        known = f" ({', '.join(self._tags[:8])})" if self._tags else ""
        title = printable_line(f"Tags: name adds, -name takes away, old=new merges{known}")
        self.app.push_screen(LineDialog(title), accept)

    def action_rename(self) -> None:
        """Give the highlighted session another title."""
        found = self.query_one(Results).current
        if found is None:
            return
        archive = self.services.archive

        def accept(title: str | None) -> None:
            if title:
                ids = [found.session_id]
                self._change(
                    "renamed",
                    ids,
                    lambda: archive.rename(ids[0], title),
                    lambda: archive.rename(ids[0], found.title),
                )

        self.app.push_screen(LineDialog("Title", found.title), accept)

    def action_purge(self) -> None:
        """Remove deleted sessions for good, once the person has typed how many."""
        if "is:deleted" not in self.query_one("#query", Input).value:
            self.tell("Only deleted sessions can be removed for good: is:deleted lists them.")
            return
        ids = self._chosen()
        if not ids:
            return

        def accept(text: str | None) -> None:
            if text == str(len(ids)):
                self.start(self._purge, ids, group="order")
            elif text is not None:
                self.tell("Nothing was removed.", is_error=False)

        title = f"Remove {len(ids):,} sessions for good? There is no undo. Type {len(ids)}"
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
        self.tell(
            f"{purged.sessions:,} sessions with {purged.exchanges:,} replies are gone.{rest}",
            is_error=False,
        )
        self._stored = None
        self.query_one(Results).unmark()
        self.look_again()

    def action_save_query(self) -> None:
        """Keep the query as a folder."""
        query = self.query_one("#query", Input).value.strip()

        def accept(name: str | None) -> None:
            if not name:
                return
            try:
                self.services.change_settings({("queries", name): query or None})
            except ReplyscopeError as error:
                self.tell(error)
                return
            self.look_again()

        self.app.push_screen(LineDialog("Name of the folder"), accept)

    def action_help(self) -> None:
        """Show the keys."""
        rows = [
            (self.app.get_key_display(binding), binding.description, binding.id)
            for _, binding in self._bindings
            if binding.id is not None
        ]
        self.app.push_screen(HelpScreen([("Review", list(dict.fromkeys(rows)))]))

    def action_compare(self) -> None:
        """Compare two marked replies, or the marked and the highlighted one."""
        results = self.query_one(Results)
        rows = [*results.marked.values(), *([results.current] if results.current else [])]
        hits = {one.exchange_id: one for one in rows if isinstance(one, Hit)}
        if len(hits) < 2:
            self.tell("Mark a reply with space, go to another, then c.", is_error=False)
            return
        self.start(self._compare, list(hits.values())[:2], group="compare", exclusive=True)

    async def _compare(self, hits: Sequence[Hit]) -> None:
        sides = []
        for hit in hits:
            try:
                stored = await self.services.archive.store.load_session(hit.session_id)
            except ReplyscopeError as error:
                self.tell(error)
                return
            exchange = next((e for e in stored.exchanges if e.id == hit.exchange_id), None)
            if exchange is None or not exchange.choices:
                self.tell("There is nothing of this reply to compare.", is_error=False)
                return
            sides.append((exchange, exchange.choices[0].index))
        self.app.push_screen(CompareScreen(sides[0], sides[1]))

    def action_export(self) -> None:
        """Hand the chosen sessions on."""
        ids = self._chosen()
        if ids:
            self.start(ask_export, self.app, self.services, ids, self.tell, group="export")

    def action_quit_app(self) -> None:
        """Leave."""
        self.start(self._quit, group="quit")

    async def _quit(self) -> None:
        await self.app.action_quit()
