"""The drawings of a transcript that are made in threads: diagrams and pictures."""

from textual.strip import Strip
from textual.widget import Widget

from replyscope.ui.markdown.options import DrawingOptions
from replyscope.ui.markdown.palette import look_of
from replyscope.ui.pictures.source import PictureSource
from replyscope.ui.transcript.diagrams import MOST_KEPT, BackgroundDiagrams
from replyscope.ui.transcript.messages import DrawingReady


class Drawings:
    """Draws for one widget, which gets `DrawingReady` when a drawing is ready.

    A widget that draws all its diagrams at once keeps all: `diagrams_kept` is None.
    """

    def __init__(self, widget: Widget, diagrams_kept: int | None = MOST_KEPT) -> None:
        self._widget = widget
        self._diagrams = BackgroundDiagrams(self._report, diagrams_kept)

    def options(self) -> DrawingOptions:
        """The options for drawing Markdown."""
        keeps_breaks = look_of(self._widget).keeps_breaks
        return DrawingOptions(keeps_breaks, diagram_rows=self._diagrams.rows)

    def picture(self, picture: PictureSource, room: int) -> list[Strip]:
        """The rows of a picture; none where the terminal cannot draw it. Raises PictureError."""
        gallery = getattr(self._widget.app, "gallery", None)
        return gallery.strips(picture, room, self._report) if gallery is not None else []

    def _report(self) -> None:
        self._widget.post_message(DrawingReady())
