"""The commands that send messages, queue them, and continue or cancel a reply."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from replyscope.domain.errors import ReplyscopeError, StoreError
from replyscope.domain.exchange import Choice
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Part
from replyscope.engine.conversation import Conversation
from replyscope.engine.live_reply import Target
from replyscope.inspection.context import Fit
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.drafts import Drafts
from replyscope.ui.chat.pending import joined
from replyscope.ui.chat.providers import ProviderCommands
from replyscope.ui.chat.turns import TurnEnded
from replyscope.ui.chat.view import ChatView
from replyscope.ui.dialogs.small import PickDialog
from replyscope.ui.terminal.type_ahead import KeyHold

_SEND, _EDIT, _COMPACT = "send", "edit", "compact"
_ONLY_READ = "Nothing was sent: saved sessions can only be read now. [Ctrl+N] new session"
Start = Callable[[Target], Awaitable[str | None]]


class Sending:
    """Commands of turns. A session runs one turn at a time, also while another one is open."""

    def __init__(
        self,
        desk: Desk,
        view: ChatView,
        drafts: Drafts,
        providers: ProviderCommands,
        start_drawing: Callable[[], None],
    ) -> None:
        self._desk = desk
        self._view = view
        self._drafts = drafts
        self._providers = providers
        self._start_drawing = start_drawing
        self._stopped: set[str] = set()
        """The ids of sessions whose reply the person stopped, until its turn ends."""
        self.on_ended: Callable[[Conversation], None] = lambda _conversation: None
        """A callback after each turn that ended unstopped, for the title of the session."""
        self.compact: Callable[[], None] = lambda: None
        """Starts /compact, in place of a message that exceeds the context window."""
        self._compacts: set[str] = set()
        """The ids of sessions to compact when their turn has ended."""
        providers.send_written = self._send_written

    def _send_written(self) -> None:
        text = self._view.composer.text
        self._view.composer.replace_text("")
        self.send(text)

    def send(self, text: str) -> None:
        """Send a message, or queue it while a reply streams."""
        if not text.strip() and not self._desk.pending.has_files:
            return
        parts = self._desk.pending.take(text)
        conversation = self._desk.conversation
        if self._desk.turns.is_running(conversation.session.id):
            self._desk.pending.queue(conversation.session.id, parts)
        else:
            self._send_parts(conversation, parts)
        if text.strip():
            self._view.composer.remember(text)
            if not conversation.is_private:
                self._desk.start_work(self._keep_prompt, text, group="history")
        self._view.draw_attachments()

    async def _keep_prompt(self, text: str) -> None:
        await self._desk.opened.wait()
        if self._desk.archive.is_read_only:
            return
        try:
            if len(text) < 100_000:
                await self._desk.services.history.add_history(text)
        except ReplyscopeError as error:
            self._desk.tell(error)

    def _send_parts(self, conversation: Conversation, parts: tuple[Part, ...]) -> None:
        edited = self._desk.pending.take_edited(conversation.session.id)

        def give_back() -> None:
            if self._desk.pending.was_sent(parts, conversation.tree.messages):
                return
            text = self._desk.pending.give_back(parts, conversation.session.id)
            if edited is not None:
                self._desk.pending.edit(conversation.session.id, edited)
            if conversation is self._desk.conversation:
                self._view.composer.replace_text(joined(text, self._view.composer.text))
                self._view.draw_attachments()
            else:
                self._desk.pending.add_written(conversation.session.id, text)
                self._desk.start_work(self._drafts.save_left, (conversation,), group="draft")

        self._desk.pending.start(conversation.session.id, parts)
        self.start_turn(
            conversation,
            lambda target: conversation.send(parts, target, instead_of=edited),
            give_back,
            parts,
        )

    async def _made_to_fit(
        self, target: Target, fit: Fit | None, conversation: Conversation, *, is_message: bool
    ) -> Target | None:
        """The target, adapted when the messages exceed the context window: a dialog offers to omit
        the oldest messages, or to compact before a message. None when nothing is to be sent.
        """
        if fit is None or not fit.is_too_large:
            return target
        rows = [(_SEND, "all messages; the server may reject them")]
        if is_message and conversation.messages:
            rows.insert(0, (_COMPACT, "summarise the conversation first; your message is kept"))
        if fit.drops:
            rows.insert(0, ("leave out", f"{fit.oldest}, for this request"))
        note = f"≈ {fit.tokens:,} tokens for a context of {fit.window:,}."
        dialog = PickDialog("The messages exceed the context window", rows, note=note)
        answer = await self._desk.ask(dialog)
        if answer == "leave out" and fit.drops:
            return replace(target, leaves_out=fit.drops)
        if answer == _COMPACT:
            self._compacts.add(conversation.session.id)
        return target if answer == _SEND else None

    def start_turn(
        self,
        conversation: Conversation,
        start: Start,
        give_back: Callable[[], None],
        parts: Sequence[Part] = (),
    ) -> None:
        """Start a turn: find the target, then run. The session is busy from now on, so later
        messages are queued. `give_back` is called when nothing could be sent.
        """
        if self._desk.turns.is_running(conversation.session.id):
            give_back()
            return
        model = self._desk.targets.model_for(conversation)
        fit = self._desk.targets.fit(conversation, model, parts)
        hold = self._hold_keys(conversation, model, fit)

        def release_and_give_back() -> None:
            hold.end()
            give_back()

        async def run() -> str | None:
            with hold:
                await self._desk.opened.wait()
                if not await self._desk.local_start.has_target(conversation):
                    return None
                target = await self._desk.targets.target_for(conversation)
                if target is None:
                    self._providers.choose_target()
                    return None
                now = (
                    fit  # computed once: it reads the whole conversation
                    if target.model == model
                    else self._desk.targets.fit(conversation, target.model, parts)
                )
                fitting = await self._made_to_fit(target, now, conversation, is_message=bool(parts))
            return await start(fitting) if fitting is not None else None

        self._desk.turns.start(conversation, run, release_and_give_back)
        self._start_drawing()

    def _hold_keys(self, conversation: Conversation, model: str | None, fit: Fit | None) -> KeyHold:
        """Let keys wait, if a dialog is to be expected before the message is sent."""
        hold = self._desk.hold_keys()
        has_target = self._desk.targets.endpoint is not None and model
        will_have = self._desk.local_start.is_awaited(conversation)
        if (has_target or will_have) and not (fit and fit.is_too_large):
            hold.end()
        return hold

    def finish_turn(self, event: TurnEnded) -> None:
        """Show how a turn ended, and send the next message of the queue."""
        conversation, fault = event.conversation, event.fault
        if self._desk.is_leaving:
            return
        event.give_back()
        self._desk.pending.settle(conversation.session.id)
        if fault is not None:
            is_only_read = self._desk.archive.is_read_only and isinstance(fault, StoreError)
            self._desk.tell(_ONLY_READ if is_only_read else fault)
        if event.why:
            self._desk.tell(f"{event.why} [t] continue", is_error=False)
        if conversation.unsaved is not None:
            self._desk.tell(f"This reply is not on disk: {conversation.unsaved}")
        session_id = conversation.session.id
        if conversation is self._desk.conversation:
            self._view.show_ending(conversation)
        else:
            self._desk.finished.add(session_id)
            title = conversation.session.title
            self._desk.tell(f"{title}: the reply is done", is_error=False)
        self._view.refresh_sidebar()
        self._notify_person(conversation)
        was_stopped = session_id in self._stopped
        if fault is None and not was_stopped:
            self.on_ended(conversation)
        self._stopped.discard(session_id)
        if fault is None and was_stopped and self._desk.pending.queued_count(session_id):
            self._ask_about_queue(conversation)
        elif session_id in self._compacts:
            self._compacts.discard(session_id)
            if conversation is self._desk.conversation:
                self.compact()
        elif fault is None:
            self._send_queued(conversation)

    def _send_queued(self, conversation: Conversation) -> None:
        """Send the oldest queued message."""
        queued = self._desk.pending.next_queued(conversation.session.id)
        if queued is not None:
            self._send_parts(conversation, queued)
            self._view.draw_attachments()

    def _ask_about_queue(self, conversation: Conversation) -> None:
        """Ask what to do with the queued messages of a reply that the person stopped."""
        number = self._desk.pending.queued_count(conversation.session.id)
        which = "the queued message" if number == 1 else f"the {number} queued messages"
        rows = [
            (_SEND, "as the next message" if number == 1 else "one after another"),
            (_EDIT, "back in the composer; nothing is sent"),
        ]

        def decide(choice: str | None) -> None:
            if choice == _SEND:
                self._send_queued(conversation)
            else:
                self._unqueue(conversation)

        self._desk.show(PickDialog(f"The reply was stopped. Send {which}?", rows), decide)

    def _unqueue(self, conversation: Conversation) -> None:
        """Put the queued messages back in the composer."""
        session_id, texts = conversation.session.id, []
        while (parts := self._desk.pending.next_queued(session_id)) is not None:
            texts.append(self._desk.pending.give_back(parts, session_id))
        text = joined(*texts)
        if conversation is self._desk.conversation:
            self._view.composer.replace_text(joined(text, self._view.composer.text))
            self._view.draw_attachments()
        else:
            self._desk.pending.add_written(session_id, text)

    def _notify_person(self, conversation: Conversation) -> None:
        """Ring the bell, if it is enabled and the window does not have the focus."""
        settings = self._desk.services.settings
        if self._desk.app.app_focus:
            return
        if settings.bell:
            self._desk.app.bell()
        if settings.desktop_notification:
            # The desktop may store the notifications that it shows.
            title = "private" if conversation.is_private else conversation.session.title
            self._desk.services.notify_desktop(f"reply done: {title}")

    def _last_choice(self) -> Choice | None:
        """The choice at the end of the branch."""
        exchange = self._desk.last_exchange()
        if exchange is None:
            return None
        return exchange.choice(self._desk.conversation.messages[-1].sources[-1].choice_index)

    def cancel_reply(self) -> None:
        """Cancel the reply; its text so far is kept. A background reply is cancelled on the
        server.
        """
        if self._desk.turns.is_running(self._desk.conversation.session.id):
            self._stopped.add(self._desk.conversation.session.id)
        live = self._desk.conversation.live
        exchange = live.exchange() if live is not None else self._desk.last_exchange()
        self._desk.turns.cancel(self._desk.conversation)
        if exchange is None or not exchange.is_background or exchange.response_id is None:
            return
        if live is not None or exchange.is_detached:
            self._desk.start_work(self._cancel_remote, exchange.response_id)

    async def _cancel_remote(self, response_id: str) -> None:
        endpoint = self._desk.targets.endpoint
        if endpoint is None:
            return
        try:
            provider = await self._desk.services.open_provider(endpoint)
            await self._desk.services.remote.cancel(provider.stored, response_id)
        except ReplyscopeError as error:
            self._desk.tell(error)

    def continue_reply(self) -> None:
        """Continue the last reply."""
        conversation = self._desk.conversation
        exchange = self._desk.last_exchange()
        if self._desk.turns.is_running(conversation.session.id):
            return
        if exchange is not None and exchange.is_detached:
            self.start_turn(conversation, conversation.resume, lambda: None)
            return
        choice = self._last_choice()
        if exchange is None or choice is None or not self._desk.can_go_on:
            self._desk.tell("There is no reply to continue. [r] retry", is_error=False)
            return
        if choice.finish_reason is FinishReason.STOP:
            self._desk.tell("The model ended this reply itself; just send your next message.")
            return
        self.start_turn(conversation, conversation.continue_reply, lambda: None)

    def raise_limit(self) -> None:
        """Double the limit of output tokens, then continue the last reply."""
        conversation = self._desk.conversation
        settings = conversation.session.settings
        limit = self._desk.targets.parameters_of(conversation).max_tokens
        exchange = self._desk.last_exchange()
        choice = self._last_choice()
        if exchange is None or choice is None or choice.finish_reason is not FinishReason.LENGTH:
            self._desk.tell("No limit cut this reply; there is nothing to raise.", is_error=False)
            return
        if limit is None:
            self._desk.tell("No limit is set here; the model's own cut this reply. [c] continue")
            return
        parameters = replace(settings.parameters, max_tokens=limit * 2)
        conversation.change_settings(replace(settings, parameters=parameters))
        self._desk.tell(f"max_tokens is now {limit * 2:,}", is_error=False)
        self.continue_reply()
