"""The commands that open the review, numbers, replay, comparison, export and import."""

import asyncio
import importlib
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.screen import Screen

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.message import Message, Role
from replyscope.domain.model_names import ModelName
from replyscope.engine.conversation import Conversation
from replyscope.engine.live_reply import Target
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.drafts import Drafts
from replyscope.ui.chat.panes import Panes
from replyscope.ui.chat.removed_session import RemovedSession
from replyscope.ui.chat.sending import Sending
from replyscope.ui.chat.sessions import Sessions
from replyscope.ui.reading.reply_screens import ReplyScreens
from replyscope.ui.services import Services
from replyscope.ui.working_screen import WorkingScreen

if TYPE_CHECKING:  # loaded with the review screen
    from replyscope.ui.review.screen import Opened

_NO_SIBLING = (
    "Only one version. [R] retry with another model, or /compare MODEL MODEL. "
    "[F3] marks and compares any two replies."
)


class Reviewing:
    """Commands that open other screens. A screen's module is imported on first use."""

    def __init__(
        self,
        desk: Desk,
        panes: Panes,
        screen: WorkingScreen[None],
        drafts: Drafts,
        sending: Sending,
        sessions: Sessions,
        reply_screens: ReplyScreens,
    ) -> None:
        self._desk = desk
        self._view = panes
        self._screen = screen
        self._drafts = drafts
        self._sending = sending
        self._sessions = sessions
        self._reply_screens = reply_screens
        self.removed = RemovedSession(desk, screen)
        self._hub: Services | None = None

    def review(self) -> None:
        """Review saved sessions."""
        self._desk.start_work(self._review, "", group="review", exclusive=True, holds_keys=True)

    async def _review(self, query: str) -> None:
        await self._drafts.save()
        module = await asyncio.to_thread(
            importlib.import_module, "replyscope.ui.review.screen"
        )  # loaded on first use
        services = await self._reviewed()
        if services is None:
            return
        screen: Screen[Opened | None] = module.ReviewScreen(
            services, self._desk.turns.is_running, query
        )
        with self.removed.waiting():
            opened = await self._desk.ask(screen)
            if opened is not None:
                await self.open_message(*opened)
        if opened is None:
            self._view.refresh_sidebar()

    async def _reviewed(self) -> Services | None:
        """The services of the review, which may read the hub. None after an error."""
        services = self._desk.services
        if services.open_hub is None:
            return services
        try:
            if self._hub is None:
                self._hub = await services.open_hub()
        except ReplyscopeError as error:
            self._desk.tell(error)
        return self._hub

    async def open_message(self, session_id: str, message_id: str | None) -> None:
        """Open a session at one of its messages."""
        await self._sessions.open_now(session_id)
        if message_id is not None and self._desk.conversation.session.id == session_id:
            await self._show_message(message_id)

    async def _show_message(self, message_id: str) -> None:
        conversation = self._desk.conversation
        if all(message.id != message_id for message in conversation.messages):
            await conversation.go_to(message_id)
            self._view.show_conversation(conversation)
        keys = self._view.transcript.keys
        if message_id in keys:
            self._view.transcript.focus()
            self._screen.call_after_refresh(self._view.transcript.point_at, keys.index(message_id))
        elif all(message.id != message_id for message in conversation.messages):
            self._desk.tell(
                "A side question is not part of the conversation. The review shows its answer.",
                is_error=False,
            )

    def show_stats(self) -> None:
        """Show the statistics of all replies."""
        self._desk.start_work(self._show_stats, group="review", exclusive=True, holds_keys=True)

    async def _show_stats(self) -> None:
        module = await asyncio.to_thread(importlib.import_module, "replyscope.ui.numbers.screen")
        screen: Screen[str | None] = module.StatsScreen(
            self._desk.services.review, self._desk.services.index
        )
        query = await self._desk.ask(screen)
        if query is not None:
            await self._review(query)

    def export(self) -> None:
        """Export this session."""
        from replyscope.ui.review.exporting import PRIVATE_NOTE, ask_export  # loaded on first use

        if self._desk.conversation.is_new:
            self._desk.tell("There is nothing to export yet.", is_error=False)
            return
        ids = [self._desk.conversation.session.id]
        notes = (PRIVATE_NOTE,) if self._desk.conversation.is_private else ()
        about = (self._screen.app, self._desk.services, ids, self._desk.tell, *notes)
        self._desk.start_work(ask_export, *about, group="export", holds_keys=True)

    def import_file(self, path: str = "") -> None:
        """Import the sessions of a file."""
        self._desk.start_work(
            self._import_file, path, group="import", exclusive=True, holds_keys=True
        )

    async def _import_file(self, path: str) -> None:
        module = await asyncio.to_thread(importlib.import_module, "replyscope.ui.review.importing")
        await module.ask_import(self._screen.app, self._desk.services, path, self._desk.tell)
        self._view.refresh_sidebar()

    def replay(self) -> None:
        """Replay the reply under the cursor."""
        reply = self._view.reply_at_cursor()
        if reply is None or self._desk.turns.is_running(self._desk.conversation.session.id):
            self._desk.tell("Point at a reply that is done.", is_error=False)
            return
        self._reply_screens.replay(reply)

    def compare(self, models: str = "") -> None:
        """Compare the reply with its sibling; with names of models, retry with each one first."""
        conversation, reply = self._desk.conversation, self._view.reply_at_cursor()
        names = models.replace(",", " ").split()
        if reply is None:
            self._desk.tell("There is no reply to compare yet.", is_error=False)
        elif names and not self._desk.turns.is_running(conversation.session.id):
            found = list(map(self._desk.targets.parse_model, names))
            start = partial(self._ask_each, conversation, reply, found)
            self._sending.start_turn(conversation, start, lambda: None)
        else:
            self._reply_screens.compare_with_sibling(reply, _NO_SIBLING)

    async def _ask_each(
        self,
        conversation: Conversation,
        reply: Message,
        models: Sequence[ModelName],
        target: Target,
    ) -> str | None:
        """Send the same prompt to each model at once. The replies become siblings."""
        targets = [await self._desk.targets.named_target(target, model) for model in models]
        why = await conversation.retry_each(targets, reply=reply)
        if conversation is self._desk.conversation:
            self._screen.call_later(self._compare_newest)
        return why

    def _compare_newest(self) -> None:
        replies = [m for m in self._desk.conversation.messages if m.role is Role.ASSISTANT]
        if replies:
            self._reply_screens.compare_with_sibling(replies[-1], _NO_SIBLING)
