"""The help of the review screen: the keys of its panes, and the query language."""

from collections.abc import Collection
from typing import Any

from replyscope.ui.dialogs.help import HelpScreen, HelpSection
from replyscope.ui.keys.entries import KeyRow
from replyscope.ui.keys.listing import rows_of
from replyscope.ui.reading.inspector import Inspector
from replyscope.ui.reading.timeline_view import TimelineView
from replyscope.ui.reading.wire_view import WireView
from replyscope.ui.review.folders import Folders
from replyscope.ui.review.query_completion import LANGUAGE
from replyscope.ui.review.query_field import QueryField
from replyscope.ui.review.results import Results
from replyscope.ui.transcript.preview import Preview
from replyscope.ui.working_screen import WorkingScreen


class ReviewHelp:
    """Opens the help of a review screen, without the `hidden` ids of bindings."""

    def __init__(self, screen: WorkingScreen[Any], hidden: Collection[str | None]) -> None:
        self._screen = screen
        self._hidden = hidden

    def show(self) -> None:
        """Open the help dialog."""
        app = self._screen.app
        panes = (
            ("Query", QueryField),
            ("Results", Results),
            ("Folders and facets", Folders),
            ("Preview", Preview),
            ("Inspector", Inspector),
            ("Wire", WireView),
            ("Timeline", TimelineView),
        )
        facets = KeyRow("1 … 9, Alt+1 … 9", "Add a facet to the query, or remove it")
        sections = [
            HelpSection("The query", [KeyRow(written, asks) for written, asks in LANGUAGE]),
            HelpSection("Everywhere in the review", self._rows(typed=False)),
            HelpSection("Outside the query", [*self._rows(typed=True), facets]),
            *(HelpSection(title, rows_of(app, kind)) for title, kind in panes),
        ]
        app.push_screen(HelpScreen(sections))

    def _rows(self, *, typed: bool) -> list[KeyRow]:
        rows = rows_of(self._screen.app, type(self._screen), typed=typed)
        return [row for row in rows if row.id not in self._hidden]
