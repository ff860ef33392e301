"""Paints what changed and renders nothing else.

Textual renders each widget whose container meets what is to be painted, and all of its
lines: a word that streams into one line cost the lines of every pane. Here a widget
renders only those of its lines that are painted, and none when others lie over all of
it. What reaches the terminal is the same.
"""

from collections.abc import Iterable, Iterator

from textual.geometry import Region

from replyscope.ui.terminal.textual_internals import RegionCompositor, Render


class TightCompositor(RegionCompositor):
    """A compositor that renders only the lines that are painted."""

    def renders_of(self, crop: Region) -> Iterable[Render]:
        bare = [crop]
        # Front to back: where several lie over each other, the first is what is seen.
        for widget, (region, clip) in self.visible_widgets.items():
            visible = region.intersection(clip)
            if not any(visible.overlaps(each) for each in bare):
                continue
            bare = [left for each in bare for left in _around(each, visible)]
            # Of the lines that are painted the whole width: cuts are at a widget's own edges.
            first, last = max(visible.y, crop.y), min(visible.bottom, crop.bottom)
            part = Region(visible.x, first, visible.width, last - first)
            yield region, part, widget.render_lines(part.translate(-region.offset))
            if not bare:
                return


def _around(region: Region, covered: Region) -> Iterator[Region]:
    """What is left of a region when another lies over it."""
    middle = region.intersection(covered)
    if not middle:
        yield region
        return
    pieces = (
        Region.from_corners(region.x, region.y, region.right, middle.y),
        Region.from_corners(region.x, middle.bottom, region.right, region.bottom),
        Region.from_corners(region.x, middle.y, middle.x, middle.bottom),
        Region.from_corners(middle.right, middle.y, region.right, middle.bottom),
    )
    yield from filter(None, pieces)
