"""Exports of the chosen sessions, and of all sessions that the query finds."""

from typing import Any

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.query import QueryError
from replyscope.ui.review.desk import ReviewDesk
from replyscope.ui.review.exporting import ask_export
from replyscope.ui.working_screen import WorkingScreen


class Exports:
    """Opens the export dialogs."""

    def __init__(self, desk: ReviewDesk, screen: WorkingScreen[Any]) -> None:
        self._desk = desk
        self._screen = screen

    def export_chosen(self) -> None:
        """Export the chosen sessions."""
        ids = self._desk.chosen_sessions()
        if ids:
            self._desk.start_work(self._export, ids, group="export", holds_keys=True)

    def export_found(self) -> None:
        """Export every session that the query finds."""
        self._desk.start_work(self._export_found, group="export", holds_keys=True)

    async def _export_found(self) -> None:
        try:
            search = self._desk.review.read(self._desk.query())
            found = await self._desk.services.index.find_ids(search)
        except (QueryError, ReplyscopeError) as error:
            self._desk.tell(str(error))
            return
        ids = list(dict.fromkeys(session_id for session_id, _ in found))
        if ids:
            await self._export(ids)
        else:
            self._desk.tell("No replies match the query. Nothing was exported.", is_error=False)

    async def _export(self, ids: list[str]) -> None:
        await ask_export(self._screen.app, self._desk.services, ids, self._desk.tell)
