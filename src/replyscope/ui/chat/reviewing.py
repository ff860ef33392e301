"""Reviewing from the chat: the review screen, numbers, replay, comparison, export."""

import asyncio
import importlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from textual.screen import Screen

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.message import Message, Role
from replyscope.engine.conversation import Conversation
from replyscope.engine.live_reply import Target
from replyscope.inspection.siblings import Reply, replies_beside
from replyscope.ui.chat.writing import WritingActions
from replyscope.ui.reading.entries import shown
from replyscope.ui.reading.recording import NOTHING_TO_PLAY, load_recording
from replyscope.ui.review.exporting import PRIVATE_NOTE, ask_export

if TYPE_CHECKING:  # loaded with the review screen
    from replyscope.ui.review.panes import Opened


class ReviewingActions(WritingActions):
    """What looks at replies that are there. The screens load when they are first wanted."""

    _told_removed: tuple[str, bool] | None = None

    def action_review(self) -> None:
        """Review saved sessions."""
        self.start_work(self._review, "", group="review", exclusive=True)

    async def _review(self, query: str) -> None:
        await self.save_draft()
        module = await asyncio.to_thread(
            importlib.import_module, "replyscope.ui.review.screen"
        )  # who only chats never loads it
        screen: Screen[Opened | None] = module.ReviewScreen(self.services, query)
        opened = await self.app.push_screen_wait(screen)
        if opened is None:
            self.refresh_sidebar()
            self.call_after_refresh(self.tell_removed, self.conversation)
            return
        session_id, message_id = opened
        await self._open_session(session_id)
        if message_id is not None and self.conversation.session.id == session_id:
            await self._show_message(message_id)

    def tell_removed(self, conversation: Conversation, *, for_good: bool = False) -> None:
        """Say once that the open session was deleted, on the review screen or elsewhere."""
        is_removed = for_good or conversation.session.deleted_at is not None
        if not is_removed:
            self._told_removed = None
        elif self.is_current and self._told_removed != (conversation.session.id, for_good):
            self._told_removed = conversation.session.id, for_good
            self.tell(
                "This session was removed for good. What you see can still be copied."
                if for_good
                else "This session was deleted. What you send here brings it back.",
                is_error=False,
            )

    async def _show_message(self, message_id: str) -> None:
        conversation = self.conversation
        if all(message.id != message_id for message in conversation.messages):
            await conversation.go_to(message_id)
            self.show_conversation(conversation)
        keys = self.transcript.keys
        if message_id in keys:
            self.transcript.focus()
            self.call_after_refresh(self.transcript.point_at, keys.index(message_id))

    def action_show_stats(self) -> None:
        """Show what all replies come to."""
        self.start_work(self._show_stats, group="review", exclusive=True)

    async def _show_stats(self) -> None:
        module = await asyncio.to_thread(importlib.import_module, "replyscope.ui.numbers.screen")
        screen: Screen[str | None] = module.StatsScreen(self.services.review, self.services.index)
        query = await self.app.push_screen_wait(screen)
        if query is not None:
            await self._review(query)

    def action_export(self) -> None:
        """Hand this session on."""
        if self.conversation.is_new:
            self.tell("There is nothing to export yet.", is_error=False)
            return
        ids = [self.conversation.session.id]
        notes = (PRIVATE_NOTE,) if self.conversation.is_private else ()
        about = (self.app, self.services, ids, self.tell, *notes)
        self.start_work(ask_export, *about, group="export")

    def action_import_file(self, path: str = "") -> None:
        """Take in the sessions of a file."""
        self.start_work(self._import_file, path, group="import", exclusive=True)

    async def _import_file(self, path: str) -> None:
        module = await asyncio.to_thread(importlib.import_module, "replyscope.ui.review.importing")
        await module.ask_import(self.app, self.services, path, self.tell)
        self.refresh_sidebar()

    def action_show_time(self) -> None:
        """Show when the reply under the cursor was doing what."""
        if self.is_narrow:
            self.inspector_open = True
        self.inspector_hidden = False
        self.inspector.action_open_tab("time")

    def action_replay(self) -> None:
        """Play the reply under the cursor again."""
        reply = self.reply_at_cursor()
        if reply is None or self.turns.is_running(self.conversation.session.id):
            self.tell("Point at a reply that is done.", is_error=False)
            return
        self.start_work(self._replay, reply, group="review", exclusive=True)

    async def _replay(self, reply: Message) -> None:
        now = self.exchanges_now()
        exchanges = {
            source.exchange_id: self.with_results(reply, now[source.exchange_id])
            for source in reply.sources
            if source.exchange_id in now
        }
        exchange = exchanges.get(reply.sources[-1].exchange_id) if reply.sources else None
        if exchange is None:
            self.tell(f"{NOTHING_TO_PLAY} no model wrote this.", is_error=False)
            return
        try:
            found = await load_recording(self.services, exchange)
        except ReplyscopeError as error:
            self.tell(error)
            return
        if isinstance(found, str):
            self.tell(found, is_error=False)
            return
        module = await asyncio.to_thread(
            importlib.import_module, "replyscope.ui.reading.replay_screen"
        )
        branch = shown(self.conversation.messages)
        before = [m.id for m in branch[: branch.index(reply)]], self.content_of
        self.app.push_screen(
            module.ReplayScreen(*before, reply, exchanges, *found, self.services.clock)
        )

    def action_compare(self, models: str = "") -> None:
        """Compare the reply with its sibling; with models named, ask each of them first."""
        conversation, reply = self.conversation, self.reply_at_cursor()
        names = models.replace(",", " ").split()
        if reply is None:
            self.tell("There is no reply to compare yet.", is_error=False)
        elif names and not self.turns.is_running(conversation.session.id):
            start = partial(self._ask_each, conversation, reply, names)
            self.start_turn(conversation, start, lambda: None)
        else:
            self._compare_with_sibling(reply)

    async def _ask_each(
        self, conversation: Conversation, reply: Message, models: Sequence[str], target: Target
    ) -> str | None:
        """The same prompt to each model, one after another: siblings of the reply."""
        why = None
        for model in models:
            why = await conversation.retry(replace(target, model=model), reply=reply) or why
        if conversation is self.conversation:
            self.call_later(self._compare_newest)
        return why

    def _compare_newest(self) -> None:
        replies = [m for m in self.conversation.messages if m.role is Role.ASSISTANT]
        if replies:
            self._compare_with_sibling(replies[-1])

    def _compare_with_sibling(self, reply: Message) -> None:
        """Compare it with the one before it; choices of one exchange are siblings, too."""
        siblings = self.conversation.tree.siblings(reply)
        replies, number = replies_beside(reply, siblings, self.exchanges_now())
        if len(replies) < 2:
            self.tell(
                "It has no sibling: R asks another model, /compare MODEL MODEL several; in F3 "
                "any two replies are marked with space and compared with c.",
                is_error=False,
            )
            return
        pair = (number - 1, number) if number else (0, 1)
        self.start_work(self._show_comparison, replies, pair, group="review", exclusive=True)

    async def _show_comparison(self, replies: Sequence[Reply], pair: tuple[int, int]) -> None:
        module = await asyncio.to_thread(
            importlib.import_module, "replyscope.ui.reading.compare_screen"
        )
        screen = module.CompareScreen(replies, self.transcript.palette(), *pair)
        self.app.push_screen(screen)
