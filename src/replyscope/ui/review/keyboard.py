"""The footer of the review screen: the order of its keys by pane, and their words now."""

from collections.abc import Collection, Mapping, Sequence, Sized
from typing import Any

from textual.binding import Binding

from replyscope.ui.keys.entries import KeyGuide, order_of_pane
from replyscope.ui.reading.pictures import PictureCommands
from replyscope.ui.review.folders import Folders
from replyscope.ui.review.query_field import QueryField
from replyscope.ui.review.results import Results
from replyscope.ui.transcript.transcript import Transcript
from replyscope.ui.working_screen import WorkingScreen

_BACK = "review.back"
_ANYWHERE = ("review.query-here", "app.keys", "app.help", "review.leave")
_FOOTER_ORDER: Mapping[type[Any], tuple[str, ...]] = {
    QueryField: ("submit", "review.complete", "review.next", _BACK, "app.help", "review.leave"),
    Results: (
        "review.want", "review.mark", "review.compare", "review.tag", "review.delete",
        "review.undo",
        "review.export", "review.sort", _BACK, *_ANYWHERE, "review.pin", "review.archive",
        "review.rename", "review.replay", "review.sessions", "review.save",
    ),
    Folders: ("select", "review.remove-folder", _BACK, *_ANYWHERE),
    Transcript: (
        "transcript.next", "preview.picture", "transcript.fold", "review.replay", _BACK, *_ANYWHERE,
    ),
}  # fmt: skip
"""The ids of bindings that the footer shows first, by the focused pane; actions where a binding
has no id.
"""


class ReviewKeys(KeyGuide):
    """The meaning of keys now. `hidden` are the ids of bindings that these sessions do not have."""

    def __init__(
        self,
        screen: WorkingScreen[Any],
        results: Results,
        undo: Sized,
        pictures: PictureCommands,
        hidden: Collection[str | None],
    ) -> None:
        self._screen = screen
        self._pictures = pictures
        self._results = results
        self._undo = undo
        self._hidden = hidden

    def order(self) -> Sequence[str]:
        """The ids of bindings for the footer, most useful first."""
        return order_of_pane(_FOOTER_ORDER, self._screen.focused, (_BACK, *_ANYWHERE))

    def word(self, binding: Binding, word: str) -> str:
        """The word of a binding in the footer; empty while its command does nothing."""
        marked = self._results.marked
        is_listed = self._screen.focused is self._results
        if binding.id in self._hidden:
            return ""
        match binding.id or binding.action:
            case "review.back":
                return "results" if not is_listed else "unmark" if marked else "chat"
            case "submit":
                return "results"
            case "review.leave" if is_listed and not marked:
                return ""  # Esc does the same
            case "review.open" if is_listed:
                return ""  # Enter does the same
            case "review.query":
                return ""  # `/` does the same, and in the query it does nothing
            case "preview.picture" if not self._pictures.has_pictures:
                return ""
            case "review.undo" if not self._undo:
                return ""
            case "review.compare" if not marked:
                return ""
            case _:
                return word
