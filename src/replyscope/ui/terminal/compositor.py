"""A compositor that renders only the lines of the painted region.

Textual renders all lines of each widget whose container overlaps the painted region: one
streamed word costs the lines of every pane. Here a widget renders only its painted lines,
and none when other widgets cover it. The output to the terminal is the same.
"""

from collections.abc import Iterable, Iterator

from textual.geometry import Region

from replyscope.ui.terminal.textual_internals import RegionCompositor, Render


class TightCompositor(RegionCompositor):
    """A compositor that renders only the lines that are painted."""

    def renders_of(self, crop: Region) -> Iterable[Render]:
        bare = [crop]
        # Front to back: where widgets overlap, the first one is visible.
        for widget, (region, clip) in self.visible_widgets.items():
            visible = region.intersection(clip)
            if not any(visible.overlaps(each) for each in bare):
                continue
            bare = [left for each in bare for left in _around(each, visible)]
            # Painted lines are rendered in full width: cuts are at a widget's own edges.
            first, last = max(visible.y, crop.y), min(visible.bottom, crop.bottom)
            part = Region(visible.x, first, visible.width, last - first)
            yield region, part, widget.render_lines(part.translate(-region.offset))
            if not bare:
                return


def _around(region: Region, covered: Region) -> Iterator[Region]:
    """The parts of a region that another region does not cover."""
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
