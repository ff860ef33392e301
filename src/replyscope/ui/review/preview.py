"""The preview: the highlighted reply in its conversation."""

import asyncio
from re import Pattern
from typing import Any

from replyscope.domain.errors import ReplyscopeError, SessionNotFound
from replyscope.domain.session import StoredSession
from replyscope.ui.reading.entries import shown
from replyscope.ui.reading.pane import ReadingPane
from replyscope.ui.reading.source import StoredSource
from replyscope.ui.review.result_rows import Found
from replyscope.ui.services import Services
from replyscope.ui.transcript.preview import Preview
from replyscope.ui.working_screen import WorkingScreen

_SETTLE_S = 0.06


class SessionPreview:
    """Loads the session of the highlighted row, and shows the branch of its reply.

    `pattern` is what the query finds; its matches are marked.
    """

    def __init__(
        self,
        screen: WorkingScreen[Any],
        services: Services,
        source: StoredSource,
        reading: ReadingPane,
    ) -> None:
        self.pattern: Pattern[str] | None = None
        self._screen = screen
        self._services = services
        self._source = source
        self._reading = reading
        self._is_stale = True
        self._drawn: StoredSession | None = None

    def expire(self) -> None:
        """Load the session again with the next row that is highlighted."""
        self._is_stale = True

    def show(self, found: Found | None) -> None:
        """Show a row of the results; None empties the preview."""
        self._screen.start_work(self._show, found, group="preview", exclusive=True)

    async def _show(self, found: Found | None) -> None:
        await asyncio.sleep(_SETTLE_S)
        if found is None:
            self._empty()
            self._reading.draw()
            return
        try:
            await self._load(found.session_id)
        except SessionNotFound:
            self._screen.tell("This session was deleted in another window.")
            self._empty()
            return
        except ReplyscopeError as error:
            self._screen.tell(error)
            return
        self._show_branch(found.message_id)

    def _empty(self) -> None:
        self._is_stale = True
        self._screen.query_one(Preview).show_nothing()

    async def _load(self, session_id: str) -> None:
        open_now = self._source.session
        if self._is_stale or open_now is None or open_now.session.id != session_id:
            self._source.open(await self._services.sessions.load_session(session_id))
            self._is_stale = False

    def _show_branch(self, message_id: str | None) -> None:
        """Show the branch that a message is on, the cursor on the message."""
        tree, transcript = self._source.tree, self._screen.query_one(Preview)
        if message_id is not None and all(m.id != message_id for m in tree.branch):
            tree.go_to(tree.tip_under(message_id))
        ids = [message.id for message in shown(tree.branch)]
        number = ids.index(message_id) if message_id in ids else len(ids) - 1
        transcript.pattern = self.pattern
        if transcript.keys != ids or not _reads_alike(self._drawn, self._source.session):
            transcript.show_entries(ids, self._source.content_of)
        self._drawn = self._source.session
        transcript.point_at_match(number)


def _reads_alike(before: StoredSession | None, stored: StoredSession | None) -> bool:
    if before is None or stored is None:
        return False
    return before is stored or (
        (before.messages, before.exchanges) == (stored.messages, stored.exchanges)
    )
