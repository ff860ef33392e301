"""Sending, and everything that can be done about a reply."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from textual import on
from textual.message import Message

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import Choice, Exchange
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Part
from replyscope.engine.conversation import Conversation
from replyscope.engine.live_reply import Target
from replyscope.inspection.context import fit_into
from replyscope.ui.chat.panes import ChatBase
from replyscope.ui.chat.pending import joined
from replyscope.ui.chat.turns import TurnEnded
from replyscope.ui.dialogs.small import PickDialog
from replyscope.ui.reading.entries import last_shown, shown
from replyscope.ui.terminal.frame_pace import FRAME_S, FramePace, rest_after

Start = Callable[[Target], Awaitable[str | None]]


class TargetWanted(Message):
    """Nothing says where to send or which model to ask: let the person choose."""


class ReplyActions(ChatBase):
    """One reply at a time per session; sessions in the background go on."""

    def send(self, text: str) -> None:
        """Send what was written, or queue it while a reply streams."""
        if not text.strip() and not self.pending.attachments:
            return
        parts = self.pending.take(text)
        conversation = self.conversation
        if self.turns.is_running(conversation.session.id):
            self.pending.queue(conversation.session.id, parts)
        else:
            self._send_parts(conversation, parts)
        if text.strip():
            self.composer.remember(text)
            if not conversation.is_private:
                self.start_work(self._keep_prompt, text, group="history")
        self.draw_attachments()

    async def _keep_prompt(self, text: str) -> None:
        try:
            if len(text) < 100_000:
                await self.services.history.add_history(text)
        except ReplyscopeError as error:
            self.tell(error)

    def _send_parts(self, conversation: Conversation, parts: tuple[Part, ...]) -> None:
        edited = self.pending.take_edited(conversation.session.id)

        def give_back() -> None:
            if self.pending.was_sent(parts, conversation.tree.messages):
                return
            text = self.pending.give_back(parts, conversation.session.id)
            if edited is not None:
                self.pending.edit(conversation.session.id, edited)
            if conversation is self.conversation:
                self.composer.replace_text(joined(text, self.composer.text))
                self.draw_attachments()
            else:
                self.pending.add_written(conversation.session.id, text)
                self.start_work(self.save_left, (conversation,), group="draft")

        self.pending.start(conversation.session.id, parts)
        self.start_turn(
            conversation,
            lambda target: conversation.send(parts, target, instead_of=edited),
            give_back,
            parts,
        )

    async def _made_to_fit(
        self, conversation: Conversation, target: Target, parts: Sequence[Part]
    ) -> Target | None:
        """The target, perhaps without the oldest messages; None when the person gives up."""
        window = self.targets.window_of(target.model)
        if window is None:
            return target
        fit = fit_into(conversation.read_messages(), conversation.exchanges, parts, window)
        if not fit.is_too_large:
            return target
        rows = [("send", "all of it; the server may refuse")]
        if fit.drops:
            rows.insert(0, ("leave out", f"the oldest {fit.drops} messages, this time"))
        note = f"≈ {fit.tokens:,} tokens for a context of {fit.window:,}."
        dialog = PickDialog("This will not fit", rows, note=note)
        answer = await self.app.push_screen_wait(dialog)
        if answer == "leave out" and fit.drops:
            return replace(target, leaves_out=fit.drops)
        return target if answer == "send" else None

    def start_turn(
        self,
        conversation: Conversation,
        start: Start,
        give_back: Callable[[], None],
        parts: Sequence[Part] = (),
    ) -> None:
        """Find the target, then run. It counts as running from now on, so that what is sent
        meanwhile is queued; `give_back` is called when nothing could be sent.
        """
        if self.turns.is_running(conversation.session.id):
            give_back()
            return
        run = partial(self._find_and_run, conversation, start, parts)
        self.turns.start(conversation, run, give_back)
        self.start_drawing()

    async def _find_and_run(
        self, conversation: Conversation, start: Start, parts: Sequence[Part]
    ) -> str | None:
        target = await self.targets.target_for(conversation)
        if target is None:
            self.post_message(TargetWanted())
            return None
        fitting = await self._made_to_fit(conversation, target, parts)
        return await start(fitting) if fitting is not None else None

    def start_drawing(self) -> None:
        """Draw frames until no reply streams."""
        if not self._is_drawing:
            self._is_drawing = True
            self._frame_pace = FramePace(self.services.clock.monotonic_ms())
            self.set_timer(FRAME_S, self._draw_frame)

    _is_drawing = False
    _frame_pace: FramePace

    def _draw_frame(self) -> None:
        """One frame, and a timer for the next: when there is much to do, they come later."""
        began_s = time.thread_time()
        self._draw_live()
        rest_s = rest_after(time.thread_time() - began_s)
        if self.archive.streaming() or self.turns.any_running:
            wait_s = self._frame_pace.next_frame_s(self.services.clock.monotonic_ms())
            self.set_timer(max(wait_s, rest_s), self._draw_frame)
        else:
            self._is_drawing = False

    def _draw_live(self) -> None:
        conversation = self.conversation
        self.sync_entries(conversation)
        live = conversation.live
        if live is None:
            self._draw_calls(conversation)
            return
        version = live.version
        is_waiting = live.fold.is_silent
        if self._seen_versions.get(live.fold_id) == version and not is_waiting:
            return
        self._seen_versions = {live.fold_id: version}
        self.transcript.renew_entry(conversation.messages[-1].id)
        self._frame_number += 1
        # Figures are read, not watched: a fifth of the frames will do.
        if self._frame_number % 5 == 0 or is_waiting:
            self.draw_inspector()
            self.draw_status()

    _frame_number = 0

    def _draw_calls(self, conversation: Conversation) -> None:
        """How far the tools of the last reply are."""
        calling = conversation.calling
        version = calling.version if calling is not None else -1
        if calling is None or self._seen_versions.get("calls") == version:
            return
        self._seen_versions = {"calls": version}
        self.transcript.renew_entry(self.transcript.last_key)
        self.draw_inspector()

    def sync_entries(self, conversation: Conversation) -> None:
        """Bring the transcript's entries in line with the branch's messages."""
        branch = conversation.messages
        if self.transcript.last_key == last_shown(branch):
            return  # and so is the whole way to it
        self.save_draft_soon()  # what was sent is in the draft no more
        drawn, wanted = self.transcript.keys, [message.id for message in shown(branch)]
        if wanted[: len(drawn)] == drawn:
            self.query_one("#welcome").display = False
            self.transcript.display = True
            if drawn:
                self.transcript.renew_entry(drawn[-1])  # its tools have run
            for message_id in wanted[len(drawn) :]:
                self.transcript.add_entry(message_id)
            self.transcript.follow()
            self.refresh_sidebar()
        else:
            common = 0
            while common < min(len(drawn), len(wanted)) and drawn[common] == wanted[common]:
                common += 1
            for _ in range(len(drawn) - common):
                self.transcript.drop_last()
            self.sync_entries(conversation)

    @on(TurnEnded)
    def _finish_turn(self, event: TurnEnded) -> None:
        conversation, fault = event.conversation, event.fault
        if self.is_leaving:
            return
        event.give_back()
        self.pending.settle(conversation.session.id)
        if fault is not None:
            self.tell(fault)
        if event.why:
            self.tell(f"{event.why} t goes on.", is_error=False)
        if conversation.unsaved is not None:
            self.tell(f"This reply is not on disk: {conversation.unsaved}")
        session_id = conversation.session.id
        if conversation is self.conversation:
            self.sync_entries(conversation)
            self.transcript.renew_entry(self.transcript.last_key)
            self._shown_wire = None
            self.draw_all()
        else:
            self.finished.add(session_id)
            title = conversation.session.title
            self.tell(f"{title}: the reply is done", is_error=False)
        self.refresh_sidebar()
        self.notify_person(conversation)
        queued = self.pending.next_queued(session_id) if fault is None else None
        if queued is not None:
            self._send_parts(conversation, queued)
            self.draw_attachments()

    def notify_person(self, conversation: Conversation) -> None:
        """Ring, where the person wants it and looks elsewhere."""
        settings = self.services.settings
        if self.app.app_focus:
            return
        if settings.bell:
            self.app.bell()
        if settings.desktop_notification:
            # What the desktop shows it may keep.
            title = "private" if conversation.is_private else conversation.session.title
            self.services.notify_desktop(f"reply done: {title}")

    def last_exchange(self) -> Exchange | None:
        """The newest exchange of the last reply."""
        messages = self.conversation.messages
        if not messages or not messages[-1].sources:
            return None
        return self.conversation.exchanges.get(messages[-1].sources[-1].exchange_id)

    def _last_choice(self) -> Choice | None:
        """The choice that the branch ends with."""
        exchange = self.last_exchange()
        if exchange is None:
            return None
        return exchange.choice(self.conversation.messages[-1].sources[-1].choice_index)

    def action_cancel_reply(self) -> None:
        """Stop the reply; what came is kept. One in the background is stopped at the server."""
        live = self.conversation.live
        exchange = live.exchange() if live is not None else self.last_exchange()
        self.turns.cancel(self.conversation)
        if exchange is None or not exchange.is_background or exchange.response_id is None:
            return
        if live is not None or exchange.is_detached:
            self.start_work(self._cancel_remote, exchange.response_id)

    async def _cancel_remote(self, response_id: str) -> None:
        endpoint = self.targets.endpoint
        if endpoint is None:
            return
        try:
            provider = await self.services.open_provider(endpoint)
            await self.services.remote.cancel(provider.stored, response_id)
        except ReplyscopeError as error:
            self.tell(error)

    def action_continue_reply(self) -> None:
        """Ask for more of the last reply."""
        conversation = self.conversation
        exchange = self.last_exchange()
        if self.turns.is_running(conversation.session.id):
            return
        if exchange is not None and exchange.is_detached:
            self.start_turn(conversation, conversation.resume, lambda: None)
            return
        choice = self._last_choice()
        if exchange is None or choice is None or not choice.text:
            self.tell("There is no reply to continue; r asks again.", is_error=False)
            return
        if choice.finish_reason is FinishReason.STOP:
            self.tell("The model ended this reply itself; just send your next message.")
            return
        self.start_turn(conversation, conversation.continue_reply, lambda: None)

    def action_raise_limit(self) -> None:
        """Double the limit on output tokens, then continue."""
        conversation = self.conversation
        settings = conversation.session.settings
        limit = settings.parameters.max_tokens
        exchange = self.last_exchange()
        choice = self._last_choice()
        if exchange is None or choice is None or choice.finish_reason is not FinishReason.LENGTH:
            self.tell("No limit cut this reply; there is nothing to raise.", is_error=False)
            return
        if limit is None:
            self.tell("No limit is set here; the model's own cut this reply. c continues it.")
            return
        parameters = replace(settings.parameters, max_tokens=limit * 2)
        conversation.change_settings(replace(settings, parameters=parameters))
        self.tell(f"max_tokens is now {limit * 2:,}", is_error=False)
        self.action_continue_reply()
