"""The panes of the chat, and the drawing of the open conversation into them."""

import asyncio
from contextlib import suppress
from datetime import date, timedelta

from textual.content import Content
from textual.widgets import Static

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.message import Message, Role
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.engine.conversation import Conversation
from replyscope.inspection.context import belongs_after
from replyscope.ui.chat.composer import Composer
from replyscope.ui.chat.consent import ConsentPrompt
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.drafts import Drafts
from replyscope.ui.chat.first_paint import PRIVATE_WELCOME, WELCOME
from replyscope.ui.chat.sidebar import Sidebar, local_today
from replyscope.ui.chat.source import ChatSource
from replyscope.ui.chat.status import Status, StatusLine, keeping_note
from replyscope.ui.chat.suggestions import Suggestions
from replyscope.ui.keys.entries import first_key
from replyscope.ui.keys.footer import KeyFooter
from replyscope.ui.reading.entries import last_shown, shown
from replyscope.ui.reading.pane import ReadingPane
from replyscope.ui.terminal.settling import settle
from replyscope.ui.transcript.transcript import Transcript
from replyscope.ui.working_screen import WorkingScreen

SETTLE_S = 2.0
"""The longest time that a key waits for earlier keys, in seconds."""


class Panes:
    """The panes of the screen, which show the desk's conversation."""

    def __init__(
        self,
        screen: WorkingScreen[None],
        desk: Desk,
        drafts: Drafts,
        consent: ConsentPrompt,
        source: ChatSource,
        reading: ReadingPane,
    ) -> None:
        self._screen = screen
        self._desk = desk
        self._drafts = drafts
        self._consent = consent
        self._source = source
        self._reading = reading
        self._offered: int | None = None
        """The number of offered tools, as last counted."""

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

    def focus_composer(self) -> None:
        """Focus the composer at once."""
        self._screen.set_focus(self.composer)

    async def settle(self) -> None:
        """Wait until the panes have handled the keys and messages so far, at most 2 s.

        It does not wait for the application, which runs the waiting command.
        """
        composer = self.composer
        panes = [node for node in composer.ancestors if node is not self._screen.app]
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                await settle(composer, *panes)  # its text, and the messages that it posts

    def show_conversation(self, conversation: Conversation) -> None:
        """Show a conversation in the panes, with its draft."""
        draft = self._drafts.turn_to(conversation)
        self.composer.show_private(conversation.is_private)
        keys = [message.id for message in shown(conversation.messages)]
        self.transcript.show_entries(keys, self._source.content_of)
        self.composer.replace_text(draft.text, draft.cursor)
        self.draw_all()

    def sync_entries(self, conversation: Conversation) -> None:
        """Update the transcript's entries to the messages of the branch."""
        branch = conversation.messages
        if self.transcript.last_key == last_shown(branch):
            return  # the messages before it are shown then too
        self._drafts.save_soon()  # a sent message is no longer part of the draft
        drawn, wanted = self.transcript.keys, [message.id for message in shown(branch)]
        common = 0
        while common < min(len(drawn), len(wanted)) and drawn[common] == wanted[common]:
            common += 1
        for _ in range(len(drawn) - common):
            self.transcript.drop_last()
        added = wanted[common:]
        if not added:
            return
        self._screen.query_one("#welcome").display = False
        self.transcript.display = True
        if common:
            self.transcript.renew_entry(drawn[common - 1])  # its tools have run
        for message_id in added:
            self.transcript.add_entry(message_id)
        asked = {message.id for message in branch if message.role is Role.USER}
        if common < len(drawn) or not asked.isdisjoint(added):
            self.transcript.follow()  # but the next reply of a turn leaves a reader where they are
        self.refresh_sidebar()

    def show_ending(self, conversation: Conversation) -> None:
        """Draw the end of the last reply."""
        self.sync_entries(conversation)
        self.transcript.renew_entry(self.transcript.last_key)
        self.draw_all()

    def redraw_replies(self) -> None:
        """Draw each message and the inspector again."""
        self.transcript.renew_entries()
        self._reading.draw()

    def point_at(self, message_id: str) -> None:
        """Move the cursor to a message of the branch."""
        ids = [message.id for message in shown(self._desk.conversation.messages)]
        self.transcript.point_at(ids.index(message_id))

    def draw_all(self) -> None:
        """Draw everything except the entries."""
        is_empty = not self._desk.conversation.messages
        welcome = self._screen.query_one("#welcome", Static)
        welcome.display = is_empty
        words = PRIVATE_WELCOME if self._desk.conversation.is_private else WELCOME
        if welcome.content != words:  # an update lays the screen out again
            welcome.update(words)
        self.transcript.display = not is_empty
        self._draw_title()
        self._reading.draw()
        self.draw_status()
        self.draw_keys()
        self.draw_attachments()
        self._consent.draw()

    def draw_keys(self) -> None:
        """Draw the footer again: other keys do something now."""
        for footer in self._screen.query(KeyFooter):
            footer.draw()

    def _draw_title(self) -> None:
        """Draw the session's title in the border of the conversation."""
        conversation = self._desk.conversation
        title = "New session" if conversation.is_new else conversation.session.title
        frame = self._screen.query_one("#conversation")
        frame.border_title = Content(printable_line(title))

    def message_at_cursor(self) -> Message | None:
        """The message under the cursor."""
        key = self.transcript.cursor_key
        return next((m for m in self._desk.conversation.messages if m.id == key), None)

    def reply_at_cursor(self) -> Message | None:
        """The reply under the cursor, or the reply to the message under it."""
        return self._source.reply_at(self.transcript.cursor_key)

    def status(self, *, is_live: bool = False) -> Status:
        """The values of the status line. While a reply streams (`is_live`), the settings files are
        not looked at.
        """
        if not is_live or self._offered is None:
            self._offered = len(self._desk.offered_tools())
        exchanges, spent = self._desk.exchanges_now, self._desk.conversation.exchanges.spent
        for exchange_id in self._desk.conversation.lives:
            spent = spent.plus(exchanges[exchange_id])
        messages = self._desk.conversation.messages
        sources = (s for m in reversed(messages) for s in reversed(m.sources))
        along = (exchanges.get(s.exchange_id) for s in sources)
        newest = next((e for e in along if e and e.usage), None)
        is_here = newest is not None and belongs_after(newest, messages[:1])
        usage = newest.usage if newest is not None and is_here else None
        model = self._desk.targets.model_for(self._desk.conversation)
        endpoint = self._desk.targets.endpoint
        settings = self._desk.conversation.session.settings
        parameters = self._desk.targets.parameters_of(self._desk.conversation)
        return Status(
            model=model,
            endpoint=endpoint.name if endpoint is not None else None,
            api=endpoint.api.value if endpoint is not None else None,
            context_used=usage.total_tokens if usage is not None else None,
            context_window=self._desk.targets.window_of(model),
            tokens=spent.tokens,
            cost_usd=spent.cost_usd,
            tools=self._offered + len(settings.hosted),
            parameters=len(parameters.given()),
            schema=settings.schema.name if settings.schema is not None else None,
            note=keeping_note(
                is_private=self._desk.conversation.is_private,
                is_saving=self._desk.services.sessions.is_saving,
            ),
            activity=self.activity(),
            watch=self._watch_words(),
            hub=self._desk.hub,
            model_key=first_key(self._screen, "chat.model"),
        )

    def activity(self) -> str:
        """What the turn of the open conversation waits for, before a request is sent: the embedded
        model, the tools, or the provider and the prices, which load with the first one.
        """
        conversation = self._desk.conversation
        if self._desk.local_start.is_awaited(conversation):
            return "starting the model…"
        if not self._desk.turns.is_running(conversation.session.id) or conversation.is_streaming:
            return ""
        return "starting tools…" if conversation.is_starting_tools else "preparing the request…"

    def _watch_words(self) -> str:
        watching = self._desk.watching
        address = watching.address if watching is not None else None
        if watching is None or address is None:
            return ""
        held = f", {watching.held.count} held" if watching.held.count else ""
        return f"watch {address.shown} {plural(watching.log.count, 'call')}{held}"

    def draw_status(self, *, is_live: bool = False) -> None:
        """Draw the status line; see `status`."""
        self._screen.query_one(StatusLine).show(self.status(is_live=is_live))

    def draw_attachments(self) -> None:
        """Draw the line above the composer."""
        text = self._desk.pending.describe(
            self._desk.conversation.session.id, self._desk.targets.forms.form_of
        )
        if stashed := self._desk.conversation.session.stashed:
            text = "  ·  ".join(filter(None, (text, f"{stashed} stashed")))
        line = self._screen.query_one("#attachments", Static)
        line.display = bool(text)
        shown = Content(f"📎 {text}")
        if line.content != shown:
            line.update(shown)
        self._drafts.save_soon()

    async def draw_sidebar(self) -> None:
        """Load the list of sessions again, and draw it and the title of the open one."""
        try:
            summaries = await self._desk.archive.list_sessions(
                limit=self.sidebar.wanted_count, pinned_first=True
            )
            oldest = min((s.updated_at for s in summaries), default=self._desk.services.clock.now())
            first_day = oldest - timedelta(days=32)  # the whole month of its heading
            costs = await self._desk.archive.daily_costs(first_day)
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
        self._draw_title()

    def today(self) -> date:
        """The date in the local time zone."""
        return local_today(self._desk.services.clock.now())

    def refresh_sidebar(self) -> None:
        """Draw the sidebar soon."""
        self._desk.start_work(self.draw_sidebar, group="sidebar", exclusive=True)
