"""The commands of branches: show a sibling, retry, edit and fork."""

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.message import Attachment, Message, Role
from replyscope.domain.model_names import ModelName
from replyscope.engine.live_reply import Target
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.drafts import Drafts
from replyscope.ui.chat.providers import ProviderCommands
from replyscope.ui.chat.sending import Sending
from replyscope.ui.chat.view import ChatView


class Branches:
    """Commands of branches. A session is a tree of messages: no message is overwritten."""

    def __init__(
        self,
        desk: Desk,
        view: ChatView,
        drafts: Drafts,
        sending: Sending,
        providers: ProviderCommands,
    ) -> None:
        self._desk = desk
        self._view = view
        self._drafts = drafts
        self._sending = sending
        self._providers = providers

    def walk(self, step: int) -> None:
        """Show the next or previous sibling of the message under the cursor."""
        message = self._view.message_at_cursor()
        if message is None:
            return
        siblings = self._desk.conversation.tree.siblings(message)
        if len(siblings) < 2:
            self._desk.tell("Only one version. [r] retry  [e] edit", is_error=False)
            return
        position = [sibling.id for sibling in siblings].index(message.id)
        self.show_sibling(siblings[(position + step) % len(siblings)].id)

    def show_sibling(self, message_id: str) -> None:
        """Show the branch that continues from a message."""
        self._desk.start_work(self._show_sibling, message_id, group="branch", exclusive=True)

    async def _show_sibling(self, message_id: str) -> None:
        conversation = self._desk.conversation
        try:
            await conversation.go_to(message_id)
        except ReplyscopeError as error:
            self._desk.tell(error)
        if conversation is not self._desk.conversation:
            return
        self._view.sync_entries(conversation)
        self._view.point_at(message_id)
        self._view.draw_all()

    def retry(self, model: str = "") -> None:
        """Retry the reply under the cursor, perhaps with a model by its name or alias. Both
        replies are kept, as siblings.
        """
        self._retry_with(self._desk.targets.find_model(model) if model else None)

    def _retry_with(self, model: ModelName | None) -> None:
        conversation = self._desk.conversation
        if self._desk.turns.is_running(conversation.session.id):
            return
        if not any(m.role is Role.USER for m in conversation.messages):
            self._desk.tell("There is nothing to retry yet.", is_error=False)
            return
        reply = self._view.reply_at_cursor()

        async def start(target: Target) -> str | None:
            if model is not None:
                target = await self._desk.targets.named_target(target, model)
            return await conversation.retry(target, reply=reply)

        self._sending.start_turn(conversation, start, lambda: None)

    def retry_elsewhere(self) -> None:
        """Retry the reply under the cursor with a model of any provider."""
        self._desk.start_work(self._retry_elsewhere, group="pick", exclusive=True, holds_keys=True)

    async def _retry_elsewhere(self) -> None:
        def accept(name: ModelName | None) -> None:
            if name is not None:
                self._retry_with(self._desk.targets.relative(name))

        self._desk.show(await self._providers.model_picker("Ask again with", is_retry=True), accept)

    def edit_message(self) -> None:
        """Edit an earlier message. The new text is sent as its sibling."""
        message = self._view.message_at_cursor()
        tree = self._desk.conversation.tree
        while message is not None and message.role in (Role.ASSISTANT, Role.TOOL):
            message = tree.parent_of(message)
        if message is None or message.role is not Role.USER:
            self._desk.tell("Point at a message of yours to edit it.", is_error=False)
            return
        if self._view.composer.text.strip():
            self._desk.tell("Send or clear what you are writing first.", is_error=False)
            return
        self._desk.pending.edit(self._desk.conversation.session.id, message)
        for part in message.parts:
            if isinstance(part, Attachment):
                self._desk.pending.attach(part)
        self._view.composer.replace_text(message.text)
        self._view.composer.focus()
        self._view.draw_attachments()

    def fork(self) -> None:
        """Fork the session at the message under the cursor."""
        message = self._view.message_at_cursor()
        if message is None:
            self._desk.tell("There is nothing to fork yet.", is_error=False)
            return
        self._desk.start_work(self._fork, message, group="open", exclusive=True, holds_keys=True)

    async def _fork(self, message: Message) -> None:
        await self._drafts.save()
        try:
            forked = await self._desk.archive.fork(self._desk.conversation, message.id)
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        self._view.show_conversation(forked)
        self._view.composer.focus()
        self._desk.tell(
            "Forked: earlier messages are shared, new ones belong to this session", is_error=False
        )
        await self._view.draw_sidebar()
