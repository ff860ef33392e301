"""Sessions: new, open, rename, delete, undo, and their drafts."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from textual import on
from textual.timer import Timer

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.session import Draft, SessionSettings
from replyscope.engine.conversation import Conversation
from replyscope.ui.chat.commands import is_command
from replyscope.ui.chat.composer import Composer
from replyscope.ui.chat.pending import joined
from replyscope.ui.chat.providers import TargetActions
from replyscope.ui.chat.sidebar import Sidebar
from replyscope.ui.dialogs.small import LineDialog, PickDialog
from replyscope.ui.terminal.settling import settle

_DRAFT_S = 0.5
_SETTLE_S = 2.0
"""The longest that a key waits for those before it."""


class SessionActions(TargetActions):
    """What a person does with sessions."""

    _draft_timer: Timer | None = None
    _ordinary = SessionSettings()
    """The settings of the ordinary session that was last left for a new one."""
    _told_gone = 0

    def action_new_session(self) -> None:
        """Start a new session with the present one's system prompt and parameters.

        It is shown at once: the next key may come before anything could be saved.
        """
        self._begin_session(is_private=False)

    async def action_new_here(self) -> None:
        """Start a new session by its key: earlier keys belong to the present session, later
        ones to the new one. The app waits, so the later ones do, too.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_S):
                await settle(self.composer)  # its text, and messages that it sends on
                await settle(*self.composer.ancestors)
        self.action_new_session()

    def action_private_session(self) -> None:
        """Start a session of which nothing is written, and that is gone at exit."""
        if not self.services.sessions.is_saving:
            self.tell("Nothing of this chat is saved anyway.", is_error=False)
            return
        self._begin_session(is_private=True)

    def _begin_session(self, *, is_private: bool) -> None:
        left, draft = self.conversation, self.draft
        if not left.is_private:
            self._ordinary = left.session.settings
        # What was set in a private session is not saved with an ordinary one.
        old = left.session.settings if is_private else self._ordinary
        settings = SessionSettings(model=old.model, system=old.system, parameters=old.parameters)
        self.show_conversation(self.archive.new(settings, is_private=is_private))
        self.set_focus(self.composer)
        self.start_work(self._keep_draft, left, draft, group="draft")

    async def _keep_draft(self, left: Conversation, draft: Draft) -> None:
        await self._save_draft_of(left, draft)
        await self.draw_sidebar()

    def show_first(self, conversation: Conversation) -> None:
        """Open the conversation of the start. What was typed meanwhile joins its draft."""
        typed = self.draft
        self.show_conversation(conversation)
        if typed.text:
            self.composer.replace_text(joined(self.composer.text, typed.text))
        self.pending.add(typed.attachments)
        self.draw_attachments()

    def open_session(self, session_id: str) -> None:
        """Show a session."""
        self.start_work(self._open_session, session_id, group="open", exclusive=True)

    async def _open_session(self, session_id: str) -> None:
        await self.save_draft()
        try:
            conversation = await self.archive.open(session_id)
        except ReplyscopeError as error:
            self.tell(error)
            return
        self.show_conversation(conversation)
        if conversation.is_streaming:
            self.start_drawing()
        self.composer.focus()
        await self.draw_sidebar()

    @on(Sidebar.Opened)
    def _on_opened(self, event: Sidebar.Opened) -> None:
        self.open_session(event.session_id)

    @on(Sidebar.Asked)
    def _on_asked(self, event: Sidebar.Asked) -> None:
        session_id = event.session_id or self.conversation.session.id
        match event.what:
            case "new":
                self.action_new_session()
            case "private":
                self.action_private_session()
            case "rename":
                self._rename(session_id)
            case "delete":
                self._delete(session_id)
            case "undo":
                self.action_undo_delete()

    def action_rename_session(self, title: str = "") -> None:
        """Give the open session a title."""
        if title:
            self.start_work(self._apply_title, self.conversation.session.id, title)
        else:
            self._rename(self.conversation.session.id)

    def _rename(self, session_id: str) -> None:
        is_open = session_id == self.conversation.session.id
        start = self.conversation.session.title if is_open else ""
        self.ask_dialog(
            LineDialog("Title of this session", start),
            lambda title: self.start_work(self._apply_title, session_id, title),
        )

    async def _apply_title(self, session_id: str, title: str) -> None:
        try:
            await self.archive.rename(session_id, title)
        except ReplyscopeError as error:
            self.tell(error)
        await self.draw_sidebar()

    def action_delete_session(self) -> None:
        """Delete the open session; undo brings it back."""
        self._delete(self.conversation.session.id)

    def _delete(self, session_id: str) -> None:
        self.start_work(self._delete_now, session_id, group="open", exclusive=True)

    async def _delete_now(self, session_id: str) -> None:
        if self.turns.is_running(session_id):
            self.tell("A reply streams into this session. Stop it first (Esc).")
            return
        is_private = self.archive.is_private(session_id)
        if is_private and not await self._lets_go():
            return
        try:
            if is_private:
                await self.archive.delete(session_id)
            elif not (session_id == self.conversation.session.id and self.conversation.is_new):
                await self.archive.delete(session_id)
                self.deleted.append(session_id)
                self.tell("Session deleted. /undo brings it back.", is_error=False)
        except ReplyscopeError as error:
            self.tell(error)
            return
        if session_id == self.conversation.session.id:
            self.show_conversation(self.archive.new(SessionSettings()))
        if is_private:
            self.pending.forget(session_id)
        await self.draw_sidebar()

    async def _lets_go(self) -> bool:
        rows = (("keep", "leave it here"), ("delete", "it can't be brought back"))
        dialog = PickDialog("Delete this private session?", rows)
        return await self.app.push_screen_wait(dialog) == "delete"

    async def may_leave(self) -> bool:
        """Whether nothing private would be gone that the person was not told of."""
        count = await self.archive.count_private()
        if self.leaves_anyway or count in (0, self._told_gone):
            return True
        self._told_gone = count
        summaries = await self.archive.list_sessions(limit=0)
        titles = [f"“{summary.title}”" for summary in summaries if summary.is_private]
        what = titles[0] if len(titles) == 1 else f"{titles[0]} and {len(titles) - 1} more"
        self.tell(f"{what}: private, and gone for good when you leave. Ctrl+Q again leaves.")
        return False

    def action_undo_delete(self) -> None:
        """Bring the last deleted session back."""
        if not self.deleted:
            self.tell("Nothing was deleted since the start.", is_error=False)
            return
        self.start_work(self._restore, self.deleted.pop(), group="open", exclusive=True)

    async def _restore(self, session_id: str) -> None:
        try:
            await self.archive.restore(session_id)
        except ReplyscopeError as error:
            self.tell(error)
            return
        await self._open_session(session_id)

    @on(Composer.Changed)
    @on(Composer.SelectionChanged)
    def save_draft_soon(self) -> None:
        """Save the draft within a second, also while the person types on."""
        if self._draft_timer is None:
            self._draft_timer = self.set_timer(_DRAFT_S, self._save_draft_now)

    def _save_draft_now(self) -> None:
        self._draft_timer = None
        self.start_work(self.save_draft, group="draft")

    async def save_draft(self) -> None:
        """Keep what is written, attached, queued or about to be sent, with its session."""
        await self._save_draft_of(self.conversation, self.draft)

    async def save_left(self, conversations: Iterable[Conversation]) -> None:
        """Keep what is written and queued in sessions that are not shown."""
        for conversation in conversations:
            if conversation is not self.conversation:
                written = self.pending.written_in(conversation.session.id)
                await self._save_draft_of(conversation, written)

    async def _save_draft_of(self, conversation: Conversation, draft: Draft) -> None:
        session = conversation.session
        draft = self.pending.with_unsent(session.id, conversation.tree.messages, draft)
        if draft == session.whole_draft or (conversation.is_new and is_command(draft)):
            return  # a command makes no session of its own
        conversation.session = session.with_draft(draft)
        try:
            await conversation.save_head()
        except ReplyscopeError as error:
            # It is not on disk: the next change, and leaving, try again.
            conversation.session = conversation.session.with_draft(session.whole_draft)
            self.tell(error)
