"""The reading pane: the inspector of the reply under the cursor, with its wire and timeline."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from textual.message import Message as Event

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.event import WireFrame
from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Message, ToolResultPart
from replyscope.domain.values import dataclass
from replyscope.engine.tool_calls import with_results
from replyscope.inspection.explain import has_text
from replyscope.inspection.figures import cost_of_all
from replyscope.ui.reading.inspector import Inspector
from replyscope.ui.reading.source import Source
from replyscope.ui.reading.timeline_view import TimelineView
from replyscope.ui.reading.wire_view import WireView
from replyscope.ui.services import Services
from replyscope.ui.transcript.messages import CursorMoved
from replyscope.ui.transcript.transcript import Transcript
from replyscope.ui.working_screen import WorkingScreen


@dataclass(frozen=True, slots=True)
class Inspected:
    """The reply that is inspected, and one of its exchanges with the results of its calls.

    `part` says which exchange of a continued reply it is, with a note; it may be empty.
    """

    reply: Message
    exchange: Exchange
    choice: int
    results: Mapping[str, ToolResultPart]
    part: str


class ReadingPane:
    """Draws the reply under the cursor of a screen's transcript into the screen's inspector.

    The wire and the timeline are loaded once for an exchange, and again when it has changed.
    `reveal` shows a hidden inspector; `note_on` returns a note about a reply, perhaps empty.
    `pointed` returns the key of what is pointed at; without it that is the transcript's entry.
    """

    def __init__(
        self,
        screen: WorkingScreen[Any],
        services: Services,
        source: Source,
        reveal: Callable[[], None] | None = None,
        note_on: Callable[[Message], str] | None = None,
        pointed: Callable[[], str | None] | None = None,
    ) -> None:
        self._screen = screen
        self._services = services
        self._source = source
        self._reveal = reveal or self._display
        self._note_on = note_on
        self._pointed = pointed or self._entry
        self._steps_back = 0
        self._chosen_ms: float | None = None
        self._shown_wire: object = None
        self._shown_timeline: object = None
        self.routes: Mapping[type[Event], Callable[[Any], None]] = {
            CursorMoved: lambda _: self.follow_cursor(),
            Inspector.TabOpened: lambda _: self.draw_tab(),
            TimelineView.MomentChosen: lambda event: self.show_moment(event.at_ms),
            WireView.FrameOpened: lambda event: self.open_frame(event.frames, event.number),
        }
        """What to do with each message of the widgets."""

    @property
    def inspector(self) -> Inspector:
        """The inspector of the screen."""
        return self._screen.query_one(Inspector)

    def reply(self) -> Message | None:
        """The reply under the cursor."""
        return self._source.reply_at(self._pointed())

    def _entry(self) -> str | None:
        return self._screen.query_one(Transcript).cursor_key

    def inspected(self) -> Inspected | None:
        """The reply under the cursor and its selected exchange."""
        reply = self.reply()
        if reply is None:
            return None
        self._steps_back = min(self._steps_back, len(reply.sources) - 1)
        source = reply.sources[-1 - self._steps_back]
        exchange = self._source.exchanges.get(source.exchange_id)
        if exchange is None:
            return None
        results = self._source.results(reply) if not self._steps_back else {}
        return Inspected(reply, exchange, source.choice_index, results, self._part_of(reply))

    def _part_of(self, reply: Message) -> str:
        count, exchanges = len(reply.sources), self._source.exchanges
        note = self._note_on(reply) if self._note_on is not None and not self._steps_back else ""
        if count < 2 or not self._source.can_step:
            return note
        known = [exchanges[s.exchange_id] for s in reply.sources if s.exchange_id in exchanges]
        number = count - self._steps_back
        part = f"exchange {number} of {count}  [<] [>]\ntotal cost {cost_of_all(known)}"
        return f"{part}\n{note}".rstrip()

    def draw(self) -> None:
        """Draw the open tab; nothing while the inspector is hidden."""
        inspector = self.inspector
        if not inspector.display:
            return
        inspected = self.inspected()
        if inspected is None:
            self._shown_wire = self._shown_timeline = None
            inspector.show_nothing()
        elif inspector.tab == "wire":
            self._draw_wire(inspected.exchange)
        elif inspector.tab == "time":
            self._draw_timeline(inspected)
        else:
            exchange = with_results(self._source.at_moment(inspected.exchange), inspected.results)
            inspector.show_exchange(
                exchange,
                inspected.choice,
                inspected.results,
                part=inspected.part,
                possible=self._source.possible(inspected.reply),
                is_begun=has_text(inspected.reply, self._source.exchanges),
            )

    def draw_tab(self) -> None:
        """Draw a tab that was opened just now; its timeline is loaded again."""
        self._shown_timeline = None
        self.draw()

    def follow_cursor(self) -> None:
        """Draw the newest exchange of the reply that the cursor moved to."""
        self._steps_back = 0
        self.draw()

    def step(self, step: int) -> None:
        """Draw a later exchange of a continued reply, or with -1 an earlier one."""
        self._steps_back = max(0, self._steps_back - step)
        self.draw()

    def _draw_wire(self, exchange: Exchange) -> None:
        record = self._source.record_now(exchange)
        if record is None:
            stored = (exchange.id, exchange.state, exchange.frame_count)
            if stored != self._shown_wire:
                self._shown_wire = stored
                self._screen.start_work(
                    self._load_wire, exchange, stored, group="wire", exclusive=True
                )
            return
        state = (exchange.id, exchange.status, record.request is not None)
        if state == self._shown_wire:
            self.inspector.grow_wire()
        else:
            self._shown_wire = state
            self.inspector.show_record(exchange, record)
        self._point_wire()

    async def _load_wire(self, exchange: Exchange, stored: object) -> None:
        try:
            record = await self._services.archive.load_wire(exchange.id)
        except ReplyscopeError as error:
            self._screen.tell(error)
            return
        if stored == self._shown_wire:
            self.inspector.show_record(exchange, record)
            self._point_wire()

    def _point_wire(self) -> None:
        played_ms = self._source.moment_ms
        moment_ms = self._chosen_ms if played_ms is None else played_ms
        if moment_ms is not None:
            self.inspector.show_moment(moment_ms)
            self._chosen_ms = None

    def show_moment(self, at_ms: float) -> None:
        """Open the wire at a moment of the timeline, in milliseconds since the request."""
        self._chosen_ms = at_ms
        self._shown_wire = None
        self.inspector.action_open_tab("wire")

    def _draw_timeline(self, inspected: Inspected) -> None:
        exchange, results = inspected.exchange, inspected.results
        if (exchange, results) == self._shown_timeline:
            self._point_timeline()
            return
        self._shown_timeline = exchange, results
        self._screen.start_work(
            self._load_timeline, exchange, results, group="time", exclusive=True
        )

    async def _load_timeline(
        self, exchange: Exchange, results: Mapping[str, ToolResultPart]
    ) -> None:
        try:
            async for timeline in self._source.timelines(exchange, results):
                self.inspector.show_timeline(exchange, timeline)
                self._point_timeline()
        except ReplyscopeError as error:
            self._screen.tell(error)

    def _point_timeline(self) -> None:
        if self._source.moment_ms is not None:
            self.inspector.query_one(TimelineView).point_at(self._source.moment_ms)

    def open_frame(self, frames: Sequence[WireFrame], number: int) -> None:
        """Open a frame, counted from 0, in a dialog."""
        from replyscope.ui.reading.frame_screen import FrameScreen  # loaded on first use

        self._screen.app.push_screen(FrameScreen(frames, number))

    def open_tab(self, name: str, *, focuses: bool = True) -> None:
        """Open a tab of the inspector, and focus it unless the keys stay where they are."""
        self._reveal()
        if focuses:
            self.inspector.action_open_tab(name)
        else:
            self.inspector.open_tab(name)
        self._screen.call_after_refresh(self.draw)

    def toggle(self) -> None:
        """Show or hide the inspector."""
        self.inspector.display = not self.inspector.display
        self._screen.call_after_refresh(self.draw)

    def _display(self) -> None:
        self.inspector.display = True
