"""One open session: its branch, and the reply that streams into it.

Events flow one way: from the provider through the fold and the journal to whoever
iterates `send`. An ending is yielded only after it was committed.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import StoreError
from replyscope.domain.event import Event, RequestSent, StreamEnded, WireFrame
from replyscope.domain.exchange import Exchange, ExchangeState
from replyscope.domain.finish import StreamEnd
from replyscope.domain.fold import ExchangeFold
from replyscope.domain.message import Message, Part, ReplySource, Role
from replyscope.domain.ports import Clock, ModelProvider, NewId, Store, WireRecord
from replyscope.domain.request import ModelRequest
from replyscope.domain.session import StoredSession, title_from
from replyscope.engine.branch import read_in_all
from replyscope.engine.journal_writer import JournalWriter

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: an endpoint, an open provider for it, and a model."""

    endpoint: Endpoint
    provider: ModelProvider
    model: str


class LiveReply:
    """A reply while it streams; `exchange()` is what a screen may show of it now."""

    def __init__(self, message: Message, fold: ExchangeFold, clock: Clock) -> None:
        self.message = message
        self.fold = fold
        self.request: RequestSent | None = None
        self.frames: list[WireFrame] = []
        self.finishing: asyncio.Future[None] | None = None
        self._clock = clock
        self._started_ms = clock.monotonic_ms()

    @property
    def version(self) -> int:
        """Grows with every event."""
        return self.fold.version

    @property
    def fold_id(self) -> str:
        """The id of the exchange that streams."""
        return self.message.sources[-1].exchange_id

    @property
    def record(self) -> WireRecord:
        """The wire so far; its frames grow in place."""
        return WireRecord(self.request, self.frames)

    def exchange(self) -> Exchange:
        """A snapshot. It says `in_progress` until the ending is on disk."""
        snapshot = self.fold.snapshot(self._clock.monotonic_ms() - self._started_ms)
        if snapshot.state.is_terminal:
            return replace(snapshot, state=ExchangeState.IN_PROGRESS)
        return snapshot


