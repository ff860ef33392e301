"""Comparison and replay of the results."""

from collections.abc import Sequence

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.search import Hit
from replyscope.inspection.siblings import Reply
from replyscope.ui.reading.pane import ReadingPane
from replyscope.ui.reading.reply_screens import ReplyScreens
from replyscope.ui.review.desk import ReviewDesk

_NO_SIBLING = "Only one version. [Space] mark a reply, select another, [c] compare"


class Comparing:
    """Compares marked replies, or the inspected one with its sibling; replays one."""

    def __init__(self, desk: ReviewDesk, reading: ReadingPane, screens: ReplyScreens) -> None:
        self._desk = desk
        self._reading = reading
        self._screens = screens

    def replay(self) -> None:
        """Replay the reply under the cursor."""
        reply = self._reading.reply()
        if reply is not None:
            self._screens.replay(reply)

    def compare(self) -> None:
        """Compare the marked replies, or the marked and the highlighted one."""
        hits = self._desk.selection.marked_replies()
        if len(hits) < 2:
            self._screens.compare_with_sibling(self._reading.reply(), _NO_SIBLING)
            return
        self._desk.start_work(self._compare, hits, group="compare", exclusive=True, holds_keys=True)

    async def _compare(self, hits: Sequence[Hit]) -> None:
        replies: list[Reply] = []
        for hit in hits:
            try:
                stored = await self._desk.services.sessions.load_session(hit.session_id)
            except ReplyscopeError as error:
                self._desk.tell(error)
                return
            exchange = stored.exchanges.get(hit.exchange_id)
            if exchange is None or not exchange.choices:
                self._desk.tell("This reply is empty. There is nothing to compare.", is_error=False)
                return
            replies.append((exchange, exchange.choices[0].index))
        self._screens.compare(replies)
