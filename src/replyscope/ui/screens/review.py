"""Review saved sessions: a query, what it finds, and each reply in its conversation."""

import asyncio
from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.hit import Facets, Hit, Search, Sort
from replyscope.domain.printable import printable_line
from replyscope.domain.query import All, Either, Query, QueryError, Term
from replyscope.ui.query_completion import QuerySuggester
from replyscope.ui.screens.front import HORIZONTAL_BREAKPOINTS, VERTICAL_BREAKPOINTS
from replyscope.ui.screens.review_actions import ReviewActions
from replyscope.ui.transcript.transcript import Transcript
from replyscope.ui.widgets.folders import SHIPPED, Folder, Folders
from replyscope.ui.widgets.inspector import Inspector
from replyscope.ui.widgets.results import Results

_PAGE = 50
_SETTLE_S = 0.04
"""A query is asked for when no key came for so long."""


class ReviewScreen(ReviewActions):
    """Asks as one types. The last good result stays while a query can't be read."""

    HORIZONTAL_BREAKPOINTS = HORIZONTAL_BREAKPOINTS
    VERTICAL_BREAKPOINTS = VERTICAL_BREAKPOINTS
    CSS_PATH: ClassVar[list[str]] = [  # type: ignore[assignment]
        "../styles/transcript.tcss",
        "../styles/inspector.tcss",
        "../styles/dialogs.tcss",
        "../styles/review.tcss",
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="review.back"),
        Binding("f1", "help", "Help", id="app.help", priority=True),
        Binding("f3", "leave", "Back to the chat", id="review.leave", priority=True),
        Binding("f4", "toggle_inspector", "Inspector", id="review.inspector", priority=True),
        Binding("f5", "toggle_folders", "Folders", id="review.folders", priority=True),
        Binding("f6", "focus_next", "Next pane", id="app.next-pane", priority=True),
        Binding("f7", "show_wire", "Wire", id="review.wire", priority=True),
        Binding("ctrl+f", "focus_query", "Query", id="review.query", priority=True),
        Binding("slash", "focus_query", "Query", show=False),
        Binding("o", "open_here", "Open in the chat", id="review.open"),
        Binding("v", "toggle_sessions", "Replies or sessions", id="review.sessions"),
        Binding("s", "next_sort", "Another order", id="review.sort"),
        Binding("S,shift+s", "save_query", "Keep this query as a folder", id="review.save"),
        Binding("t", "tag", "Tags", id="review.tag"),
        Binding("p", "pin", "Pin", id="review.pin"),
        Binding("a", "archive", "Archive", id="review.archive"),
        Binding("d,delete", "delete", "Delete", id="review.delete"),
        Binding("u", "undo", "Undo", id="review.undo"),
        Binding("R,shift+r", "rename", "Rename", id="review.rename"),
        Binding("X,shift+x", "purge", "Remove for good", id="review.purge"),
        Binding("e", "export", "Export", id="review.export"),
        Binding("c", "compare", "Compare two", id="review.compare"),
        Binding("P,shift+p", "replay", "Replay", id="review.replay"),
        *(Binding(str(n), f"narrow({n})", show=False) for n in range(1, 10)),
        Binding("ctrl+q", "quit_app", "Quit", id="app.quit", priority=True),
    ]

    def compose(self) -> ComposeResult:
        with Horizontal(id="review"):
            yield Folders(id="folders")
            with Vertical(id="found"):
                yield Input(
                    placeholder="words, or finish:length model:gpt-6* tokens:>4000",
                    suggester=QuerySuggester(self._known_values),
                    id="query",
                    compact=True,
                )
                yield Static(id="query-note")
                yield Results(id="results")
                yield Static(id="review-status")
            with Vertical(id="preview"):
                yield Transcript(id="preview-transcript")
                yield Inspector(id="preview-inspector")

    def on_mount(self) -> None:
        field = self.query_one("#query", Input)
        with self.prevent(Input.Changed):
            field.value = self.first_query
        field.focus()
        self._draw_folders(None)
        self.start(self._begin, group="index")

    async def _begin(self) -> None:
        self.look_again()
        try:
            await self.review.take_in(self._on_progress)
            self._tags = [name for name, _ in await self.review.tags()]
        except ReplyscopeError as error:
            self.tell(error)
        self.look_again()

    def _on_progress(self, left: int) -> None:
        self._left = left
        self.draw_status()

    @on(Input.Changed, "#query")
    def _on_typed(self) -> None:
        self.look_again()

    @on(Input.Submitted, "#query")
    def _on_submitted(self) -> None:
        self.query_one(Results).focus()

    def look_again(self) -> None:
        """Ask for what the query says now; an answer that is on its way is not wanted."""
        self.review.interrupt()
        self.start(self._look, group="search", exclusive=True)

    def _search(self, *, offset: int = 0) -> Search:
        text = self.query_one("#query", Input).value
        return self.review.read(text, self.sort, _PAGE, offset)

    async def _look(self) -> None:
        await asyncio.sleep(_SETTLE_S)
        try:
            search = self._search()
        except QueryError as error:
            self._show_fault(error)
            return
        self.query_one("#query-note").display = False
        self._needle = first_word(search.query)
        try:
            if self.shows_sessions:
                self.query_one(Results).show_found(await self.review.find_sessions(search))
            else:
                self.query_one(Results).show_found(await self.review.find(search))
            self._draw_folders(await self.review.facets(search))
        except ReplyscopeError as error:
            if "interrupted" not in str(error):
                self.tell(error)

    def _show_fault(self, error: QueryError) -> None:
        text = self.query_one("#query", Input).value
        note = self.query_one("#query-note", Static)
        note.display = True
        marked = Content.assemble(
            printable_line(text[: error.at]),
            (printable_line(text[error.at :]) or "▸", "$text-error underline"),
            (f"\n{error}", "$text-error"),
        )
        note.update(marked)

    @on(Results.EndReached)
    def _on_end(self) -> None:
        self.start(self._more, group="more", exclusive=True)

    async def _more(self) -> None:
        results = self.query_one(Results)
        if len(results.found) < _PAGE or len(results.found) % _PAGE:
            return
        try:
            search = self._search(offset=len(results.found))
            if self.shows_sessions:
                results.show_more(await self.review.find_sessions(search))
            else:
                results.show_more(await self.review.find(search))
        except (ReplyscopeError, QueryError):
            return  # the query changed meanwhile

    def _draw_folders(self, facets: Facets | None) -> None:
        if facets is not None:
            self._facets = facets
        own = [Folder(name, query) for name, query in self.services.settings.queries]
        self.query_one(Folders).show((*SHIPPED, *own), self._facets)
        self.draw_status()

    def draw_status(self) -> None:
        """Draw the line under the results."""
        facets, marked = self._facets, len(self.query_one(Results).marked)
        pieces = []
        if facets is not None:
            pieces.append(f"{facets.total:,} replies in {facets.sessions:,} sessions")
        pieces.append(f"by {self.sort.value}")
        if marked:
            pieces.append(f"{marked} marked")
        if self._left:
            pieces.append(f"indexing, {self._left:,} left")
        self.query_one("#review-status", Static).update(Content(" · ".join(pieces)))

    def _known_values(self, field: str) -> Iterable[str]:
        """The values of a field that the archive has, as far as they are known here."""
        if field == "tag":
            return self._tags
        by_field = dict(self._facets.by_field) if self._facets is not None else {}
        return [value for value, _ in by_field.get(field, ())]

    @on(Folders.Opened)
    def _on_folder(self, event: Folders.Opened) -> None:
        self.sort = event.folder.sort
        self.set_query(event.folder.query)

    @on(Folders.Narrowed)
    def _on_narrowed(self, event: Folders.Narrowed) -> None:
        self.narrow_by(event.term)

    def action_narrow(self, number: int) -> None:
        """Narrow by the facet of that number."""
        terms = self.query_one(Folders).terms
        if number <= len(terms):
            self.narrow_by(terms[number - 1])

    def narrow_by(self, term: str) -> None:
        """Add a term to the query, or take it out when it is there."""
        text = self.query_one("#query", Input).value
        terms = text.split()
        without = [word for word in terms if word != term]
        self.set_query(" ".join(without if len(without) < len(terms) else [*terms, term]))

    def set_query(self, text: str) -> None:
        """Ask another query."""
        field = self.query_one("#query", Input)
        if field.value == text:
            self.look_again()
        field.value = text
        self.query_one(Results).focus()

    def action_next_sort(self) -> None:
        """Order by something else."""
        orders = list(Sort)
        self.sort = orders[(orders.index(self.sort) + 1) % len(orders)]
        self.look_again()

    def action_toggle_sessions(self) -> None:
        """Show the sessions of what was found, or the replies."""
        self.shows_sessions = not self.shows_sessions
        self.query_one(Results).unmark()
        self.look_again()

    def action_focus_query(self) -> None:
        """Write the query."""
        self.query_one("#query", Input).focus()

    def action_toggle_folders(self) -> None:
        """Show or hide folders and facets."""
        folders = self.query_one(Folders)
        folders.display = not folders.display

    def action_back(self) -> None:
        """From a pane to the results, from there to the query, and then out."""
        results = self.query_one(Results)
        if results.marked:
            results.unmark()
            self.draw_status()
        elif isinstance(self.focused, Results):
            self.action_leave()
        else:
            results.focus()

    def action_leave(self) -> None:
        """Back to the chat."""
        self.dismiss(None)

    @on(Results.Wanted)
    def _on_wanted(self) -> None:
        self.action_open_here()

    def action_open_here(self) -> None:
        """Open what is highlighted in the chat."""
        found = self.query_one(Results).current
        if found is not None:
            message_id = found.message_id if isinstance(found, Hit) else None
            self.dismiss((found.session_id, message_id))


def first_word(query: Query) -> str:
    """The first word that is looked for, to be marked in the reply."""
    match query:
        case Term(field=None | "text", value=value):
            return value.rstrip("*")
        case All(queries=inner) | Either(queries=inner):
            return next((word for one in inner if (word := first_word(one))), "")
    return ""
