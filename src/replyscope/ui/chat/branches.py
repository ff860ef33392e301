"""Choices, retries and edits: walking between siblings, editing, forking."""

from collections.abc import Awaitable
from dataclasses import replace

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.message import FilePart, ImagePart, Message, Role
from replyscope.engine.live_reply import Target
from replyscope.ui.chat.sending import ReplyActions
from replyscope.ui.dialogs.small import PickDialog
from replyscope.ui.reading.entries import shown


class BranchActions(ReplyActions):
    """A session is a tree: nothing here overwrites anything."""

    def action_walk(self, step: int) -> None:
        """Show the next or previous sibling of the message under the cursor."""
        message = self.message_at_cursor()
        if message is None:
            return
        siblings = self.conversation.tree.siblings(message)
        if len(siblings) < 2:
            self.tell("This message has no siblings; r asks again, e edits.", is_error=False)
            return
        position = [sibling.id for sibling in siblings].index(message.id)
        self.action_show_sibling(siblings[(position + step) % len(siblings)].id)

    def action_show_sibling(self, message_id: str) -> None:
        """Show the branch that goes on from a message."""
        self.start_work(self._show_sibling, message_id, group="branch", exclusive=True)

    async def _show_sibling(self, message_id: str) -> None:
        conversation = self.conversation
        try:
            await conversation.go_to(message_id)
        except ReplyscopeError as error:
            self.tell(error)
        if conversation is not self.conversation:
            return
        self.sync_entries(conversation)
        ids = [message.id for message in shown(conversation.messages)]
        self.transcript.point_at(ids.index(message_id))
        self.draw_all()

    def action_retry(self, model: str = "") -> None:
        """Ask again for the reply under the cursor; it stays, beside the new one."""
        conversation = self.conversation
        if self.turns.is_running(conversation.session.id):
            return
        if not any(m.role is Role.USER for m in conversation.messages):
            self.tell("There is nothing to retry yet.", is_error=False)
            return
        reply = self.reply_at_cursor()

        def start(target: Target) -> Awaitable[str | None]:
            chosen = replace(target, model=model) if model else target
            return conversation.retry(chosen, reply=reply)

        self.start_turn(conversation, start, lambda: None)

    def action_retry_elsewhere(self) -> None:
        """Ask another model for the reply under the cursor."""
        rows = [(model.id, model.owner or "") for model in self.targets.models]
        current = self.targets.model_for(self.conversation)
        dialog = PickDialog("Ask again with", rows, current=current, is_free=True)
        self.ask_dialog(dialog, self.action_retry)

    def action_edit_message(self) -> None:
        """Write an earlier message anew; sending makes it a sibling."""
        message = self.message_at_cursor()
        tree = self.conversation.tree
        while message is not None and message.role in (Role.ASSISTANT, Role.TOOL):
            message = tree.parent_of(message)
        if message is None or message.role is not Role.USER:
            self.tell("Point at a message of yours to edit it.", is_error=False)
            return
        if self.composer.text.strip():
            self.tell("Send or clear what you are writing first.", is_error=False)
            return
        self.pending.edit(self.conversation.session.id, message)
        for part in message.parts:
            if isinstance(part, FilePart | ImagePart):
                self.pending.attach(part)
        self.composer.replace_text(message.text)
        self.composer.focus()
        self.draw_attachments()

    def action_fork(self) -> None:
        """Go on from the message under the cursor in a session of its own."""
        message = self.message_at_cursor()
        if message is None:
            self.tell("There is nothing to fork yet.", is_error=False)
            return
        self.start_work(self._fork, message, group="open", exclusive=True)

    async def _fork(self, message: Message) -> None:
        await self.save_draft()
        try:
            forked = await self.archive.fork(self.conversation, message.id)
        except ReplyscopeError as error:
            self.tell(error)
            return
        self.show_conversation(forked)
        self.composer.focus()
        self.tell(
            "Forked: what came before is shared, what comes is this session's", is_error=False
        )
        await self.draw_sidebar()
