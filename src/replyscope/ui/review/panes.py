"""What the parts of the review screen share: its services, and the reply that is shown."""

import asyncio
from collections.abc import Mapping
from re import Pattern

from textual import on

from replyscope.domain.errors import ReplyscopeError, SessionNotFound
from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Message, Role
from replyscope.domain.search import Facets, Sort
from replyscope.domain.session import StoredSession
from replyscope.engine.branch import read_in
from replyscope.engine.tool_calls import exchanges_with_results, results_under
from replyscope.engine.tree import MessageTree
from replyscope.ui.reading.entries import shown
from replyscope.ui.reading.frame_screen import FrameScreen
from replyscope.ui.reading.inspector import Inspector
from replyscope.ui.reading.recording import load_recording, load_timelines
from replyscope.ui.reading.replay_screen import ReplayScreen
from replyscope.ui.reading.timeline_view import TimelineView
from replyscope.ui.reading.wire_view import WireView
from replyscope.ui.review.results import Results
from replyscope.ui.services import Services
from replyscope.ui.terminal.compositor import TightCompositor
from replyscope.ui.textual_internals import use_compositor
from replyscope.ui.transcript.content import EntryContent, reply_content, user_content
from replyscope.ui.transcript.preview import Preview
from replyscope.ui.transcript.transcript import Transcript
from replyscope.ui.working_screen import WorkingScreen

