"""Runs exchanges to their ends: folded, written to the journal, priced and saved."""

import asyncio
import logging

from replyscope.domain.errors import StoreError
from replyscope.domain.event import Event, Listen, StreamEnded, ignore
from replyscope.domain.finish import StreamEnd
from replyscope.domain.fold import ExchangeFold
from replyscope.domain.ports import Clock, ModelProvider
from replyscope.domain.request import ModelRequest
from replyscope.engine.endings import Endings
from replyscope.engine.known_exchanges import KnownExchanges
from replyscope.engine.live_reply import LiveReply
from replyscope.engine.rules import RuleBook

_log = logging.getLogger(__name__)


class Runner:
    """Runs the exchanges of one session. `lives` are the streaming ones, by id."""

    def __init__(
        self, exchanges: KnownExchanges, clock: Clock, endings: Endings, rules: RuleBook | None
    ) -> None:
        self.lives: dict[str, LiveReply] = {}
        self.is_leaving = False
        self.hear: Listen = ignore
        """Called with each event after it was folded; with the ending before it is saved."""
        self._exchanges = exchanges
        self._clock = clock
        self._endings = endings
        self._rules = rules

    async def run(
        self, live: LiveReply, request: ModelRequest, provider: ModelProvider, listen: Listen
    ) -> None:
        """Run one exchange to its end. `listen` gets each event after it was folded, and the
        ending only after it was committed.
        """
        started_ms = self._clock.monotonic_ms()
        self.lives[live.fold_id] = live
        ending: StreamEnded | None = None

        def apply(event: Event) -> None:
            nonlocal ending
            live.apply(event)
            self.hear(event)
            if type(event) is StreamEnded:
                ending = event
            else:
                listen(event)

        try:
            await provider.stream(request, apply)
            await self._finish(live)
        finally:
            # Cancelled, or a fault of the program or the listener: keep what arrived.
            if live.fold_id in self.lives:
                if not live.fold.is_ended:
                    elapsed_ms = self._clock.monotonic_ms() - started_ms
                    live.apply(StreamEnded(self._leaving_end(live.fold), elapsed_ms))
                await self._finish(live)
        if ending is not None:
            listen(ending)

    def _leaving_end(self, fold: ExchangeFold) -> StreamEnd:
        snapshot = fold.snapshot()
        goes_on = self.is_leaving and snapshot.is_background and snapshot.response_id is not None
        return StreamEnd.DETACHED if goes_on else StreamEnd.CANCELLED

    async def _finish(self, live: LiveReply) -> None:
        """Save the ending once; cancelling does not interrupt it."""
        if live.finishing is None:
            live.finishing = asyncio.ensure_future(self._save_ending(live))
        await asyncio.shield(live.finishing)

    async def _save_ending(self, live: LiveReply) -> None:
        exchange = await self._endings.completed(live.fold.snapshot())
        if self._rules is not None:
            exchange = self._rules.judge(exchange)
        _log.info(
            "exchange %s %s: status %s, %s frames in %.0f ms, %s",
            exchange.id,
            exchange.state.value,
            exchange.status,
            exchange.frame_count,
            exchange.timing.duration_ms,
            exchange.failure or "no failure",
        )
        self._endings.add(live.writer, exchange)
        try:
            await self._endings.save()
        except StoreError as error:
            _log.warning("exchange %s is not saved: %s", exchange.id, error)
        finally:
            self._exchanges.put(exchange)
            self.lives.pop(exchange.id, None)
