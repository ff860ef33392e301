"""Runs exchanges to their ends: folded, written to the journal, priced and saved."""

import asyncio
import logging

from replyscope.domain.errors import StoreError
from replyscope.domain.event import Event, Listen, RequestSent, StreamEnded, WireFrame
from replyscope.domain.finish import StreamEnd
from replyscope.domain.fold import ExchangeFold
from replyscope.domain.ports import Clock, ModelProvider, PriceList
from replyscope.domain.request import ModelRequest
from replyscope.engine.endings import Endings
from replyscope.engine.journal_writer import JournalWriter
from replyscope.engine.known_exchanges import KnownExchanges
from replyscope.engine.live import LiveReply
from replyscope.engine.reply_images import KeepFile
from replyscope.engine.rules import RuleBook

_log = logging.getLogger(__name__)


class Runner:
    """Runs the exchanges of one session; holds the live ones and their endings."""

    def __init__(
        self,
        exchanges: KnownExchanges,
        clock: Clock,
        prices: PriceList | None,
        rules: RuleBook | None,
        keep_file: KeepFile | None = None,
    ) -> None:
        self.lives: dict[str, LiveReply] = {}
        self.is_leaving = False
        self._exchanges = exchanges
        self._clock = clock
        self._endings = Endings(prices, keep_file)
        self._rules = rules

    @property
    def unsaved(self) -> StoreError | None:
        """The error that kept an ended exchange from being saved; None when all are saved."""
        return self._endings.fault

    @property
    def unsaved_ids(self) -> set[str]:
        """The ids of the ended exchanges that are not saved."""
        return self._endings.ids

    async def save_endings(self) -> None:
        """Save the exchanges that could not be saved when they ended. Raises StoreError."""
        await self._endings.save()

    async def run(
        self,
        live: LiveReply,
        request: ModelRequest,
        provider: ModelProvider,
        writer: JournalWriter,
        listen: Listen,
        *,
        keeps_request: bool = False,
    ) -> None:
        """Run one exchange to its end. `listen` gets each event after it was folded, and the
        ending only after it was committed. With `keeps_request` the record has the request
        already.
        """
        fold = live.fold
        started_ms = self._clock.monotonic_ms()
        self.lives[live.fold_id] = live

        ending: StreamEnded | None = None

        def apply(event: Event) -> None:
            nonlocal ending
            fold.apply(event)
            if type(event) is WireFrame:
                live.frames.append(event)
                writer.add(event)
            elif type(event) is RequestSent and not keeps_request:
                live.request = event
                writer.note_request(event)
            elif type(event) is StreamEnded:
                ending = event
                return
            listen(event)

        try:
            await provider.stream(request, apply)
            await self._finish(live, writer)
        finally:
            # Cancelled, or a fault of the program or the listener: keep what arrived.
            if live.fold_id in self.lives:
                if not fold.is_ended:
                    elapsed_ms = self._clock.monotonic_ms() - started_ms
                    fold.apply(StreamEnded(self._leaving_end(fold), elapsed_ms))
                await self._finish(live, writer)
        if ending is not None:
            listen(ending)

    def _leaving_end(self, fold: ExchangeFold) -> StreamEnd:
        snapshot = fold.snapshot()
        goes_on = self.is_leaving and snapshot.is_background and snapshot.response_id is not None
        return StreamEnd.DETACHED if goes_on else StreamEnd.CANCELLED

    async def _finish(self, live: LiveReply, writer: JournalWriter) -> None:
        """Save the ending once; cancelling does not interrupt it."""
        if live.finishing is None:
            live.finishing = asyncio.ensure_future(self._save_ending(live, writer))
        await asyncio.shield(live.finishing)

    async def _save_ending(self, live: LiveReply, writer: JournalWriter) -> None:
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
        self._endings.add(writer, exchange)
        try:
            await self._endings.save()
        except StoreError as error:
            _log.warning("exchange %s is not saved: %s", exchange.id, error)
        finally:
            self._exchanges.put(exchange)
            self.lives.pop(exchange.id, None)