Opened = tuple[str, str | None]
"""A session, and the message in it that is to be shown."""
_SETTLE_S = 0.06


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
        self._pattern: Pattern[str] | None = None
        self._moment_ms: float | None = None
        self._drawn: object = None
        self._stored: StoredSession | None = None
        self._read: StoredSession | None = None
        """What the preview shows."""
        self._tree = MessageTree((), None)
        self._exchanges: Mapping[str, Exchange] = {}

    @on(Results.Pointed)
    def _on_pointed(self, event: Results.Pointed) -> None:
        self.start_work(self._preview, event.found, group="preview", exclusive=True)

    async def _preview(self, found: object) -> None:
        await asyncio.sleep(_SETTLE_S)
        transcript = self.query_one(Transcript)
        session_id = getattr(found, "session_id", None)
        if session_id is None:
            self._stored = None
            transcript.show_nothing()
            self._drawn = None
            self.query_one(Inspector).show_nothing()
            return
        try:
            await self._load(session_id)
        except SessionNotFound:
            self.tell("This session was removed in another window.")
            self._stored = None
            transcript.show_nothing()
            return
        except ReplyscopeError as error:
            self.tell(error)
            return
        self._show_branch(getattr(found, "message_id", None))

    async def _load(self, session_id: str) -> None:
        if self._stored is not None and self._stored.session.id == session_id:
            return
        stored = await self.services.sessions.load_session(session_id)
        self._stored = stored
        self._tree = MessageTree(stored.messages, stored.session.head_id)
        self._exchanges = exchanges_with_results(stored.exchanges, self._tree)

    def _show_branch(self, message_id: str | None) -> None:
        """The branch that a message is on, the message under the cursor."""
        tree, transcript = self._tree, self.query_one(Preview)
        if message_id is not None and all(m.id != message_id for m in tree.branch):
            tree.go_to(tree.tip_under(message_id))
        ids = [message.id for message in shown(tree.branch)]
        number = ids.index(message_id) if message_id in ids else len(ids) - 1
        transcript.pattern = self._pattern
        if transcript.keys != ids or not _reads_alike(self._read, self._stored):
            transcript.show_entries(ids, self._content_of)
        self._read = self._stored
        transcript.point_at_match(number)

    def _content_of(self, message_id: str) -> EntryContent:
        message = self._tree[message_id]
        if message.role is Role.ASSISTANT:
            return reply_content(message, self._exchanges, can_act=False)
        return user_content(read_in(message, {}))

    def shown_reply(self) -> tuple[Message, Exchange, int] | None:
        """The reply under the cursor: its message, newest exchange and choice."""
        key = self.query_one(Transcript).cursor_key
        branch = self._tree.branch
        message = next((m for m in branch if m.id == key), None)
        if message is not None and message.role is Role.USER:
            following = branch[branch.index(message) + 1 :]
            message = next((m for m in following if m.role is Role.ASSISTANT), None)
        if message is None or not message.sources:
            return None
        source = message.sources[-1]
        exchange = self._exchanges.get(source.exchange_id)
        return (message, exchange, source.choice_index) if exchange is not None else None

    @on(Transcript.CursorMoved)
    @on(Inspector.TabOpened)
    def draw_inspector(self) -> None:
        """Draw what the reply under the cursor is made of."""
        inspector = self.query_one(Inspector)
        if not inspector.display:
            return
        shown = self.shown_reply()
        if shown is None:
            self._drawn = None
            inspector.show_nothing()
            return
        message, exchange, choice = shown
        drawn = (inspector.tab, inspector.size, exchange, choice)
        if drawn == self._drawn and inspector.tab != "tools":
            return
        self._drawn = drawn
        if inspector.tab == "wire":
            self.start_work(self._draw_wire, exchange, group="wire", exclusive=True)
        elif inspector.tab == "time":
            self.start_work(self._draw_time, message, exchange, group="time", exclusive=True)
        else:
            inspector.show_exchange(exchange, choice, results_under(message, self._tree))

    async def _draw_time(self, message: Message, exchange: Exchange) -> None:
        results = results_under(message, self._tree)
        try:
            async for timeline in load_timelines(self.services, exchange, results):
                self.query_one(Inspector).show_timeline(exchange, timeline)
        except ReplyscopeError as error:
            self.tell(error)

    @on(TimelineView.MomentChosen)
    def _show_moment(self, event: TimelineView.MomentChosen) -> None:
        self._moment_ms = event.at_ms
        self.query_one(Inspector).action_open_tab("wire")

    async def _draw_wire(self, exchange: Exchange) -> None:
        try:
            record = await self.services.archive.load_wire(exchange.id)
        except ReplyscopeError as error:
            self.tell(error)
            return
        inspector = self.query_one(Inspector)
        inspector.show_record(exchange, record)
        if self._moment_ms is not None:
            inspector.show_moment(self._moment_ms)
            self._moment_ms = None

    def action_replay(self) -> None:
        """Play the reply under the cursor again."""
        shown = self.shown_reply()
        if shown is not None:
            self.start_work(self._replay, shown[0], shown[1], group="replay", exclusive=True)

    async def _replay(self, message: Message, exchange: Exchange) -> None:
        try:
            found = await load_recording(self.services, exchange)
        except ReplyscopeError as error:
            self.tell(error)
            return
        if isinstance(found, str):
            self.tell(found, is_error=False)
            return
        branch = shown(self._tree.branch)
        before = [m.id for m in branch[: branch.index(message)]], self._content_of
        self.app.push_screen(
            ReplayScreen(*before, message, self._exchanges, *found, self.services.clock)
        )

    @on(WireView.FrameOpened)
    def _on_frame_opened(self, event: WireView.FrameOpened) -> None:
        self.app.push_screen(FrameScreen(event.frames, event.number))

    def action_toggle_inspector(self) -> None:
        """Show or hide the inspector."""
        inspector = self.query_one(Inspector)
        inspector.display = not inspector.display
        self.call_after_refresh(self.draw_inspector)

    def action_show_wire(self) -> None:
        """Show what went over the wire."""
        inspector = self.query_one(Inspector)
        inspector.display = True
        inspector.open_tab("wire")
        self.query_one(WireView).focus()

    def action_show_time(self) -> None:
        """Show when the reply under the cursor was doing what."""
        inspector = self.query_one(Inspector)
        inspector.display = True
        inspector.action_open_tab("time")

    def on_resize(self) -> None:
        self.call_after_refresh(self.draw_inspector)


def _reads_alike(before: StoredSession | None, stored: StoredSession | None) -> bool:
    if before is None or stored is None:
        return False
    return before is stored or (
        (before.messages, before.exchanges) == (stored.messages, stored.exchanges)
    )
