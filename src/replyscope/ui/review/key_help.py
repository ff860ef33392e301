"""The help of the review screen: the query language, and the present key bindings."""

from collections.abc import Iterable
from typing import Any

from textual.dom import DOMNode

from replyscope.ui.dialogs.help import HelpScreen
from replyscope.ui.review.query_completion import LANGUAGE
from replyscope.ui.review.results import Results
from replyscope.ui.terminal.textual_internals import bindings_of
from replyscope.ui.working_screen import WorkingScreen


class ReviewHelp:
    """Opens the help of a review screen."""

    def __init__(self, screen: WorkingScreen[Any], results: Results) -> None:
        self._screen = screen
        self._results = results

    def show(self) -> None:
        """Open the help dialog."""
        facets = ("1 … 9, Alt+1 … 9", "Add a facet to the query, or remove it", "")
        keys = [*self._keys_of(self._screen), facets, *self._keys_of(self._results)]
        language = [(written, asks, "") for written, asks in LANGUAGE]
        sections = [("The query", language), ("Review", list(dict.fromkeys(keys)))]
        self._screen.app.push_screen(HelpScreen(sections))

    def _keys_of(self, node: DOMNode) -> Iterable[tuple[str, str, str]]:
        """Keys, description and id of each binding that can be remapped."""
        for binding in bindings_of(node):
            if binding.id is not None:
                yield self._screen.app.get_key_display(binding), binding.description, binding.id
