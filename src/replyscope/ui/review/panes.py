"""What the parts of the review screen share: its services, and the reply that is shown."""

from collections.abc import Mapping

from textual import on
from textual.message import Message

from replyscope.domain.search import Facets, Sort
from replyscope.ui.reading.inspector import Inspector
from replyscope.ui.reading.pane import ReadingPane
from replyscope.ui.reading.reply_screens import ReplyScreens
from replyscope.ui.reading.source import StoredSource
from replyscope.ui.reading.timeline_view import TimelineView
from replyscope.ui.reading.wire_view import WireView
from replyscope.ui.review.preview import SessionPreview
from replyscope.ui.review.results import Results
from replyscope.ui.services import Services
from replyscope.ui.terminal.compositor import TightCompositor
from replyscope.ui.textual_internals import use_compositor
from replyscope.ui.transcript.transcript import Transcript
from replyscope.ui.working_screen import WorkingScreen

Opened = tuple[str, str | None]
"""A session, and the message in it that is to be shown."""


class ReviewBase(WorkingScreen[Opened | None]):
    """Shows the highlighted reply in its conversation, and what it is made of."""

    least_error_s = 3.0

    def __init__(self, services: Services, query: str = "") -> None:
        super().__init__()
        use_compositor(self, TightCompositor())
        self.first_query = query
        self.services = services
        self.review = services.review
        self.sort = Sort.RANK
        self.shows_sessions = False
        self._facets: Facets | None = None
        self._known: Mapping[str, tuple[str, ...]] = {}
        self._left = 0
        source = StoredSource(services)
        self.reading = ReadingPane(self, services, source)
        self.reply_screens = ReplyScreens(self, services, source)
        self.preview = SessionPreview(self, services, source, self.reading)
        self.action_toggle_inspector = self.reading.toggle

    @on(Results.Pointed)
    def _on_pointed(self, event: Results.Pointed) -> None:
        self.preview.show(event.found)

    @on(Transcript.CursorMoved)
    @on(Inspector.TabOpened)
    @on(TimelineView.MomentChosen)
    @on(WireView.FrameOpened)
    def _route_reading(self, event: Message) -> None:
        self.reading.routes[type(event)](event)

    def action_replay(self) -> None:
        """Play the reply under the cursor again."""
        reply = self.reading.reply()
        if reply is not None:
            self.reply_screens.replay(reply)

    def action_show_wire(self) -> None:
        """Show what went over the wire."""
        self.reading.open_tab("wire")

    def action_show_time(self) -> None:
        """Show when the reply under the cursor was doing what."""
        self.reading.open_tab("time")

    def on_resize(self) -> None:
        self.call_after_refresh(self.reading.draw)
