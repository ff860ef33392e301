"""Opens the screens of a reply: its replay, and its comparison with other replies."""

import asyncio
import importlib
from collections.abc import Sequence
from typing import Any

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Message
from replyscope.engine.tool_calls import with_results
from replyscope.inspection.siblings import Reply, replies_beside
from replyscope.ui.reading.entries import shown
from replyscope.ui.reading.recording import NOTHING_TO_PLAY, load_recording
from replyscope.ui.reading.source import BranchSource
from replyscope.ui.services import Services
from replyscope.ui.transcript.transcript import Transcript
from replyscope.ui.working_screen import WorkingScreen


class ReplyScreens:
    """Opens replays and comparisons. Each screen is imported when it is first used."""

    def __init__(
        self, screen: WorkingScreen[Any], services: Services, source: BranchSource
    ) -> None:
        self._screen = screen
        self._services = services
        self._source = source

    def replay(self, reply: Message) -> None:
        """Open the replay of a reply, or report why it cannot be played."""
        self._screen.start_work(
            self._replay, reply, group="review", exclusive=True, holds_keys=True
        )

    async def _replay(self, reply: Message) -> None:
        exchanges = self._exchanges_of(reply)
        exchange = exchanges.get(reply.sources[-1].exchange_id) if reply.sources else None
        if exchange is None:
            self._screen.tell(f"{NOTHING_TO_PLAY} no model wrote this message.", is_error=False)
            return
        try:
            recording = await load_recording(self._services, exchange)
        except ReplyscopeError as error:
            self._screen.tell(error)
            return
        if isinstance(recording, str):
            self._screen.tell(recording, is_error=False)
            return
        module = await _import("replyscope.ui.reading.replay_screen")
        branch = shown(self._source.tree.branch)
        before = [message.id for message in branch[: branch.index(reply)]]
        replay = module.ReplayScreen(
            before, self._source.content_of, reply, exchanges, *recording, self._services,
            is_unlogged=self._screen.is_unlogged,
        )  # fmt: skip
        self._screen.app.push_screen(replay)

    def _exchanges_of(self, reply: Message) -> dict[str, Exchange]:
        """The exchanges of a reply, the newest with the results of its tool calls."""
        known = self._source.exchanges
        ids = [source.exchange_id for source in reply.sources if source.exchange_id in known]
        exchanges = {exchange_id: known[exchange_id] for exchange_id in ids}
        newest = reply.sources[-1].exchange_id if reply.sources else None
        if newest in exchanges:
            exchanges[newest] = with_results(exchanges[newest], self._source.results(reply))
        return exchanges

    def compare_with_sibling(self, reply: Message | None, hint: str) -> None:
        """Compare a reply with the sibling before it; without one, show the hint.

        Choices of one exchange are siblings, too.
        """
        replies: list[Reply] = []
        number = 0
        if reply is not None:
            siblings = self._source.tree.siblings(reply)
            replies, number = replies_beside(reply, siblings, self._source.exchanges)
        if len(replies) < 2:
            self._screen.tell(hint, is_error=False)
            return
        pair = (number - 1, number) if number else (0, 1)
        self.compare(replies, pair)

    def compare(self, replies: Sequence[Reply], pair: tuple[int, int] = (0, 1)) -> None:
        """Open the comparison of replies; `pair` has the numbers of the two shown first."""
        self._screen.start_work(
            self._compare, replies, pair, group="review", exclusive=True, holds_keys=True
        )

    async def _compare(self, replies: Sequence[Reply], pair: tuple[int, int]) -> None:
        module = await _import("replyscope.ui.reading.compare_screen")
        palette = self._screen.query_one(Transcript).palette()
        self._screen.app.push_screen(module.CompareScreen(replies, palette, *pair))


async def _import(name: str) -> Any:
    return await asyncio.to_thread(importlib.import_module, name)
