"""The commands of the stash: put the half-written message aside, and take it back."""

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.plural import plural
from replyscope.domain.session import Draft
from replyscope.engine.conversation import Conversation
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.drafts import Drafts
from replyscope.ui.chat.pending import joined
from replyscope.ui.chat.view import ChatView

_POP = "pop"


class StashCommands:
    """Commands of the stash, which is saved with its session."""

    def __init__(self, desk: Desk, view: ChatView, drafts: Drafts) -> None:
        self._desk = desk
        self._view = view
        self._drafts = drafts

    def stash(self, text: str = "") -> None:
        """Stash a text or what is written; with `pop` or nothing written, take the newest back."""
        written = self._drafts.draft
        shown = self._view.composer.text
        if shown != written.text:  # a recalled prompt
            written = Draft(shown, written.attachments)
        if text and text != _POP:
            written = Draft(text, written.attachments)
        elif text == _POP or not (written.text.strip() or written.attachments):
            conversation = self._desk.conversation
            self._desk.start_work(self._pop, conversation, group="stash", holds_keys=True)
            return
        unsent = self._drafts.draft.text if shown != self._drafts.draft.text else ""
        self._desk.pending.attachments = []
        self._view.composer.replace_text(unsent)
        self._view.draw_attachments()
        self._desk.start_work(self._push, self._desk.conversation, written, group="stash")

    async def _push(self, conversation: Conversation, draft: Draft) -> None:
        try:
            await conversation.push_stash(draft)
        except ReplyscopeError as error:
            self._desk.tell(error)
            await self._give_back(conversation, draft)
            return
        await self._drafts.save()
        number = plural(conversation.session.stashed, "message")
        self._desk.tell(f"Stashed: {number}. /stash pop takes the newest back.", is_error=False)
        self._view.draw_attachments()
        self._view.refresh_sidebar()

    async def _pop(self, conversation: Conversation) -> None:
        try:
            draft = await conversation.pop_stash()
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        if draft is None:
            self._desk.tell("The stash of this session is empty.", is_error=False)
            return
        await self._give_back(conversation, draft)

    async def _give_back(self, conversation: Conversation, draft: Draft) -> None:
        """Put a draft before what is written in its session, and save it."""
        self._desk.pending.give_back(draft.attachments, conversation.session.id)
        if conversation is not self._desk.conversation:
            self._desk.pending.add_written(conversation.session.id, draft.text)
            await self._drafts.save_left((conversation,))
            return
        composer = self._view.composer
        is_alone = not composer.text.strip()
        text = joined(draft.text, composer.text)
        composer.replace_text(text, draft.cursor if is_alone else None)
        self._view.draw_attachments()
        composer.focus()
        await self._drafts.save()  # it is not on the stash any more
