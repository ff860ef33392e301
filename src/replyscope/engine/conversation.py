"""One open session: its branch, and the reply that streams into it.

Events flow one way: from the provider through the fold and the journal to whoever
iterates `send`. An ending is yielded only after it was committed.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from replyscope.domain.errors import SessionMoved, StoreError
from replyscope.domain.event import Event
from replyscope.domain.exchange import Api, Exchange
from replyscope.domain.fold import ExchangeFold
from replyscope.domain.message import Message, Part, ReplySource, Role
from replyscope.domain.ports import (
    Clock,
    NewId,
    PriceList,
    SessionStamp,
    Store,
    TranslateFrames,
)
from replyscope.domain.request import ModelRequest, Resumption
from replyscope.domain.session import StoredSession, title_from
from replyscope.engine.asking import make_opening, make_request
from replyscope.engine.branch import read_in_all
from replyscope.engine.journal_writer import JournalWriter
from replyscope.engine.live import LiveReply, Target
from replyscope.engine.running import Runner
from replyscope.engine.side_by_side import side_by_side
from replyscope.engine.tree import MessageTree

_log = logging.getLogger(__name__)


class Conversation:
    """A session that is open. One turn at a time; other conversations run beside it."""

    def __init__(
        self,
        stored: StoredSession,
        store: Store,
        clock: Clock,
        new_id: NewId,
        *,
        is_new: bool,
        prices: PriceList | None = None,
        translate: TranslateFrames | None = None,
    ) -> None:
        self.session = stored.session
        self._saved = stored.session
        self._stamp: SessionStamp | None = None
        self.tree = MessageTree(stored.messages, stored.session.head_id)
        self.exchanges = {exchange.id: exchange for exchange in stored.exchanges}
        self.turn: tuple[str, ...] = ()
        """The ids of the exchanges that the newest turn made."""
        self._runner = Runner(self.exchanges, clock, prices)
        self._heading = asyncio.Lock()
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._translate = translate
        self._is_new = is_new

    @property
    def lives(self) -> dict[str, LiveReply]:
        """The exchanges that stream, by id. Several when choices are asked for one by one."""
        return self._runner.lives

    def leave(self, *, is_leaving: bool = True) -> None:
        """The person goes away: the server then keeps on with background replies."""
        self._runner.is_leaving = is_leaving

    @property
    def is_new(self) -> bool:
        """Whether nothing of it is saved yet."""
        return self._is_new

    @property
    def messages(self) -> list[Message]:
        """The branch that is shown."""
        return self.tree.branch

    @property
    def is_streaming(self) -> bool:
        """Whether a reply is on its way."""
        return bool(self.lives)

    @property
    def live(self) -> LiveReply | None:
        """The streaming exchange of the reply that the branch ends with."""
        last = self.messages[-1] if self.messages else None
        return self.lives.get(last.sources[-1].exchange_id) if last and last.sources else None

    def read_messages(self) -> tuple[Message, ...]:
        """The branch with every reply's text read in."""
        return read_in_all(self.messages, self.exchanges)

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

    async def catch_up(self) -> bool:
        """Take in what another process did to this session since; whether it did anything.

        Raises StoreError.
        """
        stamp = await self._store.session_stamp(self.session.id)
        is_known = stamp == self._stamp
        if self._stamp is None:
            saved = self._saved
            is_known = (stamp.head_id, stamp.title) == (saved.head_id, saved.title)
        self._stamp = stamp
        if is_known or self.lives:
            return False
        stored = await self._store.load_session(self.session.id)
        is_moved = stored.session.head_id != self._saved.head_id
        for message in stored.messages:
            self.tree.add(message)
        self.exchanges |= {
            e.id: e for e in stored.exchanges if e.id not in self._runner.unsaved_ids
        }
        mine = self.session
        head_id = stored.session.head_id if is_moved else mine.head_id
        self.session = replace(stored.session, draft=mine.draft, head_id=head_id)
        self._saved = stored.session
        self.tree.go_to(head_id)
        return True

    async def _check_alone(self) -> None:
        """Raises SessionMoved when another window wrote here, which has to be seen first."""
        if self._is_new:
            return
        stored_head = (await self._store.session_stamp(self.session.id)).head_id
        if stored_head != self._saved.head_id:
            await self.catch_up()
            raise SessionMoved(
                "This session went on in another window; its messages are here now.",
                "Look at them, then send again.",
            )
        if await self._store.is_held_elsewhere(self.session.id):
            raise SessionMoved(
                "A reply streams into this session in another window.",
                "Wait for its end, or fork the session (F).",
            )

    async def go_to(self, message_id: str) -> None:
        """Show another branch: the one that goes on from a message. Raises StoreError."""
        self.tree.go_to(self.tree.tip_under(message_id))
        self._point_at_tip()
        await self.save_head()

    def _point_at_tip(self) -> None:
        head_id = self.messages[-1].id if self.messages else None
        self.session = replace(self.session, head_id=head_id)

    async def send(
        self, parts: Sequence[Part], target: Target, *, instead_of: Message | None = None
    ) -> AsyncGenerator[Event, None]:
        """Add a user message and stream the reply to it; the draft is then spent.

        `instead_of` makes it a sibling of an earlier message, whose branch stays as it is.
        Raises StoreError when the message can't be saved; then nothing was sent and
        the conversation is as it was. A failing server is an event, not an error.
        """
        await self._check_alone()
        now = self._clock.now()
        parent_id = self.session.head_id if instead_of is None else instead_of.parent_id
        message = Message(self._new_id(), Role.USER, tuple(parts), now, parent_id=parent_id)
        if not self.messages and not self.session.is_title_given:
            self.session = replace(self.session, title=title_from(message.text))
        await self.save_head()
        await asyncio.shield(self._add(message))
        async with aclosing(self._reply(target, under=message.id)) as events:
            async for event in events:
                yield event

    async def _add(self, message: Message) -> None:
        await self._store.add_message(self.session.id, message)
        self.tree.add(message)
        self.tree.go_to(message.id)
        self.session = replace(
            self.session, head_id=message.id, updated_at=message.created_at, draft=""
        )
        await self.save_head()

    async def retry(
        self, target: Target, reply: Message | None = None
    ) -> AsyncGenerator[Event, None]:
        """Ask again for a reply, the last one unless told. It stays, with the new one beside it."""
        ids = [message.id for message in self.messages]
        at = ids.index(reply.id) if reply is not None and reply.id in ids else len(ids) - 1
        while at > 0 and self.messages[at].role is Role.ASSISTANT:
            at -= 1
        asked = self.messages[at]
        self.tree.go_to(asked.id)
        async with aclosing(self._reply(target, under=asked.id)) as events:
            async for event in events:
                yield event

    async def continue_reply(self, target: Target) -> AsyncGenerator[Event, None]:
        """Ask for more of the last reply; what comes joins it as another exchange."""
        last = self.messages[-1]
        self.turn = ()
        request = self._request(target, continues=True)
        opening = self._opening(target)
        joined = replace(last, sources=(*last.sources, ReplySource(opening.id)))
        async with aclosing(self._exchange(target, request, opening, [joined])) as events:
            async for event in events:
                yield event

    async def resume(self, target: Target) -> AsyncGenerator[Event, None]:
        """Read the rest of a background reply that was left; what comes joins what came.

        Raises StoreError.
        """
        last = self.messages[-1]
        left = self.exchanges[last.sources[-1].exchange_id]
        assert left.response_id is not None
        assert self._translate is not None
        frames = tuple((await self._store.load_wire(left.id)).frames)
        fold = ExchangeFold(replace(left, is_detached=False, failure=None))
        for event in self._translate(left.api, frames):
            fold.apply(event)
        journal = await self._store.reopen_exchange(left.id)
        live = LiveReply([last], fold, self._clock)
        live.frames.extend(frames)
        self.turn = (left.id,)
        request = ModelRequest(left.model, (), resumes=Resumption(left.response_id, frames))
        async with aclosing(
            self._run(live, request, target, JournalWriter(journal), keeps_request=True)
        ) as events:
            async for event in events:
                yield event

    async def _reply(self, target: Target, *, under: str | None) -> AsyncGenerator[Event, None]:
        """Ask for as many choices as the session wants, in one request where the API can."""
        request = self._request(target)
        wanted = max(1, self.session.settings.parameters.n or 1)
        self.turn = ()
        if wanted == 1 or target.provider.api is Api.CHAT:
            async with aclosing(self._choices(target, request, under, wanted)) as events:
                async for event in events:
                    yield event
            return
        runs = [self._choices(target, request, under, 1) for _ in range(wanted)]
        async with aclosing(side_by_side(runs)) as events:
            async for event in events:
                yield event

    async def _choices(
        self, target: Target, request: ModelRequest, under: str | None, count: int
    ) -> AsyncGenerator[Event, None]:
        opening = self._opening(target)
        messages = [
            Message(
                self._new_id(),
                Role.ASSISTANT,
                (),
                opening.started_at,
                under,
                (ReplySource(opening.id, index),),
            )
            for index in range(count)
        ]
        async with aclosing(self._exchange(target, request, opening, messages)) as events:
            async for event in events:
                yield event

    async def _exchange(
        self, target: Target, request: ModelRequest, opening: Exchange, messages: Sequence[Message]
    ) -> AsyncGenerator[Event, None]:
        is_first = not self.turn
        self.turn = (*self.turn, opening.id)
        journal = await self._store.begin_exchange(
            self.session.id, messages, opening, is_head=is_first
        )
        for message in messages:
            self.tree.add(message)
        if is_first:
            self.tree.go_to(messages[0].id)
            self._point_at_tip()
            self._saved = replace(self._saved, head_id=messages[0].id)
        live = LiveReply(messages, ExchangeFold(opening), self._clock)
        _log.info(
            "exchange %s in session %s: %s at %s",
            opening.id,
            self.session.id,
            target.model,
            opening.base_url,
        )
        run = self._run(live, request, target, JournalWriter(journal))
        async with aclosing(run) as events:
            async for event in events:
                yield event

    async def _run(
        self,
        live: LiveReply,
        request: ModelRequest,
        target: Target,
        writer: JournalWriter,
        *,
        keeps_request: bool = False,
    ) -> AsyncGenerator[Event, None]:
        run = self._runner.run(live, request, target.provider, writer, keeps_request=keeps_request)
        try:
            async with aclosing(run) as events:
                async for event in events:
                    yield event
        finally:
            self._stamp = None  # what this process did is no news

    async def save_endings(self) -> None:
        """Save the endings that could not be saved when they came. Raises StoreError."""
        await self._runner.save_endings()

    @property
    def unsaved(self) -> StoreError | None:
        """Why an ending is not on disk; None when all are."""
        return self._runner.unsaved

    def _request(self, target: Target, *, continues: bool = False) -> ModelRequest:
        return make_request(
            self.session.settings, self.messages, self.exchanges, target, continues=continues
        )

    def _opening(self, target: Target) -> Exchange:
        return make_opening(self._new_id(), self._clock.now(), self.session.settings, target)
