"""The chat screen: reading, finding, copying, panes and keys."""

import webbrowser
from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.app import SystemCommand
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Input

from replyscope.domain.errors import ReplyscopeError, SessionNotFound, StoreError
from replyscope.domain.message import TextPart
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.engine.branch import read_in
from replyscope.engine.review import Review
from replyscope.ui.chat.commands import COMMANDS
from replyscope.ui.chat.composer import Composer
from replyscope.ui.chat.keys import CHAT_KEYS
from replyscope.ui.chat.reviewing import ReviewingActions
from replyscope.ui.chat.sidebar import Sidebar
from replyscope.ui.dialogs.help import HelpRows, HelpScreen
from replyscope.ui.dialogs.small import PickDialog
from replyscope.ui.markdown.code_blocks import CodeBlock, code_blocks
from replyscope.ui.reading.frame_screen import FrameScreen
from replyscope.ui.reading.inspector import Inspector
from replyscope.ui.reading.wire_view import WireView
from replyscope.ui.styles.breakpoints import HORIZONTAL_BREAKPOINTS, VERTICAL_BREAKPOINTS
from replyscope.ui.terminal import garbage
from replyscope.ui.terminal.settling import settle
from replyscope.ui.textual_internals import bindings_of
from replyscope.ui.transcript.transcript import Transcript

_LOOK_FOR_CHANGES_S = 2.0
_EXIT_STORE = 5


