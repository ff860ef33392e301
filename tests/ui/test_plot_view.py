"""The line of figures under the plot, in the width that it has."""

import pytest
from textual.app import App, ComposeResult

from replyscope.inspection.stats import Sums
from replyscope.ui.numbers.plot_view import PlotView
from tests.ui.app import frame

DAY = Sums(
    "2026-11-30", "on:2026-11-30", 6, 1, 900, 1_800, 0, 0.25, 0.0, 6, 0, 0, 0.4, 0.9, 2.0, 3.0
)
NAMED = "2026-11-30: 6 replies"


class PlotApp(App[None]):
    def compose(self) -> ComposeResult:
        yield PlotView()


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (100, f"{NAMED} · 1 error · 1,800 out · $0.25 · first token 400 ms"),
        (60, f"{NAMED} · 1 error"),
        (50, NAMED),
        (40, "2026-11-30"),
    ],
)
async def test_figures_that_do_not_fit_are_left_out_whole(width: int, shown: str) -> None:
    async with PlotApp().run_test(size=(width, 12)) as pilot:
        pilot.app.query_one(PlotView).show([DAY])
        await pilot.pause()
        line = frame(pilot).splitlines()[-1]
        assert line.partition("■")[0].rstrip() == shown
        assert line.endswith("■ answered  ■ errors")
