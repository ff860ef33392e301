"""The saved sessions: opening, listing, renaming, deleting and restoring them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from weakref import WeakValueDictionary

from replyscope.domain.event import WireRecord
from replyscope.domain.ports import (
    Clock,
    NewId,
    PriceList,
    PrivateStore,
    Store,
    TranslateFrames,
)
from replyscope.domain.session import (
    Session,
    SessionSettings,
    SessionSummary,
    Shelf,
    StoredSession,
    path_to,
)
from replyscope.engine.conversation import Conversation
from replyscope.engine.ledgers import Ledgers
from replyscope.engine.prompt_search import PromptSearch
from replyscope.engine.spending import Spending
from replyscope.engine.tool_runner import Tooling


class Archive:
    """The open conversations, and the saved sessions.

    Opening a session again returns the same conversation, so that a reply that streams in the
    background is found again. A private session gets the private store only: it can't reach
    the file.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        new_id: NewId,
        prices: PriceList | None = None,
        translate: TranslateFrames | None = None,
        tooling: Tooling | None = None,
        private: PrivateStore | None = None,
        spending: Spending | None = None,
    ) -> None:
        self._store = store
        self._private = private
        self._clock = clock
        self._new_id = new_id
        self._prices = prices
        self._translate = translate
        self._tooling = tooling
        self._spending = spending
        self._is_read_only = False
        if spending is not None:
            spending.ledgers = Ledgers(store, private)
        self._open: WeakValueDictionary[str, Conversation] = WeakValueDictionary()
        self._busy: tuple[Conversation, ...] = ()

    @property
    def is_read_only(self) -> bool:
        """Whether saved sessions can only be read, and every new session is private."""
        return self._is_read_only

    def keep_nothing(self) -> None:
        """Keep new sessions in memory from now on: the file can be read, but not written."""
        assert self._private is not None
        self._is_read_only = True
        for conversation in self._open.values():
            if conversation.is_new and not conversation.is_private:
                conversation.hold_in_memory(self._private)

    def store_of(self, session_id: str) -> Store:
        """The store of a session: the store in memory when it is private."""
        held = (store for store in self._in_memory if store.holds(session_id))
        return next(held, self._store)

    def is_private(self, session_id: str) -> bool:
        """Whether a session is private: in memory, and lost at exit."""
        return self.store_of(session_id).is_private

    @property
    def _in_memory(self) -> tuple[PrivateStore, ...]:
        """The private store, once it has a session."""
        return () if self._private is None or self._private.is_empty else (self._private,)

    def new(self, settings: SessionSettings, *, is_private: bool = False) -> Conversation:
        """An empty conversation; nothing is saved before its first message or draft.

        A private conversation is never written to disk; where nothing can be saved, each is
        private.
        """
        is_private = is_private or self._is_read_only
        now = self._clock.now()
        title = "Private session" if is_private else "New session"
        session = Session(self._new_id(), title, now, now, settings)
        store: Store = self._private if is_private and self._private else self._store
        return self._keep(self._conversation(StoredSession(session), store, is_new=True))

    async def open(self, session_id: str) -> Conversation:
        """The conversation of a session. Raises SessionNotFound, StoreError."""
        running = self._open.get(session_id)
        if running is not None and (running.is_streaming or running.is_new or running.unsaved):
            return running
        store = self.store_of(session_id)
        stored = await store.load_session(session_id)
        if (
            running is not None
            and running.session.head_id == stored.session.head_id
            and not running.was_held
        ):
            return running  # a reply may be about to start in it
        return self._keep(self._conversation(stored, store, is_new=False))

    def _keep(self, opened: Conversation) -> Conversation:
        """Cache the newest conversation, and every one with a streaming or unsaved reply. Older
        ones are dropped from the cache, which would otherwise grow for hours.
        """
        self._open[opened.session.id] = opened
        self._busy = (opened, *(c for c in self._open.values() if c.is_streaming or c.unsaved))
        return opened

    def _conversation(self, stored: StoredSession, store: Store, *, is_new: bool) -> Conversation:
        tooling = self._tooling
        return Conversation(
            stored,
            store,
            self._clock,
            self._new_id,
            is_new=is_new,
            prices=self._prices,
            translate=self._translate,
            spending=self._spending,
            tooling=tooling.for_private() if tooling and store.is_private else tooling,
        )

    def streaming(self) -> tuple[Conversation, ...]:
        """The conversations with a streaming reply."""
        return tuple(c for c in self._open.values() if c.is_streaming)

    async def fork(self, conversation: Conversation, message_id: str) -> Conversation:
        """A new session that begins with the branch up to a message. Raises StoreError.

        Its replies refer to the exchanges of the old session, so both show the same facts. The
        fork of a private session is private.
        """
        source = conversation.session
        branch = path_to(message_id, {m.id: m for m in conversation.messages})
        now = self._clock.now()
        new_ids = {message.id: self._new_id() for message in branch}
        copies = [
            replace(m, id=new_ids[m.id], parent_id=new_ids.get(m.parent_id or "")) for m in branch
        ]
        session = Session(
            self._new_id(),
            f"{source.title} (fork)",
            now,
            now,
            replace(
                source.settings,
                left_out=_renamed(source.settings.left_out, new_ids),
                pinned=_renamed(source.settings.pinned, new_ids),
            ),
            head_id=copies[-1].id,
            is_title_given=True,
        )
        store = self.store_of(source.id)
        await store.create_session(replace(session, head_id=None))
        for message in copies:
            await store.add_message(session.id, message)
        return await self.open(session.id)

    def unsaved(self) -> tuple[Conversation, ...]:
        """The conversations with a reply that has ended and is not saved."""
        return tuple(c for c in self._open.values() if c.unsaved and not c.is_streaming)

    async def list_sessions(
        self,
        *,
        limit: int | None = None,
        pinned_first: bool = False,
        shelf: Shelf = Shelf.LISTED,
    ) -> tuple[SessionSummary, ...]:
        """The sessions of a shelf, newest first; private sessions come before saved ones."""
        saved = await self._store.list_sessions(limit=limit, pinned_first=pinned_first, shelf=shelf)
        if shelf is not Shelf.LISTED:
            return saved
        private = [summary for s in self._in_memory for summary in await s.list_sessions()]
        return (*(replace(summary, is_private=True) for summary in private), *saved)

    async def daily_costs(self, since: datetime) -> Mapping[date, float]:
        """US dollars by local day, as reported or estimated; unknown days are left out."""
        costs: dict[date, float] = {}
        for store in (self._store, *self._in_memory):
            for day, cost_usd in (await store.daily_costs(since)).items():
                costs[day] = costs.get(day, 0.0) + cost_usd
        return costs

    def prompt_search(self, *, is_private: bool) -> PromptSearch:
        """A search of every sent prompt. Only private sessions find prompts of private sessions."""
        return PromptSearch((*(self._in_memory if is_private else ()), self._store))

    async def load_wire(self, exchange_id: str) -> WireRecord:
        """The request and the frames of an exchange. Raises StoreError."""
        for store in self._in_memory:
            if await store.holds_exchange(exchange_id):
                return await store.load_wire(exchange_id)
        return await self._store.load_wire(exchange_id)

    async def count_private(self) -> int:
        """The number of messages that exiting would delete."""
        return sum([await store.count_messages() for store in self._in_memory])

    async def newest_id(self) -> str | None:
        """The id of the session that was used last; None without a session."""
        newest = await self._store.list_sessions(limit=1)
        return newest[0].id if newest else None

    def forget(self, session_id: str) -> None:
        """Drop a purged session from the cache."""
        self._open.pop(session_id, None)

    def open_among(self, session_ids: Iterable[str]) -> tuple[str, ...]:
        """The given sessions that are open here and saved."""
        return tuple(i for i in session_ids if i in self._open and not self._open[i].is_new)

    async def rename(self, session_id: str, title: str) -> None:
        """Set the title of a session."""
        await self._change(session_id, lambda s: replace(s, title=title, is_title_given=True))

    async def delete(self, session_id: str) -> None:
        """Hide a session until `restore`. A private session is deleted without undo."""
        for store in self._in_memory:
            if store.holds(session_id):
                await store.forget_session(session_id, self._clock.now())
                self.forget(session_id)
                return
        now = self._clock.now()
        await self._change(session_id, lambda s: replace(s, deleted_at=now))

    async def restore(self, session_id: str) -> None:
        """Undo `delete`."""
        await self._change(session_id, lambda s: replace(s, deleted_at=None))

    async def _change(self, session_id: str, change: Callable[[Session], Session]) -> None:
        running = self._open.get(session_id)
        if running is not None:
            running.session = change(running.session)
            await running.save_head()
            return
        store = self.store_of(session_id)
        stored = await store.load_session(session_id)
        await store.update_session(change(stored.session), stored.session)


def _renamed(ids: Iterable[str], new_ids: Mapping[str, str]) -> tuple[str, ...]:
    """The new ids of the messages that were copied."""
    return tuple(new_ids[one] for one in ids if one in new_ids)
