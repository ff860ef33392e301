"""The groups of the review screen, composed: each gets the desk and what it draws into."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from replyscope.ui.reading.pane import ReadingPane
from replyscope.ui.reading.pictures import PictureCommands
from replyscope.ui.reading.reply_screens import ReplyScreens
from replyscope.ui.reading.source import StoredSource
from replyscope.ui.review.changes import Changes
from replyscope.ui.review.comparing import Comparing
from replyscope.ui.review.desk import ReviewDesk
from replyscope.ui.review.exports import Exports
from replyscope.ui.review.key_help import ReviewHelp
from replyscope.ui.review.labelling import Labelling
from replyscope.ui.review.layout import ReviewLayout
from replyscope.ui.review.preview import SessionPreview
from replyscope.ui.review.saved_queries import SavedQueries
from replyscope.ui.review.searching import Searching, SearchWidgets
from replyscope.ui.review.sessions import ChosenSessions
from replyscope.ui.review.statistics import Statistics
from replyscope.ui.services import Services
from replyscope.ui.working_screen import WorkingScreen


@dataclass(frozen=True, slots=True)
class ReviewGroups:
    """The desk, the reading pane, and the groups of commands."""

    desk: ReviewDesk
    reading: ReadingPane
    preview: SessionPreview
    search: Searching
    layout: ReviewLayout
    changes: Changes
    labelling: Labelling
    sessions: ChosenSessions
    saved_queries: SavedQueries
    exports: Exports
    comparing: Comparing
    statistics: Statistics
    help: ReviewHelp
    pictures: PictureCommands


def compose_review(
    screen: WorkingScreen[Any],
    services: Services,
    widgets: SearchWidgets,
    hidden: Collection[str | None],
    is_running: Callable[[str], bool],
) -> ReviewGroups:
    """The groups of a screen with these widgets; the help leaves out the `hidden` bindings.
    `is_running` returns whether a turn of a session runs in this app.
    """
    field, results = widgets.field, widgets.results
    desk = ReviewDesk(services, screen, results, lambda: field.value, is_running)
    source = StoredSource(services)
    reading = ReadingPane(screen, services, source)
    preview = SessionPreview(screen, services, source, reading)
    search = Searching(screen, desk, widgets, preview)

    def refresh() -> None:
        preview.expire()
        search.search_again()

    changes = Changes(desk, refresh)
    return ReviewGroups(
        desk=desk,
        reading=reading,
        preview=preview,
        search=search,
        layout=ReviewLayout(screen, services, field, widgets.folders, results),
        changes=changes,
        labelling=Labelling(desk, changes),
        sessions=ChosenSessions(desk, changes, refresh),
        saved_queries=SavedQueries(desk, changes),
        exports=Exports(desk, screen),
        comparing=Comparing(desk, reading, ReplyScreens(screen, services, source)),
        statistics=Statistics(desk, search),
        help=ReviewHelp(screen, hidden),
        pictures=PictureCommands(screen, services, lambda: False),
    )
