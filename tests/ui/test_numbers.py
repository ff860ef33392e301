"""The numbers screen: what is plotted, and that each figure opens the replies behind it."""

from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from replyscope.ui.numbers.plot_view import PlotView
from replyscope.ui.numbers.screen import StatsScreen
from replyscope.ui.review.screen import ReviewScreen
from tests.support.server import LoopbackServer, error
from tests.ui.app import chat_of, frame, until
from tests.ui.test_chat import is_idle, send
from tests.ui.test_review import answers, ask, found, open_app, talk


async def open_numbers(pilot: Pilot[None]) -> None:
    await pilot.press("f9")
    await until(pilot, lambda: isinstance(pilot.app.screen, StatsScreen))
    await until(pilot, lambda: "by ending" in frame(pilot), "the numbers")


async def point_at(pilot: Pilot[None], label: str) -> None:
    """Put the highlight on the row that begins so."""
    for name in ("#stats-figures", "#stats-rows"):
        rows = pilot.app.screen.query_one(name, OptionList)
        for number, option in enumerate(rows.options):
            if str(option.prompt).split("  ")[0].strip() == label and not option.disabled:
                rows.focus()
                rows.highlighted = number
                await pilot.pause()
                return
    raise AssertionError(f"no row {label}\n{frame(pilot)}")


async def the_replies(pilot: Pilot[None], *, query: str, number: int) -> None:
    """They are shown by the review screen; then back to the chat."""
    await until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen))
    assert pilot.app.screen.query_one("#query", Input).value == query
    await until(pilot, lambda: found(pilot) == number, f"{number} of {query}")
    await pilot.press("escape", "escape")
    await until(pilot, lambda: pilot.app.screen is chat_of(pilot))


async def test_each_figure_opens_the_replies_behind_it(
    server: LoopbackServer, tmp_path: Path
) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples", "long pears")
        server.answer = lambda _request: error(404, "There is no such model.")
        await send(pilot, "plums")
        await until(pilot, lambda: "no such model" in frame(pilot))
        await until(pilot, lambda: is_idle(pilot))
        for label, query, number in (
            ("replies", "", 3),
            ("errors", "has:error", 1),
            ("tokens out", "-is:unmetered", 2),
            ("tokens unknown", "is:unmetered", 1),
            ("cost unknown", "is:unpriced", 3),
            ("cost reported", "is:reported", 0),
            ("test-model", "asked:test-model", 3),
            ("length", "finish:length", 1),
        ):
            await open_numbers(pilot)
            assert "33.3% of all" in frame(pilot)
            await point_at(pilot, label)
            await pilot.press("enter")
            await the_replies(pilot, query=query, number=number)
        await open_numbers(pilot)
        await point_at(pilot, "test-model")
        await pilot.press("e")
        await the_replies(pilot, query="asked:test-model has:error", number=1)


async def test_a_query_narrows_the_numbers_and_what_they_open(
    server: LoopbackServer, tmp_path: Path
) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples", "long pears", "plums")
        await open_numbers(pilot)
        await pilot.press("slash", *"apples or pears", "enter")
        await until(pilot, lambda: ": 2 replies · 14 out" in frame(pilot))
        await point_at(pilot, "stop")
        await pilot.press("enter")
        await the_replies(pilot, query="(apples or pears) finish:stop", number=1)
        await open_numbers(pilot)
        await ask_numbers(pilot, "tokens:lots")
        await until(pilot, lambda: "wants a number" in frame(pilot))


async def ask_numbers(pilot: Pilot[None], query: str) -> None:
    pilot.app.screen.query_one("#stats-query", Input).value = query


async def test_a_day_of_the_plot_is_picked_and_opened(
    server: LoopbackServer, tmp_path: Path
) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples", "long pears")
        await open_numbers(pilot)
        day = pilot.app.screen.query_one(PlotView).picked_term
        await pilot.press("2")
        await until(pilot, lambda: "■ out" in frame(pilot) and "■ in" in frame(pilot))
        assert "   25 ┤" in frame(pilot)
        await pilot.press("3")
        await until(pilot, lambda: "■ reported" in frame(pilot))
        assert "$0.00 ┤   ·" in frame(pilot)  # nobody priced any
        await pilot.press("enter")
        await the_replies(pilot, query=day, number=2)
        await open_numbers(pilot)
        await pilot.click(PlotView, offset=(12, 3), times=2)
        await the_replies(pilot, query=day, number=2)


async def test_the_numbers_fit_a_small_screen(server: LoopbackServer, tmp_path: Path) -> None:
    answers(server)
    async with open_app(tmp_path, server) as pilot:
        await talk(pilot, "apples")
        await pilot.resize_terminal(80, 24)
        await pilot.press("f9")
        await until(pilot, lambda: "cost unknown" in frame(pilot) and "■ errors" in frame(pilot))
        assert all(len(line) <= 80 for line in frame(pilot).splitlines())
        await point_at(pilot, "test-model")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen))
        await ask(pilot, "")
