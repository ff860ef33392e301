"""The help of the live screen: the keys of its panes, and the query language of the filter."""

from collections.abc import Mapping, Sequence
from typing import Any

from textual.binding import Binding

from replyscope.engine.watching.held_calls import HeldCalls
from replyscope.ui.dialogs.help import HelpScreen, HelpSection
from replyscope.ui.keys.entries import KeyGuide, KeyRow, order_of_pane
from replyscope.ui.keys.listing import rows_of
from replyscope.ui.reading.inspector import Inspector
from replyscope.ui.reading.timeline_view import TimelineView
from replyscope.ui.reading.wire_view import WireView
from replyscope.ui.review.query_completion import LANGUAGE
from replyscope.ui.review.query_field import QueryField
from replyscope.ui.transcript.preview import Preview
from replyscope.ui.transcript.transcript import Transcript
from replyscope.ui.watch.call_table import CallTable
from replyscope.ui.working_screen import WorkingScreen

_BACK = "watch.back"
_ANYWHERE = ("watch.filter", "app.keys", "app.help", "watch.leave")
_FOOTER_ORDER: Mapping[type[Any], tuple[str, ...]] = {
    QueryField: ("submit", "review.complete", "review.next", _BACK, "app.help"),
    CallTable: (
        "watch.held", "watch.open", "watch.take-over", "watch.follow", "watch.mark",
        "watch.compare", "watch.replay", "watch.export", _BACK, *_ANYWHERE, "watch.toggle",
        "watch.address",
    ),
    Transcript: ("transcript.next", "transcript.fold", _BACK, *_ANYWHERE),
}  # fmt: skip


class WatchHelp:
    """Opens the help of the live screen."""

    def __init__(self, screen: WorkingScreen[Any]) -> None:
        self._screen = screen

    def show(self) -> None:
        """Open the help dialog."""
        app, screen = self._screen.app, type(self._screen)
        panes = (
            ("Calls", CallTable),
            ("Filter", QueryField),
            ("Reply", Preview),
            ("Inspector", Inspector),
            ("Wire", WireView),
            ("Timeline", TimelineView),
        )
        app.push_screen(
            HelpScreen(
                [
                    HelpSection("Everywhere in the watch", rows_of(app, screen, typed=False)),
                    HelpSection("Outside the filter", rows_of(app, screen, typed=True)),
                    *(HelpSection(title, rows_of(app, kind)) for title, kind in panes),
                    HelpSection("The filter", [KeyRow(term, help) for term, help in LANGUAGE]),
                ]
            )
        )


class WatchKeys(KeyGuide):
    """The meaning of keys now."""

    def __init__(self, screen: WorkingScreen[Any], table: CallTable, held: HeldCalls) -> None:
        self._screen = screen
        self._table = table
        self._held = held

    def order(self) -> Sequence[str]:
        """The ids of bindings for the footer, most useful first."""
        return order_of_pane(_FOOTER_ORDER, self._screen.focused, (_BACK, *_ANYWHERE))

    def word(self, binding: Binding, word: str) -> str:
        """The word of a binding in the footer; empty while its command does nothing."""
        is_listed = self._screen.focused is self._table
        match binding.id or binding.action:
            case "watch.back":
                marked = self._table.marked
                return "calls" if not is_listed else "unmark" if marked else "chat"
            case "submit":
                return "calls"
            case "watch.leave" if is_listed and not self._table.marked:
                return ""  # Esc does the same
            case "watch.follow" if self._table.follows:
                return ""
            case "watch.held" if not self._held.count:
                return ""
            case "watch.compare" if not self._table.marked:
                return ""
            case _:
                return word
