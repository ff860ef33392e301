"""Drafts: the unsent text, attachments and queued messages, saved with their session."""

from collections.abc import Callable, Iterable

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.session import Draft
from replyscope.engine.conversation import Conversation
from replyscope.ui.chat.desk import Desk
from replyscope.ui.terminal.frame_pace import Stoppable

_SAVE_AFTER_S = 0.5


class Drafts:
    """Saves drafts. `read` returns the text of the composer and its cursor."""

    def __init__(self, desk: Desk, read: Callable[[], tuple[str, int | None]]) -> None:
        self._desk = desk
        self._read = read
        self._timer: Stoppable | None = None

    @property
    def draft(self) -> Draft:
        """The draft of the open conversation."""
        text, cursor = self._read()
        return Draft(text, tuple(self._desk.pending.attachments), cursor)

    def turn_to(self, conversation: Conversation) -> Draft:
        """Open a conversation on the desk, and return its draft. The draft of the previous
        conversation is kept.
        """
        desk, session = self._desk, conversation.session
        if conversation is not desk.conversation:
            desk.pending.keep_written(desk.conversation.session.id, self.draft)
        desk.conversation = conversation
        desk.targets.follow(conversation)
        desk.pending.turn_to(session.id, session.draft_attachments)
        desk.finished.discard(session.id)
        return desk.pending.take_written(session.id) or session.whole_draft

    def save_soon(self) -> None:
        """Save the draft within a second, also while the person continues to type."""
        if self._timer is None:
            self._timer = self._desk.set_timer(_SAVE_AFTER_S, self._save_now)

    def _save_now(self) -> None:
        self._timer = None
        self._desk.start_work(self.save, group="draft")

    async def save(self) -> None:
        """Save the draft of the open session, with its queued and unsent messages."""
        await self.save_of(self._desk.conversation, self.draft)

    async def save_left(self, conversations: Iterable[Conversation]) -> None:
        """Save the drafts and queued messages of sessions that are not open."""
        for conversation in conversations:
            if conversation is not self._desk.conversation:
                written = self._desk.pending.written_in(conversation.session.id)
                await self.save_of(conversation, written)

    async def delete_empty(self) -> None:
        """Delete the open session if only a draft was in it, and that was removed."""
        conversation = self._desk.conversation
        session = conversation.session
        has_content = conversation.tree.messages or session.whole_draft != Draft()
        is_chosen = session.is_title_given or session.stashed or conversation.is_private
        if conversation.is_new or has_content or is_chosen or self._desk.archive.is_read_only:
            return
        try:
            await self._desk.archive.delete(session.id)
        except ReplyscopeError as error:
            self._desk.tell(error)

    async def save_of(self, conversation: Conversation, draft: Draft) -> None:
        """Save a draft with its session, unless it is saved already or is a command."""
        if self._desk.archive.is_read_only and not conversation.is_private:
            return  # it was said once; the draft stays with its session until the exit
        session = conversation.session
        draft = self._desk.pending.with_unsent(session.id, conversation.tree.messages, draft)
        if draft == session.whole_draft or (conversation.is_new and is_command(draft)):
            return  # a command does not create a session
        conversation.session = session.with_draft(draft)
        try:
            await conversation.save_head()
        except ReplyscopeError as error:
            # It is not on disk: the next change, or quitting, tries again.
            conversation.session = conversation.session.with_draft(session.whole_draft)
            self._desk.tell(error)


def is_command(draft: Draft) -> bool:
    """Whether a draft is a command or the start of one: a line that begins with a slash."""
    is_line = draft.text.startswith("/") and "\n" not in draft.text
    return is_line and not draft.attachments
