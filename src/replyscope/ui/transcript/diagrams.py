"""Draws diagrams in a thread, because one can take seconds; until then their source is shown."""

from collections.abc import Callable
from functools import partial

from replyscope.inspection.markup.diagram import Rows, diagram_variants, fitting_rows
from replyscope.ui.pictures.background_cache import BackgroundCache

MOST_KEPT = 512
"""More than the visible blocks can have: a block is cut after some hundred characters."""


class BackgroundDiagrams:
    """A cache of drawn diagrams, `most_kept` or all. `notify` is called in the thread after
    each drawing.
    """

    def __init__(self, notify: Callable[[], object], most_kept: int | None = MOST_KEPT) -> None:
        self._notify = notify
        self._drawn: BackgroundCache[tuple[str, bool], tuple[Rows, ...]] = BackgroundCache(
            "diagrams", most_kept
        )

    def rows(self, source: str, width: int, ascii_only: bool) -> list[str] | None:
        """The rows of a diagram, or None if it cannot be drawn in the width, or not yet."""
        draw = partial(diagram_variants, source, ascii_only)
        variants = self._drawn.find((source, ascii_only), draw, self._notify)
        return fitting_rows(variants, width) if variants is not None else None
