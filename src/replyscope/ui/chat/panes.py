"""The chat screen's panes and state, which its groups of actions share."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.reactive import var
from textual.widgets import Input, Static

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import Exchange
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Message, Role, ToolResultPart
from replyscope.domain.overlaid import Overlaid
from replyscope.domain.session import Draft, SessionSettings
from replyscope.domain.tool import ToolCallState
from replyscope.engine.branch import read_in
from replyscope.engine.conversation import Conversation
from replyscope.engine.tool_calls import results_under, with_results
from replyscope.inspection.explain import Mood
from replyscope.inspection.figures import cost_of_all
from replyscope.inspection.timeline import timeline_of
from replyscope.ui.chat.composer import Composer
from replyscope.ui.chat.consent_card import ConsentCard
from replyscope.ui.chat.first_paint import PRIVATE_WELCOME, WELCOME
from replyscope.ui.chat.pending import Pending
from replyscope.ui.chat.sidebar import Sidebar, local_today
from replyscope.ui.chat.status import Status, StatusLine, keeping_note
from replyscope.ui.chat.suggestions import Suggestions
from replyscope.ui.chat.targets import Targets
from replyscope.ui.chat.turns import Turns
from replyscope.ui.reading.entries import mood_of, shown, with_summary
from replyscope.ui.reading.inspector import Inspector
from replyscope.ui.reading.recording import load_timelines
from replyscope.ui.reading.timeline_view import TimelineView
from replyscope.ui.services import Services
from replyscope.ui.terminal.compositor import TightCompositor
from replyscope.ui.textual_internals import use_compositor
from replyscope.ui.transcript.content import EntryContent, Tab, reply_content, user_content
from replyscope.ui.transcript.transcript import Transcript
from replyscope.ui.working_screen import WorkingScreen

_WAITING = (FinishReason.TOOL_CALLS.value, FinishReason.NEEDS_APPROVAL.value)
_REQUESTED = ToolCallState.REQUESTED
_UNSENT = "The tools ended; the model was not told yet.\nt go on"
_ELSEWHERE = "This reply streams in another window; it comes here when it is done."


class ChatBase(WorkingScreen[None]):
    """Composes the panes and draws the open conversation into them."""

    sidebar_hidden: var[bool] = var(False, toggle_class="-no-sidebar")
    inspector_hidden: var[bool] = var(False, toggle_class="-no-inspector")
    inspector_open: var[bool] = var(False, toggle_class="-inspector-open")

    def __init__(self, services: Services) -> None:
        super().__init__()
        use_compositor(self, TightCompositor())
        self.services = services
        self.archive = services.archive
        self.targets = Targets(services)
        self.turns = Turns(self)
        self.pending = Pending()
        self.conversation: Conversation = services.archive.new(SessionSettings())
        self.finished: set[str] = set()
        self.is_leaving = False
        self.leaves_anyway = False
        """Whether to leave even when something could not be saved."""
        self.deleted: list[str] = []
        self._seen_versions: dict[str, int] = {}
        self._shown_wire: str | None = None
        self._moment_ms: float | None = None
        self._steps_back = 0

    def compose(self) -> ComposeResult:
        with Horizontal(id="body"):
            yield Sidebar(id="sidebar")
            with Vertical(id="center"):
                yield Static(WELCOME, id="welcome")
                yield Transcript(id="transcript")
                yield Static("new text below · G", id="below")
                yield Input(placeholder="find in this conversation", id="find", compact=True)
                yield Suggestions(id="suggestions")
                yield Static("", id="attachments")
                yield ConsentCard(id="consent")
                yield Composer(id="composer")
                yield StatusLine(id="status")
            yield Inspector(id="inspector")

    @property
    def is_unlogged(self) -> bool:
        """Whether a log hears nothing of what is done here."""
        return self.conversation.is_private

    @property
    def transcript(self) -> Transcript:
        """The conversation pane."""
        return self.query_one(Transcript)

    @property
    def composer(self) -> Composer:
        """Where the next message is written."""
        return self.query_one(Composer)

    @property
    def inspector(self) -> Inspector:
        """The side panel."""
        return self.query_one(Inspector)

    @property
    def is_narrow(self) -> bool:
        """Whether the inspector is folded to a line per reply."""
        return self.size.width < 100

    @property
    def draft(self) -> Draft:
        """The message that is being written."""
        text, cursor = self.composer.written
        return Draft(text, tuple(self.pending.attachments), cursor)

    def show_conversation(self, conversation: Conversation) -> None:
        """Open a conversation in the panes. What was written in the one before is kept."""
        left, session = self.conversation, conversation.session
        if conversation is not left:
            self.pending.keep_written(left.session.id, self.draft)
        self.conversation = conversation
        self.composer.show_private(conversation.is_private)
        self.pending.turn_to(session.id, session.draft_attachments)
        self.finished.discard(conversation.session.id)
        keys = [message.id for message in shown(conversation.messages)]
        self.transcript.show_entries(keys, self.content_of)
        draft = self.pending.take_written(session.id) or session.whole_draft
        self.composer.replace_text(draft.text, draft.cursor)
        self.draw_all()

    def content_of(self, message_id: str) -> EntryContent:
        """An entry for a message, live when its reply still streams."""
        message = self.conversation.tree[message_id]
        exchanges = self.exchanges_now()
        tabs = self._tabs_of(message, exchanges)
        if message.role is not Role.ASSISTANT:
            return replace(user_content(read_in(message, {})), tabs=tabs)
        now = {s.exchange_id: exchanges.get(s.exchange_id) for s in message.sources}
        joined = {key: self.with_results(message, e) for key, e in now.items() if e is not None}
        content = replace(reply_content(message, joined), tabs=tabs)
        if self._results_wait(message):
            content = replace(content, notice=_UNSENT, mood=Mood.NOTE)
        elif content.word in _WAITING and self._is_answered_now(message):
            content = replace(content, notice="")  # the card asks, or the tools run
        if content.is_live and not self._streams_here(message):
            return replace(content, word="elsewhere", notice=_ELSEWHERE)
        has_room = (self.is_narrow or self.inspector_hidden) and self.size.height >= 14
        if has_room and message.sources and not content.is_live:
            newest = exchanges.get(message.sources[-1].exchange_id)
            if newest is not None:
                return with_summary(content, newest)
        return content

    def with_results(self, message: Message, exchange: Exchange) -> Exchange:
        """An exchange of a reply, its calls saying what became of them."""
        if not message.sources or message.sources[-1].exchange_id != exchange.id:
            return exchange
        return with_results(exchange, results_under(message, self.conversation.tree))

    def _is_answered_now(self, message: Message) -> bool:
        last = self.conversation.messages[-1]
        is_tip = message.id in (last.id, last.parent_id)
        return is_tip and self.turns.is_running(self.conversation.session.id)

    def _results_wait(self, message: Message) -> bool:
        """Whether every tool of a reply has run, and the model was not told yet."""
        conversation = self.conversation
        last = conversation.messages[-1] if conversation.messages else None
        if last is None or last.role is not Role.TOOL or last.parent_id != message.id:
            return False
        parts = [part for part in last.parts if isinstance(part, ToolResultPart)]
        is_done = all(p.state not in (_REQUESTED, ToolCallState.RUNNING) for p in parts)
        return is_done and not self.turns.is_running(conversation.session.id)

    def _streams_here(self, message: Message) -> bool:
        return any(source.exchange_id in self.conversation.lives for source in message.sources)

    def _tabs_of(self, message: Message, exchanges: Mapping[str, Exchange]) -> tuple[Tab, ...]:
        siblings = self.conversation.tree.siblings(message)
        if len(siblings) < 2:
            return ()
        return tuple(
            Tab(sibling.id, mood_of(sibling, exchanges), sibling.id == message.id)
            for sibling in siblings
        )

    def exchanges_now(self) -> Mapping[str, Exchange]:
        """The conversation's exchanges, the streaming ones as they stand."""
        lives = self.conversation.lives
        if not lives:
            return self.conversation.exchanges
        now = {exchange_id: live.exchange() for exchange_id, live in lives.items()}
        return Overlaid(now, self.conversation.exchanges)

    def draw_all(self) -> None:
        """Draw everything but the entries themselves."""
        is_empty = not self.conversation.messages
        welcome = self.query_one("#welcome", Static)
        welcome.display = is_empty
        welcome.update(PRIVATE_WELCOME if self.conversation.is_private else WELCOME)
        self.transcript.display = not is_empty
        self.draw_inspector()
        self.draw_status()
        self.draw_attachments()
        self.draw_consent()

    def asking(self) -> frozenset[str]:
        """The sessions in which a tool waits for the person's word."""
        return frozenset()

    async def save_draft(self) -> None:
        """Save the message that is being written."""

    async def save_left(self, conversations: Iterable[Conversation]) -> None:
        """Save what is written and queued in sessions that are not shown."""

    def save_draft_soon(self) -> None:
        """Save the message that is being written within a second."""

    def draw_consent(self) -> None:
        """Show the call that waits for the person's word."""

    def message_at_cursor(self) -> Message | None:
        """The message under the cursor."""
        key = self.transcript.cursor_key
        return next((m for m in self.conversation.messages if m.id == key), None)

    def reply_at_cursor(self) -> Message | None:
        """The reply under the cursor; for a person's message, the reply to it."""
        message = self.message_at_cursor()
        messages = self.conversation.messages
        if message is not None and message.role is not Role.ASSISTANT:
            following = messages.index(message) + 1
            message = messages[following] if following < len(messages) else None
        return message if message is not None and message.sources else None

    def draw_inspector(self) -> None:
        """Draw the reply under the cursor, live while it streams."""
        reply = self.reply_at_cursor()
        if reply is None:
            self.inspector.show_nothing()
            self._shown_wire = None
            return
        parts = len(reply.sources)
        self._steps_back = min(self._steps_back, parts - 1)
        source = reply.sources[-1 - self._steps_back]
        exchange = self.exchanges_now().get(source.exchange_id)
        if exchange is None:
            return
        number = parts - self._steps_back
        part = f"exchange {number} of {parts}  [<] [>]" if parts > 1 else ""
        if part:
            now = self.exchanges_now()
            joined = [now[s.exchange_id] for s in reply.sources if s.exchange_id in now]
            part += f"\ncost together {cost_of_all(joined)}"
        if self.inspector.tab == "wire":
            self.draw_wire(exchange)
        elif self.inspector.tab == "time":
            self.start_work(self._draw_time, reply, exchange, group="time", exclusive=True)
        else:
            results = results_under(reply, self.conversation.tree) if not self._steps_back else {}
            exchange = with_results(exchange, results)
            self.inspector.show_exchange(exchange, source.choice_index, results, part=part)

    async def _draw_time(self, reply: Message, exchange: Exchange) -> None:
        results = results_under(reply, self.conversation.tree)
        if exchange.id in self.conversation.lives:
            self.inspector.show_timeline(exchange, timeline_of(exchange, (), results))
            return
        try:
            async for timeline in load_timelines(self.services, exchange, results):
                self.inspector.show_timeline(exchange, timeline)
        except ReplyscopeError as error:
            self.tell(error)

    @on(TimelineView.MomentChosen)
    def _show_moment(self, event: TimelineView.MomentChosen) -> None:
        self._moment_ms = event.at_ms
        self._shown_wire = None
        self.inspector.action_open_tab("wire")

    def draw_wire(self, exchange: Exchange) -> None:
        """Draw the wire pane: frames as they come, or what was saved."""
        live = self.conversation.lives.get(exchange.id)
        if live is not None:
            state = f"{exchange.id}/{exchange.status}/{live.request is not None}"
            if self._shown_wire != state:
                self._shown_wire = state
                self.inspector.show_record(exchange, live.record)
            else:
                self.inspector.grow_wire()
        elif self._shown_wire != exchange.id:
            self._shown_wire = exchange.id
            self.start_work(self._load_wire, exchange, group="wire", exclusive=True)

    async def _load_wire(self, exchange: Exchange) -> None:
        try:
            record = await self.archive.load_wire(exchange.id)
        except ReplyscopeError as error:
            self.tell(error)
            return
        if self._shown_wire == exchange.id:
            self.inspector.show_record(exchange, record)
            if self._moment_ms is not None:
                self.inspector.show_moment(self._moment_ms)
                self._moment_ms = None

    def draw_status(self) -> None:
        """Draw the status line."""
        exchanges, spent = self.exchanges_now(), self.conversation.exchanges.spent
        for exchange_id in self.conversation.lives:
            spent = spent.plus(exchanges[exchange_id])
        sources = (s for m in reversed(self.conversation.messages) for s in reversed(m.sources))
        along = (exchanges.get(s.exchange_id) for s in sources)
        context = next((e.usage.total_tokens for e in along if e and e.usage), None)
        model = self.targets.model_for(self.conversation)
        endpoint = self.targets.endpoint
        self.query_one(StatusLine).show(
            Status(
                model=model,
                endpoint=endpoint.name if endpoint is not None else None,
                api=endpoint.api.value if endpoint is not None else None,
                context_used=context,
                context_window=self.targets.window_of(model),
                tokens=spent.tokens,
                cost_usd=spent.cost_usd,
                note=keeping_note(
                    is_private=self.conversation.is_private,
                    is_saving=self.services.sessions.is_saving,
                ),
            )
        )

    def draw_attachments(self) -> None:
        """Draw the line above the composer."""
        text = self.pending.describe(self.conversation.session.id)
        line = self.query_one("#attachments", Static)
        line.display = bool(text)
        line.update(Content(f"📎 {text}"))
        self.save_draft_soon()

    async def draw_sidebar(self) -> None:
        """Read the sessions again and draw them."""
        try:
            summaries = await self.archive.list_sessions(limit=500, pinned_first=True)
            oldest = min((s.updated_at for s in summaries), default=self.services.clock.now())
            costs = await self.archive.daily_costs(oldest - timedelta(days=1))
        except ReplyscopeError as error:
            self.tell(error)
            return
        self.query_one(Sidebar).show_sessions(
            summaries,
            current=self.conversation.session.id,
            streaming=frozenset(c.session.id for c in self.archive.streaming()),
            finished=frozenset(self.finished),
            asking=self.asking(),
            today=self.today(),
            costs=costs,
        )

    def today(self) -> date:
        """The date where the person is."""
        return local_today(self.services.clock.now())

    def refresh_sidebar(self) -> None:
        """Draw the sidebar soon."""
        self.start_work(self.draw_sidebar, group="sidebar", exclusive=True)
