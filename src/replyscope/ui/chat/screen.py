"""The chat screen: its panes, its key bindings, and the routing of messages to groups."""

from collections.abc import Iterable
from inspect import isawaitable
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult, SystemCommand
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, OptionList, Static

from replyscope.domain.look import Look
from replyscope.ui.chat.command_table import CHAT_KEYS, COMMANDS, SLASH_COMMANDS
from replyscope.ui.chat.composer import Composer
from replyscope.ui.chat.consent_card import Answer, ConsentCard
from replyscope.ui.chat.first_paint import WELCOME
from replyscope.ui.chat.groups import Groups
from replyscope.ui.chat.keyboard import Keyboard
from replyscope.ui.chat.pending import joined
from replyscope.ui.chat.sidebar import Sidebar
from replyscope.ui.chat.status import StatusLine
from replyscope.ui.chat.stored_replies_dialog import RemoteScreen
from replyscope.ui.chat.suggestions import Suggestions
from replyscope.ui.chat.turns import TurnEnded
from replyscope.ui.keys.footer import KeyFooter
from replyscope.ui.reading.inspector import Inspector
from replyscope.ui.reading.timeline_view import TimelineView
from replyscope.ui.reading.wire_view import WireView
from replyscope.ui.services import Services
from replyscope.ui.styles.breakpoints import CHAT_BREAKPOINTS, VERTICAL_BREAKPOINTS
from replyscope.ui.terminal.toasts import ToastLine
from replyscope.ui.transcript.messages import CursorMoved, NewBelow
from replyscope.ui.transcript.transcript import Transcript
from replyscope.ui.working_screen import WorkingScreen