class ChatScreen(ReviewingActions):
    """The one screen of the chat."""

    HORIZONTAL_BREAKPOINTS = HORIZONTAL_BREAKPOINTS
    VERTICAL_BREAKPOINTS = VERTICAL_BREAKPOINTS
    CSS_PATH: ClassVar[list[str]] = [  # type: ignore[assignment]
        "../styles/transcript.tcss",
        "../styles/inspector.tcss",
        "../styles/dialogs.tcss",
    ]
    BINDINGS: ClassVar[list[BindingType]] = CHAT_KEYS

    def on_mount(self) -> None:
        self.open_desk()
        self.show_conversation(self.conversation)
        self.set_focus(self.composer)
        self.call_after_refresh(lambda: self.start_work(self._begin))

    def take_over(self, sent: list[Message], text: str) -> None:
        """Go on with what was sent and typed before this screen was there."""
        for message in sent:
            self.post_message(message)
        if text:
            self.composer.replace_text(text)

    def system_commands(self) -> Iterable[SystemCommand]:
        """The commands for the palette: those after a slash."""
        for command in COMMANDS:
            name = command.name.capitalize()
            yield SystemCommand(name, command.help, lambda a=command.action: self.run_action(a))

    async def _begin(self) -> None:
        """What can wait until the first paint: the store, the sessions, the SDK."""
        services = self.services
        for fault in services.faults:
            self.tell(fault)
        try:
            await services.open_store()
        except StoreError as error:
            self.tell(f"{error} This chat is not saved.")
        try:
            recovered = await services.recover()
            if recovered:
                self.tell(f"{recovered} interrupted replies were recovered", is_error=False)
        except ReplyscopeError as error:
            self.tell(error)
        try:
            await self._open_first()
            self.composer.set_history(list(await services.history.load_history(500)))
        except ReplyscopeError as error:
            self.tell(error)
        await self.draw_sidebar()
        self.set_interval(_LOOK_FOR_CHANGES_S, self._look_for_changes)
        self.set_interval(garbage.EVERY_S, self._collect_garbage)
        if services.starts_local is not None:
            self.start_local(services.starts_local)
        elif self.targets.endpoint is not None:
            self.start_work(self._learn_models, group="models", exclusive=True)
        elif not services.opens_review:  # whoever looks back needs no server
            self.action_choose_provider()
        if services.opens_review:
            self.action_review()
        self.start_work(self._keep_archive, services.review, group="archive")

    async def _keep_archive(self, review: Review) -> None:
        """Remove what was deleted long ago, and take in what the search does not know."""
        try:
            purged = await review.purge_old()
            if purged is not None and purged.sessions:
                number = plural(purged.sessions, "session")
                self.tell(f"{number} deleted 30 days ago: now gone for good", is_error=False)
            await review.update_index()
        except ReplyscopeError as error:
            self.log.warning(str(error))

    async def _open_first(self) -> None:
        wanted = self.services.session_id
        if wanted is not None:
            wanted = await self.services.sessions.find_session_id(wanted)
        elif self.services.opens_newest:
            wanted = await self.archive.newest_id()
        if wanted is not None:
            self.show_first(await self.archive.open(wanted))

    def _collect_garbage(self) -> None:
        if not self.turns.any_running:
            garbage.collect()

    _stamp = -1

    async def _look_for_changes(self) -> None:
        """Another process may have saved something: draw the list again when so."""
        await self._save_what_waits()
        try:
            stamp = await self.services.sessions.change_stamp()
        except StoreError:
            return
        if stamp != self._stamp:
            self._stamp = stamp
            await self._catch_up()
            await self.draw_sidebar()

    async def _catch_up(self) -> None:
        """Show what another window did to the session that is open here."""
        conversation = self.conversation
        if conversation.is_new or self.turns.is_running(conversation.session.id):
            return
        try:
            changed = await conversation.catch_up()
        except ReplyscopeError as error:
            self.log.warning(str(error))
            self.tell_removed(conversation, for_good=isinstance(error, SessionNotFound))
            return
        self.tell_removed(conversation)
        if changed and conversation is self.conversation:
            self.sync_entries(conversation)
            self.transcript.renew_entries()
            self.draw_all()

    def on_resize(self) -> None:
        if not self.is_narrow:
            self.inspector_open = False  # it has a place of its own now
        self.transcript.renew_entries()
        self.call_after_refresh(self.draw_inspector)

    @on(Transcript.CursorMoved)
    def _on_cursor_moved(self) -> None:
        self._steps_back = 0
        self.draw_inspector()

    @on(Transcript.NewBelow)
    def _on_new_below(self, event: Transcript.NewBelow) -> None:
        self.query_one("#below").display = event.is_below

    @on(WireView.FrameOpened)
    def _on_frame_opened(self, event: WireView.FrameOpened) -> None:
        self.app.push_screen(FrameScreen(event.frames, event.number))

    @on(Inspector.TabOpened)
    def _on_tab_opened(self) -> None:
        self.draw_inspector()

    async def _save_what_waits(self) -> None:
        """Replies that found no room on the disk are saved when there is some again."""
        for conversation in self.archive.unsaved():
            try:
                await conversation.endings.save()
            except StoreError:
                return
            self.tell(f"{conversation.session.title}: now saved", is_error=False)

    def action_back(self) -> None:
        """Stop the reply, close what is open, or go back to writing."""
        if self.query_one("#find").display:
            self.query_one("#find").display = False
            self.transcript.needle = ""
            self.composer.focus()
        elif self.composer.is_suggesting:
            self.query_one("#suggestions").display = False
            self.composer.is_suggesting = False
        elif self.pending.take_edited(self.conversation.session.id) is not None:
            self.pending.take("")
            self.composer.replace_text("")
            self.draw_attachments()
        elif self.inspector_open:
            self.inspector_open = False
            self.composer.focus()
        elif not isinstance(self.focused, Composer):
            self.composer.focus()
        elif self.turns.is_running(self.conversation.session.id):
            self.action_cancel_reply()
        else:
            self.transcript.focus()

    def action_toggle_inspector(self) -> None:
        """Show or hide the inspector; on narrow screens it lies over the chat."""
        if self.is_narrow:
            self.inspector_open = not self.inspector_open
        else:
            self.inspector_hidden = not self.inspector_hidden
            self.transcript.renew_entries()
        self.call_after_refresh(self.draw_inspector)

    def action_step_exchange(self, step: int) -> None:
        """Inspect an earlier or later exchange of a reply that was continued."""
        self._steps_back = max(0, self._steps_back - step)
        self.draw_inspector()

    def action_toggle_sidebar(self) -> None:
        """Show or hide the sessions."""
        self.sidebar_hidden = not self.sidebar_hidden

    def action_focus_sessions(self) -> None:
        """Go to the list of sessions."""
        self.sidebar_hidden = False
        self.query_one(Sidebar).focus()

    def action_focus_transcript(self) -> None:
        """Go to the messages."""
        self.transcript.focus()

    def action_show_wire(self) -> None:
        """Show what went over the wire."""
        if self.is_narrow:
            self.inspector_open = True
        self.inspector_hidden = False
        self.inspector.open_tab("wire")
        self.query_one(WireView).focus()

    def action_find(self, text: str = "") -> None:
        """Find in this conversation."""
        field = self.query_one("#find", Input)
        field.display = True
        field.value = text
        field.focus()
        if text:
            self.transcript.find_next(text, backwards=True)

    @on(Input.Changed, "#find")
    def _on_find_typed(self, event: Input.Changed) -> None:
        self.transcript.needle = event.value

    @on(Input.Submitted, "#find")
    def _on_find(self, event: Input.Submitted) -> None:
        event.stop()
        if not self.transcript.find_next(event.value, backwards=True):
            self.tell(f"“{event.value}” is not in this conversation", is_error=False)
            return
        self.transcript.focus()

    def action_find_again(self, step: int) -> None:
        """Go to the next or previous match."""
        if self.transcript.needle:
            self.transcript.find_next(self.transcript.needle, backwards=step < 0)

    def action_copy_message(self) -> None:
        """Copy the message under the cursor as it was written or received."""
        text = self._text_at_cursor()
        if text:
            self.app.copy_to_clipboard(text)
            self.tell("Message copied", is_error=False)

    def action_copy_code(self) -> None:
        """Copy the code block of the message under the cursor; of several, a chosen one."""
        blocks = code_blocks(self._text_at_cursor())

        def copy(number: str) -> None:
            self.app.copy_to_clipboard(blocks[int(number) - 1].code)
            self.tell("Code copied", is_error=False)

        if len(blocks) > 1:
            rows = [(str(number), _describe(block)) for number, block in enumerate(blocks, 1)]
            self.ask_dialog(PickDialog("Copy which code?", rows, current=rows[-1][0]), copy)
        elif blocks:
            copy("1")
        else:
            self.tell("There is no code block in this message", is_error=False)

    def _text_at_cursor(self) -> str:
        message = self.message_at_cursor()
        if message is None:
            return ""
        parts = read_in(message, self.exchanges_now()).parts
        return "".join(part.text for part in parts if isinstance(part, TextPart))

    def action_open_link(self, target: str) -> None:
        """Open a link that was clicked, and say which."""
        if not target.startswith(("http://", "https://", "mailto:")):
            self.tell(f"{printable_line(target)} is no web address; it was not opened.")
            return
        webbrowser.open(target)
        self.tell(f"Opened {printable_line(target)}", is_error=False)

    def action_choose_theme(self, name: str = "") -> None:
        """Choose a theme; the choice is kept."""
        themes = self.app.available_themes
        ours = [source.name for source in self.services.themes if source.name in themes]
        if name:
            self._use_theme(name)
            return
        titles = {source.name: source.title for source in self.services.themes}
        rows = [(theme, titles[theme]) for theme in ours]
        self.ask_dialog(PickDialog("Theme", rows, current=self.app.theme), self._use_theme)

    def _use_theme(self, name: str) -> None:
        if name not in self.app.available_themes:
            self.tell(f"There is no theme {name}.")
            return
        self.app.theme = name
        try:
            self.services.change_settings({("theme",): name})
        except ReplyscopeError as error:
            self.tell(error)

    def action_help(self) -> None:
        """Show keys and commands."""
        self.app.push_screen(HelpScreen(self._help_rows()))

    def _help_rows(self) -> HelpRows:
        sections: HelpRows = []
        panes = (("Writing", self.composer), ("Messages", self.transcript), ("Everywhere", self))
        panes_more = (
            ("Sessions", self.query_one(Sidebar)),
            ("Inspector", self.inspector),
            ("Wire", self.query_one(WireView)),
        )
        for title, node in (*panes, *panes_more):
            rows: dict[str, tuple[str, str, str]] = {}
            for binding in bindings_of(node):
                if binding.id is None:
                    continue
                shown = self.app.get_key_display(binding)
                if binding.id in rows:
                    shown = f"{rows[binding.id][0]} {shown}"
                rows[binding.id] = (shown, binding.description, binding.id)
            sections.append((title, list(rows.values())))
        commands = [(f"/{c.name} {c.argument}".strip(), c.help, "") for c in COMMANDS]
        return [*sections, ("Commands", commands)]

    def action_quit_app(self) -> None:
        """Stop what streams, save everything, leave."""
        self.start_work(self._quit, group="quit", exclusive=True)

    async def _quit(self) -> None:
        await settle(self.composer, self)  # this key overtakes those typed before it
        if not await self.may_leave():
            return
        self.is_leaving = True
        running = self.archive.streaming()
        for conversation in running:
            conversation.leave()
        await self.turns.stop_all()
        await self.save_draft()
        await self.save_left(running)
        await self._save_what_waits()
        unsaved = self.archive.unsaved()
        if unsaved and not self.leaves_anyway:
            self.is_leaving, self.leaves_anyway = False, True
            for conversation in running:
                conversation.leave(is_leaving=False)
            self.tell(
                f"{unsaved[0].session.title} is not on disk: {unsaved[0].unsaved} "
                "Ctrl+Q again leaves without it."
            )
            return
        self.app.exit(
            return_code=_EXIT_STORE if unsaved else 0,
            message=f"not saved: {unsaved[0].unsaved}" if unsaved else None,
        )


def _describe(block: CodeBlock) -> str:
    first = next((line.strip() for line in block.code.split("\n") if line.strip()), "")
    lines = block.code.count("\n") + 1
    return f"{block.language or 'code'} · {lines} lines · {first[:50]}"
