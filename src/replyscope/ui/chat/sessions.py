"""The commands of sessions: new, open, rename, delete and undo."""

from collections.abc import Callable
from functools import partial

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.printable import printable_line
from replyscope.domain.session import Draft, SessionSettings
from replyscope.engine.conversation import Conversation
from replyscope.engine.undo import UndoableChange
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.drafts import Drafts
from replyscope.ui.chat.view import ChatView
from replyscope.ui.dialogs.small import LineDialog, PickDialog


class Sessions:
    """Commands of sessions, and the warning before private sessions are lost."""

    def __init__(
        self, desk: Desk, view: ChatView, drafts: Drafts, start_drawing: Callable[[], None]
    ) -> None:
        self._desk = desk
        self._view = view
        self._drafts = drafts
        self._start_drawing = start_drawing
        self._ordinary = SessionSettings()
        """The settings of the last ordinary session, for the next new one."""
        self._told_gone = 0

    def new_session(self) -> None:
        """Start a new session with the settings of the open one.

        It opens at once, before anything is saved: the next key may be pressed already.
        """
        self._begin_session(is_private=False)

    async def new_here(self) -> None:
        """Start a new session by a key. Earlier keys belong to the open session, later keys to
        the new one.
        """
        await self._view.settle()
        self.new_session()

    def private_session(self) -> None:
        """Start a private session: nothing is saved, and it is lost at exit."""
        if not self._desk.services.sessions.is_saving:
            self._desk.tell("Nothing of this chat is saved anyway.", is_error=False)
            return
        self._begin_session(is_private=True)

    def _begin_session(self, *, is_private: bool) -> None:
        left, draft = self._desk.conversation, self._drafts.draft
        self._view.show_conversation(self._new(is_private=is_private))
        self._view.focus_composer()
        self._desk.start_work(self._keep_draft, left, draft, group="draft")

    def _new(self, *, is_private: bool = False) -> Conversation:
        """An empty conversation with the settings of the open one.

        Settings of a private session are never saved with an ordinary one.
        """
        left = self._desk.conversation
        is_private = is_private or self._desk.archive.is_read_only
        if not left.is_private:
            self._ordinary = left.session.settings
        settings = left.session.settings if is_private else self._ordinary
        return self._desk.archive.new(settings, is_private=is_private)

    async def _keep_draft(self, left: Conversation, draft: Draft) -> None:
        await self._drafts.save_of(left, draft)
        await self._view.draw_sidebar()

    def open_session(self, session_id: str) -> None:
        """Open a session."""
        self._desk.start_work(
            self.open_now, session_id, group="open", exclusive=True, holds_keys=True
        )

    async def open_now(self, session_id: str) -> None:
        """Open a session. The draft of the previous one is saved first."""
        await self._drafts.save()
        try:
            conversation = await self._desk.archive.open(session_id)
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        self._view.show_conversation(conversation)
        if conversation.is_streaming:
            self._start_drawing()
        self._view.composer.focus()
        await self._view.draw_sidebar()

    def answer_sidebar(self, what: str, session_id: str | None, title: str = "") -> None:
        """Run a command of the list of sessions; without an id, on the open session."""
        is_open = session_id in (None, self._desk.conversation.session.id)
        session_id = session_id or self._desk.conversation.session.id
        title = self._desk.conversation.session.title if is_open else title
        match what:
            case "new":
                self.new_session()
            case "private":
                self.private_session()
            case "rename":
                self._rename(session_id, title)
            case "delete":
                self._delete(session_id, title)
            case "more":
                self._view.refresh_sidebar()
            case "undo":
                self.undo()

    def rename_session(self, title: str = "") -> None:
        """Rename the open session."""
        if title:
            self._desk.start_work(self._apply_title, self._desk.conversation.session.id, title)
        else:
            session = self._desk.conversation.session
            self._rename(session.id, session.title)

    def _rename(self, session_id: str, title: str) -> None:
        self._desk.ask_dialog(
            LineDialog(f"Rename {_quoted(title)}", title),
            lambda title: self._desk.start_work(self._apply_title, session_id, title),
        )

    async def _apply_title(self, session_id: str, title: str) -> None:
        try:
            await self._desk.archive.rename(session_id, title)
        except ReplyscopeError as error:
            self._desk.tell(error)
        await self._view.draw_sidebar()

    def delete_session(self) -> None:
        """Delete the open session; undo restores it."""
        session = self._desk.conversation.session
        self._delete(session.id, session.title)

    def _delete(self, session_id: str, title: str) -> None:
        self._desk.start_work(
            self._delete_now, session_id, title, group="open", exclusive=True, holds_keys=True
        )

    async def _delete_now(self, session_id: str, title: str) -> None:
        if self._desk.turns.is_running(session_id):
            self._desk.tell(f"A reply streams into {_quoted(title)}. [Esc] stop it first")
            return
        is_private = self._desk.archive.is_private(session_id)
        if is_private and not await self._lets_go(title):
            return
        try:
            if is_private:
                await self._desk.archive.delete(session_id)
            elif not (
                session_id == self._desk.conversation.session.id and self._desk.conversation.is_new
            ):
                await self._desk.archive.delete(session_id)
                self._desk.services.undo.keep(self._deletion_of(session_id, title))
                self._desk.tell(f"Deleted {_quoted(title)}. /undo restores it.", is_error=False)
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        if session_id == self._desk.conversation.session.id:
            self._view.show_conversation(self._new())
        if is_private:
            self._desk.pending.forget(session_id)
        await self._view.draw_sidebar()

    async def _lets_go(self, title: str) -> bool:
        rows = (("keep", "do not delete it"), ("delete", "it cannot be restored"))
        dialog = PickDialog(f"Delete the private session {_quoted(title)}?", rows)
        return await self._desk.ask(dialog) == "delete"

    async def may_leave(self) -> bool:
        """Warn of private sessions that would be lost. Returns whether to quit: True without
        such sessions, and after a warning.
        """
        count = await self._desk.archive.count_private()
        if self._desk.leaves_anyway or count in (0, self._told_gone):
            return True
        self._told_gone = count
        summaries = await self._desk.archive.list_sessions(limit=0)
        titles = [f"“{summary.title}”" for summary in summaries if summary.is_private]
        what = titles[0] if len(titles) == 1 else f"{titles[0]} and {len(titles) - 1} more"
        self._desk.tell(
            f"{what}: private, and gone for good when you leave. [Ctrl+Q] again leaves."
        )
        return False

    def _deletion_of(self, session_id: str, title: str) -> UndoableChange:
        restore = partial(self._desk.archive.restore, session_id)
        done, undone = f"Deleted {_quoted(title)}", f"Restored {_quoted(title)}"
        return UndoableChange(done, undone, restore, (session_id,))

    def undo(self) -> None:
        """Undo the last change, made here or on the review screen."""
        self._desk.start_work(self._undo, group="open", exclusive=True, holds_keys=True)

    async def _undo(self) -> None:
        try:
            undone = await self._desk.services.undo.undo()
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        if undone is None:
            self._desk.tell("There is nothing to undo.", is_error=False)
            return
        self._desk.tell(undone.sentence, is_error=False)
        if len(undone.restored) == 1:
            await self.open_now(undone.restored[0])
        else:
            await self._view.draw_sidebar()


def _quoted(title: str) -> str:
    return f"“{printable_line(title)}”"
