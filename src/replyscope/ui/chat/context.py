"""The commands of the context: what the next request holds."""

from collections.abc import Callable
from dataclasses import replace

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.message import Message, Role
from replyscope.engine.message_marks import leave_out, pin
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.view import ChatView


class ContextCommands:
    """Commands of the context of the next request. `read` focuses the transcript."""

    def __init__(self, desk: Desk, view: ChatView, read: Callable[[], object]) -> None:
        self._desk = desk
        self._view = view
        self._read = read

    def show(self) -> None:
        """Show what the next request holds, with the message that is being written."""
        from replyscope.engine.next_request import NextRequest  # loaded on first use
        from replyscope.ui.chat.context_dialog import ContextDialog, ContextSource

        conversation, pending = self._desk.conversation, self._desk.pending
        written, _ = self._view.composer.written
        request = NextRequest(
            self._desk.targets,
            conversation,
            pending.parts(written),
            instead_of=pending.edited,
        )

        async def load() -> NextRequest:
            return replace(request, tools=await conversation.offered_tools())

        has_tools = bool(self._desk.offered_tools())
        source = ContextSource(request, load, has_tools, self._mark)
        self._desk.ask_dialog(ContextDialog(source), self._point_at)

    def leave_out(self) -> None:
        """Leave the message under the cursor out of the next requests, or send it again."""
        self._mark_at_cursor("leave out")

    def pin(self) -> None:
        """Pin the message under the cursor, or remove its pin."""
        self._mark_at_cursor("pin")

    def _mark_at_cursor(self, kind: str) -> None:
        message = self._view.message_at_cursor()
        if message is None:
            self._desk.tell("There is no message yet.", is_error=False)
        else:
            self._mark(message.id, kind)

    def _mark(self, message_id: str, kind: str) -> None:
        conversation = self._desk.conversation
        change = leave_out if kind == "leave out" else pin
        settings, sentence = change(
            conversation.messages, conversation.session.settings, message_id
        )
        try:
            self._desk.targets.check_marks(conversation, settings)
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        self._desk.apply_settings(conversation, settings)
        self._desk.tell(sentence, is_error=False)
        self._view.redraw_replies()

    def explain_cache(self) -> None:
        """Show why the reply under the cursor did or did not use the server's cache."""
        reply = self._view.reply_at_cursor()
        if reply is None:
            self._desk.tell("There is no reply yet.", is_error=False)
            return
        self._desk.start_work(
            self._explain_cache, reply, group="cache", exclusive=True, holds_keys=True
        )

    async def _explain_cache(self, reply: Message) -> None:
        from replyscope.engine.cache_report import load_cache_report  # loaded on first use
        from replyscope.ui.dialogs.edit_dialog import ReadDialog  # loaded on first use

        desk, conversation = self._desk, self._desk.conversation
        try:
            report = await load_cache_report(
                desk.archive, conversation.tree, desk.exchanges_now, reply
            )
        except ReplyscopeError as error:
            desk.tell(error)
            return
        lines = report.sentences()
        if report.difference is not None:
            lines += ["", *report.difference.lines()]
        desk.show(ReadDialog("Prompt cache", "\n".join(lines)))

    def _point_at(self, message_id: str) -> None:
        """Show a message of the branch; for tool results, the reply that called the tools."""
        conversation = self._desk.conversation
        message = conversation.tree[message_id]
        shown = conversation.tree.parent_of(message) if message.role is Role.TOOL else message
        if shown is not None and shown in conversation.messages:
            self._view.point_at(shown.id)
            self._read()
