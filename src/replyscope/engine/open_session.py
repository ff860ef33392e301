"""An open session: its tree, its exchanges, and its synchronisation with the store."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from replyscope.domain.errors import SessionMoved, StoreError
from replyscope.domain.event import Listen
from replyscope.domain.exchange import Exchange, ToolCall
from replyscope.domain.message import Message, Role
from replyscope.domain.ports import Clock, ModelProvider, NewId, PriceList, Store
from replyscope.domain.request import ModelRequest
from replyscope.domain.session import Draft, SessionSettings, StoredSession
from replyscope.domain.stores import SessionStamp
from replyscope.engine.branch import read_in_all
from replyscope.engine.endings import Endings
from replyscope.engine.journal_writer import JournalWriter
from replyscope.engine.known_exchanges import KnownExchanges
from replyscope.engine.live_reply import LiveReply
from replyscope.engine.reply_images import KeepFile
from replyscope.engine.rules import RuleBook
from replyscope.engine.runner import Runner
from replyscope.engine.tool_calls import asked, calls_of
from replyscope.engine.tool_runner import ToolRunner
from replyscope.engine.tree import MessageTree

_log = logging.getLogger(__name__)


class OpenSession:
    """A session in memory, and its saving. Other processes may have the session open too."""

    def __init__(
        self,
        stored: StoredSession,
        store: Store,
        clock: Clock,
        new_id: NewId,
        prices: PriceList | None,
        rules: RuleBook | None,
        keep_file: KeepFile | None = None,
        *,
        is_new: bool,
    ) -> None:
        self.session = stored.session
        self.tree = MessageTree(stored.messages, stored.session.head_id)
        self.exchanges = KnownExchanges(stored)
        self.was_held = stored.is_held
        """Whether a reply was being written to it when it was loaded."""
        self.calling: ToolRunner | None = None
        """The running tool calls."""
        self.turn: tuple[str, ...] = ()
        """The ids of the newest turn's exchanges."""
        self.clock = clock
        self.new_id = new_id
        self.writer_id = store.writer
        """The id of this process as a writer."""
        self.rules = rules
        self.endings = Endings(prices, keep_file)
        self._runner = Runner(self.exchanges, clock, self.endings, rules)
        self._store = store
        self._saved = stored.session
        self._stamp: SessionStamp | None = None
        self._heading = asyncio.Lock()
        self._beginning = asyncio.Lock()
        self._is_new = is_new
        self._is_apart = False

    @property
    def lives(self) -> dict[str, LiveReply]:
        """The streaming exchanges, by id: several when each choice has its own request."""
        return self._runner.lives

    @property
    def hear(self) -> Listen:
        """A listener of all exchanges of the session. It gets each event after it was folded;
        the ending before it is saved.
        """
        return self._runner.hear

    @hear.setter
    def hear(self, listen: Listen) -> None:
        self._runner.hear = listen

    def leave(self, *, is_leaving: bool = True) -> None:
        """Let cancelling detach background replies instead of stopping them at the server. Private
        replies are stopped: their ids are not saved, so they could not be resumed.
        """
        self._runner.is_leaving = is_leaving and not self.is_private

    @property
    def is_new(self) -> bool:
        """Whether the session is not saved yet."""
        return self._is_new

    @property
    def is_private(self) -> bool:
        """Whether the session is never written to disk, and lost at exit."""
        return self._store.is_private

    @property
    def messages(self) -> list[Message]:
        """The messages of the current branch."""
        return self.tree.branch

    @property
    def is_streaming(self) -> bool:
        """Whether a reply streams or its tools run."""
        return bool(self.lives) or self.calling is not None

    @property
    def live(self) -> LiveReply | None:
        """The streaming exchange of the branch's last reply; None when it does not stream."""
        last = self.messages[-1] if self.messages else None
        return self.lives.get(last.sources[-1].exchange_id) if last and last.sources else None

    def waiting_calls(self) -> tuple[ToolCall, ...]:
        """The calls at the end of the branch; their results have no reply yet."""
        if not self.messages:
            return ()
        last = self.messages[-1]
        if last.role is Role.TOOL:
            last = self.tree.parent_of(last) or last
        return calls_of(last, self.exchanges)

    def read_messages(self) -> tuple[Message, ...]:
        """The branch with the parts of every reply."""
        return read_in_all(self.messages, self.exchanges)

    def change_settings(self, settings: SessionSettings) -> None:
        """Change the settings; they apply from the next message. `save_head` saves them."""
        self.session = replace(self.session, settings=settings)

    async def save_head(self) -> None:
        """Save title, settings and draft. Raises StoreError."""
        async with self._heading:
            await asyncio.shield(self._save_head())

    async def _save_head(self) -> None:
        session = self.session
        if self._is_new:
            await self._store.create_session(session)
            self._is_new = False
        else:
            await self._store.update_session(session, self._saved)
        self._saved = session

    async def add_message(self, message: Message, *, keeps_draft: bool = False) -> None:
        """Append a message to its branch, and make that branch current. Raises StoreError."""
        await asyncio.shield(self._add_message(message, keeps_draft=keeps_draft))

    async def _add_message(self, message: Message, *, keeps_draft: bool) -> None:
        await self._store.add_message(self.session.id, message, is_head=not self._is_apart)
        self.tree.add(message)
        self.tree.go_to(message.id)
        draft = self.session.whole_draft if keeps_draft else Draft()
        self.session = replace(self.session, updated_at=message.created_at).with_draft(draft)
        self._point_at_tip()
        self._leave_out_apart([message])
        await self.save_head()

    @asynccontextmanager
    async def _apart(self) -> AsyncIterator[None]:
        """Show messages that are added at the end of the branch, and return to the end of the
        branch after it. The saved head does not move, so a program that is killed meanwhile has
        lost nothing. The messages are left out of later requests.
        """
        self._is_apart = True
        try:
            yield
        finally:
            self._is_apart = False
            self.tree.go_to(self.session.head_id)

    def _leave_out_apart(self, messages: Sequence[Message]) -> None:
        if self._is_apart:
            settings = self.session.settings
            ids = (*settings.left_out, *(message.id for message in messages))
            self.change_settings(replace(settings, left_out=tuple(dict.fromkeys(ids))))

    async def begin_aside(
        self, question: Message, reply: Message, opening: Exchange
    ) -> JournalWriter:
        """Save a side question and its reply outside of the current branch. Returns the journal.

        Raises StoreError.
        """
        if self._is_new:
            await self.save_head()
        await self._store.add_message(self.session.id, question, is_head=False)
        self.tree.add(question)
        journal = await self._store.begin_exchange(self.session.id, [reply], opening, is_head=False)
        self.tree.add(reply)
        self._stamp = None  # a change by this process
        return JournalWriter(journal)

    async def push_stash(self, draft: Draft) -> None:
        """Put a draft on the stash. Raises StoreError."""
        if self._is_new:
            await self.save_head()
        await self._store.push_stash(self.session.id, draft)
        self.session = replace(self.session, stashed=self.session.stashed + 1)

    async def pop_stash(self) -> Draft | None:
        """Remove and return the newest draft of the stash; None without one. Raises StoreError."""
        draft = None if self._is_new else await self._store.pop_stash(self.session.id)
        left = max(0, self.session.stashed - 1) if draft is not None else 0
        self.session = replace(self.session, stashed=left)
        return draft

    async def remember_values(self, name: str, values: Mapping[str, str]) -> None:
        """Remember the values of a prompt's variables with this session, for the next use of the
        prompt. Values that can't be saved are forgotten.
        """
        try:
            if self._is_new:
                await self.save_head()
            await self._store.remember_values(self.session.id, name, values)
        except StoreError as error:
            _log.warning("the values of a prompt are not saved: %s", error)

    async def update_message(self, message: Message) -> Message:
        """Replace a saved message by a newer version. Raises StoreError."""
        self.tree.add(message)
        await self._store.update_message(message)
        return message

    async def results_message(self) -> Message:
        """The message with the results of the waiting calls; appended if it is missing."""
        last = self.messages[-1]
        if last.role is Role.TOOL:
            return last
        now, parts = self.clock.now(), asked(self.waiting_calls())
        message = Message(self.new_id(), Role.TOOL, parts, now, parent_id=last.id)
        await self.add_message(message, keeps_draft=True)
        return message

    async def begin_exchange(self, messages: Sequence[Message], opening: Exchange) -> JournalWriter:
        """Save an exchange and its reply messages. Returns the exchange's journal.

        Of several requests at once, the first one is shown. Raises StoreError.
        """
        async with self._beginning:
            return await self._begin_exchange(messages, opening)

    async def _begin_exchange(
        self, messages: Sequence[Message], opening: Exchange
    ) -> JournalWriter:
        tip = self.messages[-1].id if self.messages else None
        is_first = tip in (messages[0].parent_id, messages[0].id)
        self.turn = (*self.turn, opening.id)
        if self._is_apart:
            self._leave_out_apart(messages)
            await self.save_head()
        journal = await self._store.begin_exchange(
            self.session.id, messages, opening, is_head=is_first and not self._is_apart
        )
        for message in messages:
            self.tree.add(message)
        if is_first:
            self.tree.go_to(messages[0].id)
            self._point_at_tip()
            self._saved = replace(self._saved, head_id=self.session.head_id)
        return JournalWriter(journal)

    async def run_exchange(
        self, live: LiveReply, request: ModelRequest, provider: ModelProvider, listen: Listen
    ) -> None:
        """Run an exchange to its end."""
        try:
            await self._runner.run(live, request, provider, listen)
        finally:
            self._stamp = None  # a change by this process

    async def catch_up(self) -> bool:
        """Reload the session if another process changed it. Returns whether one did.

        Raises StoreError.
        """
        saved = self._saved
        stamp = await self._store.session_stamp(self.session.id)
        is_known = stamp == self._stamp
        if self._stamp is None:
            known = (saved.head_id, saved.title, saved.deleted_at is not None)
            is_same = (stamp.head_id, stamp.title, stamp.is_deleted) == known
            is_known = is_same and not self.was_held  # the end of a reply changes neither
        self._stamp = stamp
        if is_known or self.is_streaming or self._is_apart:
            return False
        stored = await self._store.load_session(self.session.id)
        if self._saved is not saved or self.is_streaming:
            # What was read is older than what this window wrote: the next call reads it again.
            self._stamp, self.was_held = None, True
            return False
        is_moved = stored.session.head_id != self._saved.head_id
        for message in stored.messages:
            self.tree.add(message)
        self.exchanges.renew(stored, self.endings.ids)
        self.was_held = stored.is_held
        mine = self.session
        head_id = stored.session.head_id if is_moved else mine.head_id
        self.session = replace(stored.session, head_id=head_id).with_draft(mine.whole_draft)
        self._saved = stored.session
        self.tree.go_to(head_id)
        return True

    async def _check_alone(self) -> None:
        """Raise SessionMoved when another process wrote here: the person has to see it first."""
        if self._is_new:
            return
        stamp = await self._store.session_stamp(self.session.id)
        if stamp.is_deleted:  # writing to a deleted session restores it
            self._saved = replace(self._saved, deleted_at=self._saved.updated_at)
            self.session = replace(self.session, deleted_at=None)
            await self.save_head()
        if stamp.head_id != self._saved.head_id:
            await self.catch_up()
            raise SessionMoved(
                "This session was continued in another window or on another machine. The new "
                "messages are shown now.",
                "Read them, then send again.",
            )
        if await self._store.is_held_elsewhere(self.session.id):
            raise SessionMoved(
                "Another window is streaming a reply in this session.",
                "Wait until it ends, or fork the session (F).",
            )

    async def go_to(self, message_id: str) -> None:
        """Switch to the branch through a message; for a side question, through the message before
        it, unless that is on the current branch already. Raises StoreError.
        """
        shown = self.tree.outside_asides(message_id)
        if shown is None or (shown != message_id and any(m.id == shown for m in self.messages)):
            return
        self.tree.go_to(self.tree.tip_under(shown))
        self._point_at_tip()
        await self.save_head()

    def _point_at_tip(self) -> None:
        if self._is_apart:
            return
        head_id = self.messages[-1].id if self.messages else None
        self.session = replace(self.session, head_id=head_id)

    @property
    def unsaved(self) -> StoreError | None:
        """The error that kept an ended exchange from being saved; None when all are saved."""
        return self.endings.fault