class Conversation:
    """A session that is open. One reply at a time; other conversations run beside it."""

    def __init__(
        self, stored: StoredSession, store: Store, clock: Clock, new_id: NewId, *, is_new: bool
    ) -> None:
        self.session = stored.session
        self.messages = list(stored.messages)
        self.exchanges = {exchange.id: exchange for exchange in stored.exchanges}
        self.live: LiveReply | None = None
        self.unsaved: StoreError | None = None
        """Why the newest ending is not on disk; None when it is."""
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._is_new = is_new

    @property
    def is_new(self) -> bool:
        """Whether nothing of it is saved yet."""
        return self._is_new

    @property
    def is_streaming(self) -> bool:
        """Whether a reply is on its way."""
        return self.live is not None

    def read_messages(self) -> tuple[Message, ...]:
        """The branch with every reply's text read in."""
        return read_in_all(self.messages, self.exchanges)

    async def save_head(self) -> None:
        """Save title, settings and draft. Raises StoreError."""
        if self._is_new:
            await self._store.create_session(self.session)
            self._is_new = False
        else:
            await self._store.update_session(self.session)

    async def send(self, parts: Sequence[Part], target: Target) -> AsyncGenerator[Event, None]:
        """Add a user message and stream the reply to it; the draft is then spent.

        Raises StoreError when the message can't be saved; then nothing was sent and
        the conversation is as it was. A failing server is an event, not an error.
        """
        now = self._clock.now()
        message = Message(
            self._new_id(), Role.USER, tuple(parts), now, parent_id=self.session.head_id
        )
        if not self.messages and not self.session.is_title_given:
            self.session = replace(self.session, title=title_from(message.text))
        await self.save_head()
        await self._store.add_message(self.session.id, message)
        self.messages.append(message)
        self.session = replace(self.session, head_id=message.id, updated_at=now, draft="")
        await self.save_head()
        async with aclosing(self._reply(target, under=message.id)) as events:
            async for event in events:
                yield event

    async def retry(self, target: Target) -> AsyncGenerator[Event, None]:
        """Ask again for the last reply. The earlier one stays in the tree, beside it."""
        kept = list(self.messages)
        while kept and kept[-1].role is Role.ASSISTANT:
            kept.pop()
        self.messages = kept
        async with aclosing(self._reply(target, under=kept[-1].id)) as events:
            async for event in events:
                yield event

    async def continue_reply(self, target: Target) -> AsyncGenerator[Event, None]:
        """Ask for more of the last reply; what comes joins it as another exchange."""
        last = self.messages[-1]
        async with aclosing(self._reply(target, under=last.parent_id, joining=last)) as events:
            async for event in events:
                yield event

    async def _reply(
        self, target: Target, *, under: str | None, joining: Message | None = None
    ) -> AsyncGenerator[Event, None]:
        request = self._request(target.model, continues=joining is not None)
        opening = self._opening(target)
        source = ReplySource(opening.id)
        message = (
            Message(self._new_id(), Role.ASSISTANT, (), opening.started_at, under, (source,))
            if joining is None
            else replace(joining, sources=(*joining.sources, source))
        )
        writer = JournalWriter(await self._store.begin_exchange(self.session.id, message, opening))
        if joining is not None:
            self.messages.pop()
        self.messages.append(message)
        self.session = replace(self.session, head_id=message.id)
        self.live = LiveReply(message, ExchangeFold(opening), self._clock)
        _log.info(
            "exchange %s in session %s: %s at %s",
            opening.id,
            self.session.id,
            target.model,
            opening.base_url,
        )
        async with aclosing(self._run(self.live, request, target.provider, writer)) as events:
            async for event in events:
                yield event

    async def _run(
        self, live: LiveReply, request: ModelRequest, provider: ModelProvider, writer: JournalWriter
    ) -> AsyncGenerator[Event, None]:
        fold = live.fold
        started_ms = self._clock.monotonic_ms()
        try:
            async with aclosing(provider.stream(request)) as events:
                async for event in events:
                    fold.apply(event)
                    if type(event) is WireFrame:
                        live.frames.append(event)
                        writer.add(event)
                    elif type(event) is RequestSent:
                        live.request = event
                        writer.note_request(event)
                    elif type(event) is StreamEnded:
                        await self._finish(live, writer)
                    yield event
        finally:
            # Cancelled, closed by its reader, or a fault of ours: what came is kept.
            if self.live is live:
                if not fold.is_ended:
                    elapsed_ms = self._clock.monotonic_ms() - started_ms
                    fold.apply(StreamEnded(StreamEnd.CANCELLED, elapsed_ms))
                await self._finish(live, writer)

    async def _finish(self, live: LiveReply, writer: JournalWriter) -> None:
        """Save the ending, once, whoever is cancelled meanwhile."""
        if live.finishing is None:
            live.finishing = asyncio.ensure_future(self._save_ending(live, writer))
        await asyncio.shield(live.finishing)

    async def _save_ending(self, live: LiveReply, writer: JournalWriter) -> None:
        exchange = live.fold.snapshot()
        _log.info(
            "exchange %s %s: status %s, %s frames in %.0f ms, %s",
            exchange.id,
            exchange.state.value,
            exchange.status,
            exchange.frame_count,
            exchange.timing.duration_ms,
            exchange.failure or "no failure",
        )
        try:
            await writer.finish(exchange)
            self.unsaved = None
        except StoreError as error:
            self.unsaved = error
        finally:
            self.exchanges[exchange.id] = exchange
            if self.live is live:
                self.live = None

    def _request(self, model: str, *, continues: bool) -> ModelRequest:
        settings = self.session.settings
        return ModelRequest(
            model=model,
            messages=self.read_messages(),
            system=settings.system,
            parameters=settings.parameters,
            continues=continues,
        )

    def _opening(self, target: Target) -> Exchange:
        return Exchange(
            id=self._new_id(),
            api=target.provider.api,
            endpoint=target.endpoint.name,
            base_url=target.endpoint.public_url,
            model=target.model,
            started_at=self._clock.now(),
            state=ExchangeState.IN_PROGRESS,
        )
