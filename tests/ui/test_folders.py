"""The list of folders and facets, in the width that it has."""

import pytest
from textual.app import App, ComposeResult

from replyscope.domain.search import Facets
from replyscope.ui.review.folders import SHIPPED, Folders
from tests.ui.app import frame

FACETS = Facets(by_field=(("model", (("a-model-with-a-very-long-name", 33_312), ("small", 7))),))


class FoldersApp(App[None]):
    CSS = """
    Folders { width: 25; text-wrap: nowrap; text-overflow: ellipsis; scrollbar-size-vertical: 1; }
    """

    def compose(self) -> ComposeResult:
        yield Folders()


@pytest.mark.parametrize("height", [40, 10])
async def test_a_facet_keeps_its_count_and_its_name_is_cut(height: int) -> None:
    async with FoldersApp().run_test(size=(60, height)) as pilot:
        folders = pilot.app.query_one(Folders)
        folders.show(SHIPPED, FACETS)
        await pilot.pause()
        assert folders.show_vertical_scrollbar == (height == 10)
        folders.scroll_end(animate=False)
        await pilot.pause()
        lines = frame(pilot).split("\n")
        (long,) = (line for line in lines if "a-model" in line)
        (short,) = (line for line in lines if "small" in line)
        assert "… 33,312" in long
        assert " 7" in short
        assert long.index("33,312") + 6 == short.index("7") + 1


async def test_a_facet_fits_beside_a_scroll_bar_that_comes_later() -> None:
    async with FoldersApp().run_test(size=(60, 40)) as pilot:
        pilot.app.query_one(Folders).show(SHIPPED[:1], FACETS)
        await pilot.pause()
        before = frame(pilot)
        await pilot.resize_terminal(60, 6)
        await pilot.pause()
        folders = pilot.app.query_one(Folders)
        assert folders.show_vertical_scrollbar
        folders.scroll_end(animate=False)
        await pilot.pause()
        assert "… 33,312" in before
        assert "… 33,312" in frame(pilot)
