"""Painting less must not be seen: the terminal shows what Textual's own painting shows."""

import copy

import pyte
from hypothesis import given
from hypothesis import strategies as st
from textual._compositor import Compositor
from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.geometry import Region
from textual.screen import Screen
from textual.widgets import Static

from replyscope.ui.terminal.compositor import TightCompositor
from tests.support.examples import examples

SIZE = (40, 14)
REGIONS = st.lists(
    st.builds(
        Region, st.integers(0, 39), st.integers(0, 13), st.integers(1, 40), st.integers(1, 14)
    ),
    min_size=1,
    max_size=4,
)


class Layered(Screen[None]):
    """Panes, borders, a pane that scrolls, and a box that lies over all of them."""

    CSS = """
    Layered { layers: base over; }
    #left { width: 12; border: solid red; }
    #middle { border: round blue; }
    #box { layer: over; width: 14; height: 4; offset: 8 5; border: heavy green; }
    """

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Static("left " * 20, id="left")
            with Vertical(id="middle"), VerticalScroll():
                yield Static("\n".join(f"line {n} of many" for n in range(30)))
            yield Static("right\n" * 9)
        yield Static("over", id="box")


def after_a_partial_paint(compositor: Compositor, regions: list[Region], app: App[None]) -> str:
    """What a terminal full of dots shows after the regions were painted."""
    screen = pyte.Screen(*SIZE)
    stream = pyte.Stream(screen)
    stream.feed("\r\n".join(["." * SIZE[0]] * SIZE[1]))
    compositor._dirty_regions = set(regions)
    update = compositor.render_partial_update()
    if update is not None:
        stream.feed(update.render_segments(app.console))
    cells = (screen.buffer[y][x] for y in range(SIZE[1]) for x in range(SIZE[0]))
    return "".join(f"{cell.data}{cell.fg}{cell.bg}" for cell in cells)


async def test_a_partial_paint_shows_what_textuals_own_would() -> None:
    app: App[None] = App()
    async with app.run_test(size=SIZE) as pilot:
        await app.push_screen(Layered())
        await pilot.pause()
        own = copy.copy(app.screen._compositor)
        tight = TightCompositor()
        tight.__dict__.update(own.__dict__)

        @given(regions=REGIONS)
        @examples(150)
        def compare(regions: list[Region]) -> None:
            inside = [region.intersection(Region(0, 0, *SIZE)) for region in regions]
            shown = after_a_partial_paint(tight, inside, app)
            assert shown == after_a_partial_paint(own, inside, app)

        compare()


async def test_a_pane_under_another_is_not_rendered() -> None:
    app: App[None] = App()
    async with app.run_test(size=SIZE) as pilot:
        await app.push_screen(Layered())
        await pilot.pause()
        tight = TightCompositor()
        tight.__dict__.update(app.screen._compositor.__dict__)
        inside_the_box = Region(10, 7, 4, 1)
        rendered = [region for region, _, _ in tight._get_renders(inside_the_box)]
        assert rendered == [app.screen.query_one("#box").region]
