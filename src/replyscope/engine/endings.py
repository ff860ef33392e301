"""The queue of ended exchanges: each is priced, and saved as soon as the disk has room."""

import asyncio
import logging
from dataclasses import replace

from replyscope.domain.errors import StoreError
from replyscope.domain.exchange import Exchange
from replyscope.domain.ports import PriceList
from replyscope.engine.journal_writer import JournalWriter
from replyscope.engine.reply_images import KeepFile, keep_images

_log = logging.getLogger(__name__)


class Endings:
    """The ended exchanges that are not saved. `fault` is the last error, if any."""

    def __init__(self, prices: PriceList | None, keep_file: KeepFile | None = None) -> None:
        self.fault: StoreError | None = None
        self._prices = prices
        self._keep_file = keep_file
        self._waiting: list[tuple[JournalWriter, Exchange]] = []
        self._saving = asyncio.Lock()

    def keep_no_files(self) -> None:
        """Write no images to files from now on."""
        self._keep_file = None

    @property
    def ids(self) -> set[str]:
        """The ids of the exchanges that are not saved."""
        return {exchange.id for _, exchange in self._waiting}

    def add(self, writer: JournalWriter, exchange: Exchange) -> None:
        """Queue an ended exchange; `save` saves it."""
        self._waiting.append((writer, exchange))

    async def save(self) -> None:
        """Save the queued exchanges in order. Raises StoreError; the rest stays queued."""
        async with self._saving:
            while self._waiting:
                writer, exchange = self._waiting[0]
                try:
                    await writer.finish(exchange)
                except StoreError as error:
                    self.fault = error
                    raise
                self._waiting.pop(0)
            self.fault = None

    async def completed(self, exchange: Exchange) -> Exchange:
        """The exchange to store: with its estimated cost, and its images in files."""
        return await keep_images(await self._priced(exchange), self._keep_file)

    async def _priced(self, exchange: Exchange) -> Exchange:
        """The exchange with its estimated cost. A faulty price list must not lose a reply."""
        if self._prices is None or exchange.reported_cost_usd is not None:
            return exchange
        try:
            estimate = await self._prices.estimate(exchange)
        except Exception:  # noqa: BLE001 - the exchange has to be saved in any case
            _log.exception("no price for exchange %s", exchange.id)
            return exchange
        return replace(exchange, estimated_cost_usd=estimate)
