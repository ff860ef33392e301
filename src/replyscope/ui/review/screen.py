"""The review screen: its widgets, its keys, and the routes of messages to the groups."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import DescendantFocus
from textual.message import Message
from textual.widgets import Input, Static

from replyscope.domain.printable import printable_line
from replyscope.ui.keys.footer import KeyFooter
from replyscope.ui.reading.inspector import Inspector
from replyscope.ui.reading.timeline_view import TimelineView
from replyscope.ui.reading.wire_view import WireView
from replyscope.ui.review.commands import CHANGES, REVIEW_COMMANDS, REVIEW_KEYS
from replyscope.ui.review.folders import Folders
from replyscope.ui.review.groups import ReviewGroups, compose_review
from replyscope.ui.review.keyboard import ReviewKeys
from replyscope.ui.review.query_field import QueryField
from replyscope.ui.review.results import Results
from replyscope.ui.review.results_head import ResultsHead
from replyscope.ui.review.searching import SearchWidgets
from replyscope.ui.services import Services
from replyscope.ui.styles.breakpoints import HORIZONTAL_BREAKPOINTS, VERTICAL_BREAKPOINTS
from replyscope.ui.transcript.messages import CursorMoved
from replyscope.ui.transcript.preview import Preview
from replyscope.ui.working_screen import WorkingScreen

Opened = tuple[str, str | None]
"""A session, and the message of it that is shown."""
_READ_ONLY = (
    "Sessions on the hub can't be changed from here. Change the session on a machine that has it; "
    "its next sync sends the change."
)


class ReviewScreen(WorkingScreen[Opened | None]):
    """Composes the widgets and the groups. Returns what to open in the chat."""

    least_error_s = 3.0
    HORIZONTAL_BREAKPOINTS = HORIZONTAL_BREAKPOINTS
    VERTICAL_BREAKPOINTS = VERTICAL_BREAKPOINTS
    CSS_PATH: ClassVar[list[str]] = [  # type: ignore[assignment]
        "../styles/transcript.tcss",
        "../styles/inspector.tcss",
        "../styles/review.tcss",
    ]
    BINDINGS: ClassVar[list[BindingType]] = REVIEW_KEYS

    def __init__(
        self, services: Services, is_running: Callable[[str], bool], query: str = ""
    ) -> None:
        super().__init__()
        self._first_query = query
        self._place = f"the hub {printable_line(services.hub_name)}" if services.hub_name else ""
        self._commands = {command.name: command for command in REVIEW_COMMANDS}
        self._widgets = SearchWidgets(
            field=QueryField(
                lambda field: self.groups.search.known_values(field),
                placeholder="words, finish:length …  F1 help",
                id="query",
            ),
            note=Static(id="query-note"),
            folders=Folders(id="folders"),
            results=Results(services.clock, id="results"),
            head=ResultsHead(id="results-head"),
        )
        self._refused = CHANGES if services.hub_name else frozenset()
        self.groups = compose_review(self, services, self._widgets, self._refused, is_running)
        self.key_guide = ReviewKeys(
            self, self._widgets.results, services.undo, self.groups.pictures, self._refused
        )
        self._routes = _routes(self.groups, self._show_title, self.refresh_bindings)

    def compose(self) -> ComposeResult:
        widgets = self._widgets
        with Horizontal(id="review"):
            yield widgets.folders
            with Vertical(id="found"):
                yield widgets.field
                yield widgets.note
                yield widgets.head
                yield widgets.results
            with Vertical(id="preview"):
                with Vertical(id="preview-conversation"):
                    yield Preview(id="preview-transcript")
                yield Inspector(id="preview-inspector", can_act=False)
        yield KeyFooter()

    def on_mount(self) -> None:
        titles = {"#folders": "Folders", "#found": "Results", "#preview-inspector": "Inspector"}
        if self._place:
            titles["#found"] = f"Results on {self._place}"
        for pane, title in titles.items():
            self.query_one(pane).border_title = title
        with self.prevent(Input.Changed):
            self._widgets.field.value = self._first_query
        self.set_focus(self._widgets.field)
        self.groups.search.draw_folders(None)
        self.start_work(self.groups.search.begin, group="index")

    def on_resize(self) -> None:
        self.call_after_refresh(self.groups.reading.draw)
        self.call_after_refresh(self.groups.search.draw_status)

    def _show_title(self, title: str) -> None:
        """Show the title of the session in the border of its preview."""
        self.query_one("#preview-conversation").border_title = Content(printable_line(title))

    def action_run(self, name: str) -> None:
        """Run a command of the table, unless the sessions can't be changed here."""
        command = self._commands[name]
        if command.id in self._refused:
            self.tell(_READ_ONLY, is_error=False)
        else:
            command.run(self.groups)

    @on(DescendantFocus)
    @on(Input.Changed, "#query")
    @on(Input.Submitted, "#query")
    @on(QueryField.Walked)
    @on(Results.Pointed)
    @on(Results.MarksChanged)
    @on(Results.Missing)
    @on(Results.Wanted)
    @on(Folders.Opened)
    @on(Folders.Narrowed)
    @on(Folders.Removed)
    @on(Preview.PictureWanted)
    @on(CursorMoved)
    @on(Inspector.TabOpened)
    @on(TimelineView.MomentChosen)
    @on(WireView.FrameOpened)
    def _route(self, message: Message) -> None:
        self._routes[type(message)](message)


def _routes(
    groups: ReviewGroups, show_title: Callable[[str], None], draw_keys: Callable[[], None]
) -> Mapping[type[Message], Callable[[Any], object]]:
    """The function that handles each message of the widgets."""

    def show_highlighted(message: Results.Pointed) -> None:
        groups.preview.show(message.found)
        show_title(message.found.title if message.found is not None else "")
        groups.search.draw_status()

    def follow_cursor(_: CursorMoved) -> None:
        groups.reading.follow_cursor()
        draw_keys()

    def open_picture() -> None:
        if groups.pictures.has_pictures:
            groups.pictures.open()
        else:  # then the key means what it means elsewhere
            groups.layout.open_highlighted()

    search, layout = groups.search, groups.layout
    return {
        DescendantFocus: lambda _: search.draw_status(),  # the chips name the keys that work now
        Input.Changed: lambda _: search.follow_typing(),
        Input.Submitted: lambda _: layout.focus_results(),
        QueryField.Walked: lambda message: layout.walk_results(message.step, message.how),
        Results.Pointed: show_highlighted,
        Results.MarksChanged: lambda _: search.draw_status(),
        Results.Missing: lambda _: search.load_missing(),
        Results.Wanted: lambda _: layout.open_highlighted(),
        Preview.PictureWanted: lambda _: open_picture(),
        Folders.Opened: lambda message: search.open_folder(message.folder),
        Folders.Narrowed: lambda message: search.narrow_by(message.term),
        Folders.Removed: lambda message: groups.saved_queries.remove(message.folder),
        **groups.reading.routes,
        CursorMoved: follow_cursor,
    }