class ChatScreen(WorkingScreen[None]):
    """The screen of the chat: composes panes and groups, and routes messages to the groups."""

    HORIZONTAL_BREAKPOINTS = CHAT_BREAKPOINTS
    VERTICAL_BREAKPOINTS = VERTICAL_BREAKPOINTS
    CSS_PATH: ClassVar[list[str]] = [  # type: ignore[assignment]
        "../styles/transcript.tcss",
        "../styles/inspector.tcss",
    ]
    BINDINGS: ClassVar[list[BindingType]] = CHAT_KEYS

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._commands = {command.name: command for command in COMMANDS}
        self.groups = Groups(self, services, SLASH_COMMANDS, self.action_run)
        self.desk = self.groups.desk
        self.panes = self.groups.panes
        self.keyboard = Keyboard(self, self.groups, COMMANDS)
        self.key_guide = self.keyboard
        self.takes_input = self.keyboard.takes_input
        # Textual looks up the actions of links by these names.
        self.action_open_link = self.groups.copying.open_link
        self.action_show_sibling = self.groups.branches.show_sibling

    def compose(self) -> ComposeResult:
        with Horizontal(id="body"):
            yield Sidebar(id="sidebar")
            with Vertical(id="center"):
                with Vertical(id="conversation"):
                    yield Static(WELCOME, id="welcome")
                    yield Transcript(id="transcript")
                    yield Static("new text below", id="below")
                yield Input(placeholder="find in this conversation", id="find", compact=True)
                yield Suggestions(id="suggestions")
                yield Static("", id="attachments")
                yield ConsentCard(id="consent")
                yield ToastLine()
                yield Composer(id="composer")
                yield StatusLine(id="status")
            yield Inspector(id="inspector")
        yield KeyFooter()

    def on_mount(self) -> None:
        self.query_one("#inspector").border_title = "Inspector"
        self.bindings_updated_signal.subscribe(self, lambda _: self.keyboard.follow_focus())
        if getattr(self.app, "look", Look()).has_vim_keys:
            self.panes.composer.use_vim_keys()
        self.groups.consent.open(self.panes.refresh_sidebar)
        first = self.groups.lifecycle.first.conversation
        self.panes.show_conversation(first or self.desk.conversation)
        self.panes.focus_composer()
        self.call_after_refresh(lambda: self.start_work(self.groups.lifecycle.begin))

    def on_unmount(self) -> None:
        if self.groups.lifecycle.following is not None:
            self.groups.lifecycle.following.cancel()

    @property
    def is_unlogged(self) -> bool:
        """Whether the session is private, and its work is kept out of the log."""
        return self.desk.conversation.is_private

    async def prepare(self) -> None:
        """Load the session that the command line names, before the screen is pushed."""
        first = self.groups.lifecycle.first
        if first.is_named:
            await first.load()

    def take_over(self, sent: list[Message], text: str) -> None:
        """Continue with the submitted messages and the text of the first screen. What was meant
        for a session that could not be loaded is not sent.
        """
        has_failed, unsent = self.groups.lifecycle.first.has_failed, []
        for message in sent:
            if has_failed and isinstance(message, Composer.Submitted):
                unsent.append(message.text)
            else:
                self.post_message(message)
        if unsent or text:
            composer = self.panes.composer
            composer.replace_text(joined(composer.text, *unsent, text))

    def system_commands(self) -> Iterable[SystemCommand]:
        """The commands for the palette: the slash commands."""
        for command in SLASH_COMMANDS:
            run = f"run({command.name!r})"
            yield SystemCommand(
                command.name.capitalize(), command.help, lambda run=run: self.run_action(run)
            )

    async def action_run(self, name: str, text: str = "") -> None:
        """Run a command of the table."""
        done = self._commands[name].run(self.groups, text)
        if isawaitable(done):
            await done

    async def action_press(self, name: str) -> None:
        """Run a command that sends a request, at the second press of its key."""
        if self.keyboard.confirms(self._commands[name]):
            await self.action_run(name)

    def stop_reply(self) -> bool:
        """Stop the reply of the open session. Returns whether one streamed."""
        is_streaming = self.groups.offers.is_streaming
        if is_streaming:
            self.groups.sending.cancel_reply()
        return is_streaming

    def action_answer_call(self, answer: str) -> None:
        """Answer a tool call by a click on the card."""
        self.query_one(ConsentCard).answer(Answer(answer))

    def on_screen_resume(self) -> None:
        self.call_after_refresh(self.groups.reviewing.removed.tell)

    def on_resize(self, event: events.Resize) -> None:
        self.groups.layout.resize(event.size.width)

    @on(TurnEnded)
    def _end_turn(self, event: TurnEnded) -> None:
        self.groups.tool_servers.check_servers()
        self.groups.sending.finish_turn(event)
        self.groups.lifecycle.save_later()

    @on(Composer.ModeChanged)
    def _show_mode(self) -> None:
        self.keyboard.follow_focus()
        self.panes.draw_keys()

    @on(Composer.Submitted)
    async def _submit(self, event: Composer.Submitted) -> None:
        await self.groups.writing.submit(event.text)

    @on(Composer.Changed)
    @on(Composer.SelectionChanged)
    async def _follow_writing(self) -> None:
        await self.groups.completing.offer()
        self.keyboard.follow_writing()
        self.groups.providers.follow_writing()
        self.groups.drafts.save_soon()

    @on(Composer.Moved)
    def _move_suggestion(self, event: Composer.Moved) -> None:
        self.groups.completing.move(event.step)
        self.keyboard.follow_writing()

    @on(OptionList.OptionSelected, "#suggestions")
    async def _click_suggestion(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        await self.groups.completing.take(submits=False)

    @on(Composer.Chosen)
    async def _take_suggestion(self, event: Composer.Chosen) -> None:
        await self.groups.completing.take(submits=event.submits)

    @on(Composer.PastedLarge)
    def _attach_paste(self, event: Composer.PastedLarge) -> None:
        self.groups.writing.attach_paste(event.text)

    @on(Composer.Dropped)
    def _offer_dropped(self, event: Composer.Dropped) -> None:
        self.groups.writing.offer_dropped(event.text, event.paths)

    @on(Composer.PasteWanted)
    def _paste(self, event: Composer.PasteWanted) -> None:
        self.groups.writing.paste_clipboard(event.copied)

    @on(Composer.Paged)
    def _scroll_conversation(self, event: Composer.Paged) -> None:
        self.panes.transcript.action_page(event.step)

    @on(Composer.BackspaceWhenEmpty)
    def _detach_last(self) -> None:
        if self.desk.pending.detach_last():
            self.panes.draw_attachments()

    @on(Sidebar.Opened)
    def _open_session(self, event: Sidebar.Opened) -> None:
        self.groups.layout.close_sidebar()
        self.groups.sessions.open_session(event.session_id)

    @on(Sidebar.Asked)
    def _answer_sidebar(self, event: Sidebar.Asked) -> None:
        self.groups.sessions.answer_sidebar(event.what, event.session_id, event.title)

    @on(RemoteScreen.Wanted)
    def _answer_stored_reply(self, event: RemoteScreen.Wanted) -> None:
        self.groups.stored_replies.answer(event.what, event.response_id)

    @on(ConsentCard.NotYet)
    def _tell_why_not(self, event: ConsentCard.NotYet) -> None:
        self.tell(event.why, is_error=False)

    @on(ConsentCard.Answered)
    def _answer_call(self, event: ConsentCard.Answered) -> None:
        self.groups.consent.take_answer(event.wanted, event.answer)

    @on(Input.Changed, "#find")
    def _mark_matches(self, event: Input.Changed) -> None:
        self.groups.finding.mark(event.value)

    @on(Input.Submitted, "#find")
    def _find(self, event: Input.Submitted) -> None:
        event.stop()
        self.groups.finding.find_text(event.value)

    @on(NewBelow)
    def _show_new_below(self, event: NewBelow) -> None:
        self.query_one("#below").display = event.is_below

    @on(CursorMoved)
    @on(Inspector.TabOpened)
    @on(TimelineView.MomentChosen)
    @on(WireView.FrameOpened)
    def _route_reading(self, event: Message) -> None:
        self.groups.reading.routes[type(event)](event)
        self.panes.draw_keys()
