"""Review saved sessions: a query, what it finds, and each reply in its conversation."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from replyscope.domain.search import Sort
from replyscope.ui.reading.inspector import Inspector
from replyscope.ui.review.folders import Folders
from replyscope.ui.review.query_field import QueryField
from replyscope.ui.review.results import Results
from replyscope.ui.review.searching import ReviewSearch
from replyscope.ui.styles.breakpoints import HORIZONTAL_BREAKPOINTS, VERTICAL_BREAKPOINTS
from replyscope.ui.transcript.preview import Preview


class ReviewScreen(ReviewSearch):
    """The panes and the keys."""

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
        Binding("L,shift+l", "show_time", "Timeline of the reply", id="review.timeline"),
        Binding("ctrl+f", "focus_query", "Query", id="review.query", priority=True),
        Binding("slash", "focus_query", "Query", show=False),
        Binding("o", "open_here", "Open in the chat", id="review.open"),
        Binding("v", "toggle_sessions", "Replies or sessions", id="review.sessions"),
        Binding("s", "next_sort", "Another order", id="review.sort"),
        Binding("S,shift+s", "save_query", "Keep this query as a folder", id="review.save"),
        Binding("t", "tag", "Tags", id="review.tag"),
        Binding("p", "pin", "Pin", id="review.pin"),
        Binding("a", "archive", "Archive", id="review.archive"),
        Binding("d,delete", "delete", "Delete, or restore", id="review.delete"),
        Binding("u", "undo", "Undo", id="review.undo"),
        Binding("R,shift+r", "rename", "Rename", id="review.rename"),
        Binding("X,shift+x", "purge", "Remove for good", id="review.purge"),
        Binding("e", "export", "Export", id="review.export"),
        Binding("E,shift+e", "export_found", "Export all found", id="review.export-found"),
        Binding("c", "compare", "Compare two", id="review.compare"),
        Binding("P,shift+p", "replay", "Replay", id="review.replay"),
        *(Binding(str(n), f"narrow({n})", show=False) for n in range(1, 10)),
        Binding("ctrl+q", "quit_app", "Quit", id="app.quit", priority=True),
    ]

    def compose(self) -> ComposeResult:
        with Horizontal(id="review"):
            yield Folders(id="folders")
            with Vertical(id="found"):
                placeholder = "words, finish:length …  F1 explains"
                yield QueryField(self.known_values, placeholder=placeholder, id="query")
                yield Static(id="query-note")
                yield Results(self.services.clock, id="results")
                yield Static(id="review-status")
            with Vertical(id="preview"):
                yield Preview(id="preview-transcript")
                yield Inspector(id="preview-inspector", can_act=False)

    def on_mount(self) -> None:
        with self.prevent(Input.Changed):
            self.field.value = self.first_query
        self.set_focus(self.field)
        self._draw_folders(None)
        self.start_work(self.begin, group="index")

    @on(Input.Submitted, "#query")
    def _on_submitted(self) -> None:
        self.set_focus(self.query_one(Results))

    @on(QueryField.Walked)
    def _on_walked(self, event: QueryField.Walked) -> None:
        results = self.query_one(Results)
        if event.how == "page":
            results.action_page(event.step)
        else:
            results.action_move(event.step)

    def action_narrow(self, number: int) -> None:
        """Narrow by the facet of that number."""
        terms = self.query_one(Folders).terms
        if number <= len(terms):
            self.narrow_by(terms[number - 1])

    def action_next_sort(self) -> None:
        """Order by something else."""
        orders = list(Sort)
        self.sort = orders[(orders.index(self.sort) + 1) % len(orders)]
        self.look_anew()

    def action_toggle_sessions(self) -> None:
        """Show the sessions of what was found, or the replies."""
        self.shows_sessions = not self.shows_sessions
        self.query_one(Results).unmark()
        self.look_anew()

    def action_focus_query(self) -> None:
        """Write the query."""
        self.set_focus(self.field)

    def action_toggle_folders(self) -> None:
        """Show or hide folders and facets."""
        folders = self.query_one(Folders)
        folders.display = not folders.display

    def action_back(self) -> None:
        """From a pane to the results, from there out; marks are taken away first."""
        results = self.query_one(Results)
        if not isinstance(self.focused, Results):
            self.set_focus(results)
        elif results.marked:
            results.unmark()
        else:
            self.action_leave()

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
            self.dismiss((found.session_id, found.message_id))
