"""The panes of the chat, and how the open conversation is drawn into them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

from textual.content import Content
from textual.widgets import Static

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import Exchange
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Message, Role, ToolResultPart
from replyscope.domain.tool import ToolCallState
from replyscope.engine.branch import read_in
from replyscope.engine.calls import results_under, with_results
from replyscope.engine.conversation import Conversation
from replyscope.inspection.explain import Mood
from replyscope.inspection.figures import cost_of_all
from replyscope.inspection.timeline import timeline_of
from replyscope.ui.chat.composer import Composer
from replyscope.ui.chat.consent import ConsentPrompt
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.drafts import Drafts
from replyscope.ui.chat.first_paint import PRIVATE_WELCOME, WELCOME
from replyscope.ui.chat.sidebar import Sidebar, local_today
from replyscope.ui.chat.status import Status, StatusLine, keeping_note
from replyscope.ui.chat.suggestions import Suggestions
from replyscope.ui.reading.entries import last_shown, mood_of, shown, with_summary
from replyscope.ui.reading.inspector import Inspector
from replyscope.ui.reading.recording import load_timelines
from replyscope.ui.transcript.content import EntryContent, Tab, reply_content, user_content
from replyscope.ui.transcript.transcript import Transcript
from replyscope.ui.working_screen import WorkingScreen

LEAST_WIDE = 100
"""The width in cells from which the inspector has a place of its own."""
_WAITING = (FinishReason.TOOL_CALLS.value, FinishReason.NEEDS_APPROVAL.value)
_REQUESTED = ToolCallState.REQUESTED
_UNSENT = "The tools ended; the model was not told yet.\nt go on"
_ELSEWHERE = "This reply streams in another window; it comes here when it is done."


class Panes:
    """Draws the desk's conversation into the panes of the screen."""

    def __init__(
        self, screen: WorkingScreen[None], desk: Desk, drafts: Drafts, consent: ConsentPrompt
    ) -> None:
        self._screen = screen
        self._desk = desk
        self._drafts = drafts
        self._consent = consent
        self._shown_wire: str | None = None
        self._moment_ms: float | None = None
        self._steps_back = 0

    @property
    def transcript(self) -> Transcript:
        """The conversation pane."""
        return self._screen.query_one(Transcript)

    @property
    def composer(self) -> Composer:
        """The text field of the next message."""
        return self._screen.query_one(Composer)

    @property
    def suggestions(self) -> Suggestions:
        """The list of completions above the composer."""
        return self._screen.query_one(Suggestions)

    @property
    def sidebar(self) -> Sidebar:
        """The list of sessions."""
        return self._screen.query_one(Sidebar)

    @property
    def inspector(self) -> Inspector:
        """The side panel."""
        return self._screen.query_one(Inspector)

    @property
    def is_narrow(self) -> bool:
        """Whether the inspector is folded to a line per reply."""
        return self._screen.size.width < LEAST_WIDE

    @property
    def sidebar_hidden(self) -> bool:
        """Whether the list of sessions is hidden."""
        return self._screen.has_class("-no-sidebar")

    @sidebar_hidden.setter
    def sidebar_hidden(self, is_hidden: bool) -> None:
        self._screen.set_class(is_hidden, "-no-sidebar")

    @property
    def inspector_hidden(self) -> bool:
        """Whether the inspector is hidden; on wide screens only."""
        return self._screen.has_class("-no-inspector")

    @inspector_hidden.setter
    def inspector_hidden(self, is_hidden: bool) -> None:
        self._screen.set_class(is_hidden, "-no-inspector")

    @property
    def inspector_open(self) -> bool:
        """Whether the inspector lies over the messages; on narrow screens only."""
        return self._screen.has_class("-inspector-open")

    @inspector_open.setter
    def inspector_open(self, is_open: bool) -> None:
        self._screen.set_class(is_open, "-inspector-open")

    def focus_composer(self) -> None:
        """Give the composer the keys at once."""
        self._screen.set_focus(self.composer)

    def show_conversation(self, conversation: Conversation) -> None:
        """Open a conversation in the panes, with its draft."""
        draft = self._drafts.turn_to(conversation)
        self.composer.show_private(conversation.is_private)
        keys = [message.id for message in shown(conversation.messages)]
        self.transcript.show_entries(keys, self.content_of)
        self.composer.replace_text(draft.text, draft.cursor)
        self.draw_all()

    def content_of(self, message_id: str) -> EntryContent:
        """An entry for a message, live when its reply still streams."""
        message = self._desk.conversation.tree[message_id]
        exchanges = self._desk.exchanges_now()
        tabs = self._tabs_of(message, exchanges)
        if message.role is not Role.ASSISTANT:
            return replace(user_content(read_in(message, {})), tabs=tabs)
        now = {s.exchange_id: exchanges.get(s.exchange_id) for s in message.sources}
        joined = {
            key: self._desk.with_results(message, e) for key, e in now.items() if e is not None
        }
        content = replace(reply_content(message, joined), tabs=tabs)
        if self._results_wait(message):
            content = replace(content, notice=_UNSENT, mood=Mood.NOTE)
        elif content.word in _WAITING and self._is_answered_now(message):
            content = replace(content, notice="")  # the card asks, or the tools run
        if content.is_live and not self._streams_here(message):
            return replace(content, word="elsewhere", notice=_ELSEWHERE)
        has_room = (self.is_narrow or self.inspector_hidden) and self._screen.size.height >= 14
        if has_room and message.sources and not content.is_live:
            newest = exchanges.get(message.sources[-1].exchange_id)
            if newest is not None:
                return with_summary(content, newest)
        return content

    def _is_answered_now(self, message: Message) -> bool:
        last = self._desk.conversation.messages[-1]
        is_tip = message.id in (last.id, last.parent_id)
        return is_tip and self._desk.turns.is_running(self._desk.conversation.session.id)

    def _results_wait(self, message: Message) -> bool:
        """Whether every tool of a reply has run and the results are not sent yet."""
        conversation = self._desk.conversation
        last = conversation.messages[-1] if conversation.messages else None
        if last is None or last.role is not Role.TOOL or last.parent_id != message.id:
            return False
        parts = [part for part in last.parts if isinstance(part, ToolResultPart)]
        is_done = all(p.state not in (_REQUESTED, ToolCallState.RUNNING) for p in parts)
        return is_done and not self._desk.turns.is_running(conversation.session.id)

    def _streams_here(self, message: Message) -> bool:
        return any(
            source.exchange_id in self._desk.conversation.lives for source in message.sources
        )

    def _tabs_of(self, message: Message, exchanges: Mapping[str, Exchange]) -> tuple[Tab, ...]:
        siblings = self._desk.conversation.tree.siblings(message)
        if len(siblings) < 2:
            return ()
        return tuple(
            Tab(sibling.id, mood_of(sibling, exchanges), sibling.id == message.id)
            for sibling in siblings
        )

    def sync_entries(self, conversation: Conversation) -> None:
        """Bring the transcript's entries in line with the branch's messages."""
        branch = conversation.messages
        if self.transcript.last_key == last_shown(branch):
            return  # and so is the whole way to it
        self._drafts.save_soon()  # what was sent is in the draft no more
        drawn, wanted = self.transcript.keys, [message.id for message in shown(branch)]
        if wanted[: len(drawn)] == drawn:
            self._screen.query_one("#welcome").display = False
            self.transcript.display = True
            if drawn:
                self.transcript.renew_entry(drawn[-1])  # its tools have run
            for message_id in wanted[len(drawn) :]:
                self.transcript.add_entry(message_id)
            self.transcript.follow()
            self.refresh_sidebar()
        else:
            common = 0
            while common < min(len(drawn), len(wanted)) and drawn[common] == wanted[common]:
                common += 1
            for _ in range(len(drawn) - common):
                self.transcript.drop_last()
            self.sync_entries(conversation)

    def show_ending(self, conversation: Conversation) -> None:
        """Draw the end of the last reply."""
        self.sync_entries(conversation)
        self.transcript.renew_entry(self.transcript.last_key)
        self._shown_wire = None
        self.draw_all()

    def redraw_replies(self) -> None:
        """Draw each message and the inspector again."""
        self.transcript.renew_entries()
        self.draw_inspector()

    def point_at(self, message_id: str) -> None:
        """Move the cursor to a message of the branch."""
        ids = [message.id for message in shown(self._desk.conversation.messages)]
        self.transcript.point_at(ids.index(message_id))

    def step_exchange(self, step: int) -> None:
        """Inspect an earlier or later exchange of a reply that was continued."""
        self._steps_back = max(0, self._steps_back - step)
        self.draw_inspector()

    def show_newest_exchange(self) -> None:
        """Inspect the newest exchange of the reply under the cursor."""
        self._steps_back = 0
        self.draw_inspector()

    def draw_all(self) -> None:
        """Draw everything but the entries themselves."""
        is_empty = not self._desk.conversation.messages
        welcome = self._screen.query_one("#welcome", Static)
        welcome.display = is_empty
        welcome.update(PRIVATE_WELCOME if self._desk.conversation.is_private else WELCOME)
        self.transcript.display = not is_empty
        self.draw_inspector()
        self.draw_status()
        self.draw_attachments()
        self._consent.draw()

    def message_at_cursor(self) -> Message | None:
        """The message under the cursor."""
        key = self.transcript.cursor_key
        return next((m for m in self._desk.conversation.messages if m.id == key), None)

    def reply_at_cursor(self) -> Message | None:
        """The reply under the cursor, or the reply to the message under it."""
        message = self.message_at_cursor()
        messages = self._desk.conversation.messages
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
        exchange = self._desk.exchanges_now().get(source.exchange_id)
        if exchange is None:
            return
        number = parts - self._steps_back
        part = f"exchange {number} of {parts}  [<] [>]" if parts > 1 else ""
        if part:
            now = self._desk.exchanges_now()
            joined = [now[s.exchange_id] for s in reply.sources if s.exchange_id in now]
            part += f"\ncost together {cost_of_all(joined)}"
        if self.inspector.tab == "wire":
            self.draw_wire(exchange)
        elif self.inspector.tab == "time":
            self._desk.start_work(self._draw_time, reply, exchange, group="time", exclusive=True)
        else:
            results = (
                results_under(reply, self._desk.conversation.tree) if not self._steps_back else {}
            )
            exchange = with_results(exchange, results)
            self.inspector.show_exchange(exchange, source.choice_index, results, part=part)

    async def _draw_time(self, reply: Message, exchange: Exchange) -> None:
        results = results_under(reply, self._desk.conversation.tree)
        if exchange.id in self._desk.conversation.lives:
            self.inspector.show_timeline(exchange, timeline_of(exchange, (), results))
            return
        try:
            async for timeline in load_timelines(self._desk.services, exchange, results):
                self.inspector.show_timeline(exchange, timeline)
        except ReplyscopeError as error:
            self._desk.tell(error)

    def show_moment(self, at_ms: float) -> None:
        """Show the frame of a moment on the wire."""
        self._moment_ms = at_ms
        self._shown_wire = None
        self.inspector.action_open_tab("wire")

    def draw_wire(self, exchange: Exchange) -> None:
        """Draw the wire pane from the live frames or the saved record."""
        live = self._desk.conversation.lives.get(exchange.id)
        if live is not None:
            state = f"{exchange.id}/{exchange.status}/{live.request is not None}"
            if self._shown_wire != state:
                self._shown_wire = state
                self.inspector.show_record(exchange, live.record)
            else:
                self.inspector.grow_wire()
        elif self._shown_wire != exchange.id:
            self._shown_wire = exchange.id
            self._desk.start_work(self._load_wire, exchange, group="wire", exclusive=True)

    async def _load_wire(self, exchange: Exchange) -> None:
        try:
            record = await self._desk.archive.load_wire(exchange.id)
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        if self._shown_wire == exchange.id:
            self.inspector.show_record(exchange, record)
            if self._moment_ms is not None:
                self.inspector.show_moment(self._moment_ms)
                self._moment_ms = None

    def draw_status(self) -> None:
        """Draw the status line."""
        exchanges, spent = self._desk.exchanges_now(), self._desk.conversation.exchanges.spent
        for exchange_id in self._desk.conversation.lives:
            spent = spent.plus(exchanges[exchange_id])
        sources = (
            s for m in reversed(self._desk.conversation.messages) for s in reversed(m.sources)
        )
        along = (exchanges.get(s.exchange_id) for s in sources)
        context = next((e.usage.total_tokens for e in along if e and e.usage), None)
        model = self._desk.targets.model_for(self._desk.conversation)
        endpoint = self._desk.targets.endpoint
        self._screen.query_one(StatusLine).show(
            Status(
                model=model,
                endpoint=endpoint.name if endpoint is not None else None,
                api=endpoint.api.value if endpoint is not None else None,
                context_used=context,
                context_window=self._desk.targets.window_of(model),
                tokens=spent.tokens,
                cost_usd=spent.cost_usd,
                note=keeping_note(
                    is_private=self._desk.conversation.is_private,
                    is_saving=self._desk.services.sessions.is_saving,
                ),
            )
        )

    def draw_attachments(self) -> None:
        """Draw the line above the composer."""
        text = self._desk.pending.describe(self._desk.conversation.session.id)
        line = self._screen.query_one("#attachments", Static)
        line.display = bool(text)
        line.update(Content(f"📎 {text}"))
        self._drafts.save_soon()

    async def draw_sidebar(self) -> None:
        """Read the sessions again and draw them."""
        try:
            summaries = await self._desk.archive.list_sessions(limit=500, pinned_first=True)
            oldest = min((s.updated_at for s in summaries), default=self._desk.services.clock.now())
            costs = await self._desk.archive.daily_costs(oldest - timedelta(days=1))
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        self.sidebar.show_sessions(
            summaries,
            current=self._desk.conversation.session.id,
            streaming=frozenset(c.session.id for c in self._desk.archive.streaming()),
            finished=frozenset(self._desk.finished),
            asking=self._consent.asking(),
            today=self.today(),
            costs=costs,
        )

    def today(self) -> date:
        """The date where the person is."""
        return local_today(self._desk.services.clock.now())

    def refresh_sidebar(self) -> None:
        """Draw the sidebar soon."""
        self._desk.start_work(self.draw_sidebar, group="sidebar", exclusive=True)
