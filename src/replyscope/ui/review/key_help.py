"""The help of the review screen: the keys of its panes, and the query language."""

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
    """Opens the help of a review screen."""

    def __init__(self, screen: WorkingScreen[Any]) -> None:
        self._screen = screen

    def show(self) -> None:
        """Open the help dialog."""
        app, screen = self._screen.app, type(self._screen)
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
            HelpSection("Everywhere in the review", rows_of(app, screen, typed=False)),
            HelpSection("Outside the query", [*rows_of(app, screen, typed=True), facets]),
            *(HelpSection(title, rows_of(app, kind)) for title, kind in panes),
        ]
        app.push_screen(HelpScreen(sections))
