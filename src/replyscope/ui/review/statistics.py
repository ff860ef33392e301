"""The numbers screen, opened from the review screen for the query of its list."""

from replyscope.ui.review.desk import ReviewDesk
from replyscope.ui.review.searching import Searching


class Statistics:
    """Opens the numbers of the query, and searches for a figure that is opened there."""

    def __init__(self, desk: ReviewDesk, search: Searching) -> None:
        self._desk = desk
        self._search = search

    def show(self) -> None:
        """Show the numbers of the replies in the list."""
        from replyscope.ui.numbers.screen import StatsScreen  # loaded on first use

        desk, search = self._desk, self._search
        screen = StatsScreen(desk.review, desk.services.index, search.query)
        desk.ask_dialog(screen, search.set_query)
