"""A session per case on one real store, the real provider before it, and what is left after.

Invariant of every case: the prompt and what came are on disk as they are in memory, the
ending is told, and the next message is answered.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from replyscope.cli.system import SystemClock, new_id
from replyscope.domain.exchange import Api, Exchange
from replyscope.domain.message import Role, TextPart
from replyscope.domain.session import SessionSettings
from replyscope.engine.archive import Archive
from replyscope.engine.conversation import Conversation
from replyscope.engine.live_reply import Target
from replyscope.inspection.explain import Mood, explain
from replyscope.provider.openai_provider import OpenAIProvider
from replyscope.provider.opening import translate_frames
from replyscope.store.codec import decode_exchange, encode_exchange
from replyscope.store.sqlite_store import SqliteStore
from tests.support.build import open_chat


@dataclass(frozen=True, slots=True)
class Left:
    """What a case left: its exchange, and the frames on disk joined."""

    exchange: Exchange
    wire: str


@dataclass(slots=True)
class Bench:
    """Sends prompts, each in a session of its own."""

    store: SqliteStore
    archive: Archive
    provider: OpenAIProvider
    clock: SystemClock
    broken: OpenAIProvider | None = None
    """What the case itself is sent with, where that is another."""

    async def run(self, prompt: str, *, with_wire: bool = True) -> Left:
        """Send, look at what is left, and send once more."""
        conversation = self.archive.new(SessionSettings())
        await self._send(conversation, prompt, self.broken or self.provider)
        left = await self._look(conversation, prompt, with_wire=with_wire)
        await self._send(conversation, "case:plain:0:0", self.provider)
        answer = conversation.exchanges[conversation.turn[-1]].choice(0)
        assert (answer.text, conversation.unsaved) == ("Fine.", None), prompt
        return left

    async def _send(self, conversation: Conversation, text: str, via: OpenAIProvider) -> None:
        target = Target(via._endpoint, via, "m")
        await conversation.send((TextPart(text),), target)

    async def _look(self, conversation: Conversation, prompt: str, *, with_wire: bool) -> Left:
        assert conversation.unsaved is None, prompt
        assert not conversation.is_streaming, prompt
        stored = await self.store.load_session(conversation.session.id)
        (exchange,) = stored.exchanges.values()
        assert exchange.state.is_terminal, prompt
        kept = encode_exchange(conversation.exchanges[exchange.id])
        assert exchange == decode_exchange(kept), prompt  # which rounds times
        asked = [m.text for m in stored.messages if m.role is Role.USER]
        assert asked == [prompt]
        frames = (await self.store.load_wire(exchange.id)).frames if with_wire else ()
        told = explain(exchange, 0)
        assert told.mood is Mood.GOOD or told.sentence, prompt
        if exchange.failure is not None:
            assert exchange.failure.kind != "unexpected", exchange.failure
            assert exchange.failure.message, prompt
            assert exchange.failure.next_step, prompt
        return Left(exchange, "".join(frame.text for frame in frames))


@asynccontextmanager
async def open_bench(
    store: SqliteStore, base_url: str, api: Api, *, timeout_s: float = 60.0
) -> AsyncIterator[Bench]:
    """A bench whose provider speaks one API."""
    clock = SystemClock()
    archive = Archive(store, clock, new_id, translate=translate_frames)
    async with open_chat(base_url, clock, api=api, timeout_s=timeout_s) as provider:
        yield Bench(store, archive, provider, clock)
