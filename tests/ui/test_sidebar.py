"""The list of sessions: headings with sums, the filter, and commands on the highlighted one."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input

from replyscope.domain.session import SessionSummary
from replyscope.ui.chat.sidebar import Sidebar, day_label
from replyscope.ui.dialogs.small import LineDialog
from tests.support.server import LoopbackServer
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import is_idle, send

NONE: frozenset[str] = frozenset()
TODAY = date(2026, 11, 28)


def summary(number: int, day: date, title: str = "") -> SessionSummary:
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return SessionSummary(f"s{number}", title or f"session {number}", None, at, at, 1, "complete")


class ListApp(App[None]):
    def compose(self) -> ComposeResult:
        yield Sidebar(id="sidebar")

    def show(
        self, summaries: list[SessionSummary], costs: dict[date, float], current: str | None = None
    ) -> Sidebar:
        sidebar = self.query_one(Sidebar)
        sidebar.show_sessions(
            summaries, current=current, streaming=NONE, finished=NONE, asking=NONE,
            today=TODAY, costs=costs,
        )  # fmt: skip
        return sidebar


def lines(sidebar: Sidebar) -> list[str]:
    return [str(option.prompt) for option in sidebar.options]


def test_a_month_of_another_year_has_a_heading_of_its_own() -> None:
    assert day_label(date(2026, 11, 27), TODAY) == "Yesterday"
    assert day_label(date(2026, 3, 1), TODAY) == "March"
    assert day_label(date(2025, 3, 1), TODAY) == "March 2025"


async def test_a_heading_shows_the_sum_of_all_its_days() -> None:
    async with ListApp().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, ListApp)
        days = [date(2025, 3, day) for day in (20, 3)]
        costs = {date(2025, 3, 20): 0.25, date(2025, 3, 3): 0.5, date(2025, 3, 9): 0.25}
        sidebar = app.show([summary(n, day) for n, day in enumerate(days)], costs)
        assert lines(sidebar)[0] == "March 2025  $1.00"


async def test_a_slash_filters_the_list_and_esc_ends_it() -> None:
    async with ListApp().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, ListApp)
        summaries = [summary(n, TODAY, title) for n, title in enumerate(("fog", "tides", "fjord"))]
        sidebar = app.show(summaries, {}, current="s1")
        sidebar.focus()
        await pilot.press("slash", "f", "j")
        assert [line.strip() for line in lines(sidebar)] == ["Today", "fjord"]
        assert sidebar.highlighted_id == "s2"
        assert "/fj" in str(sidebar.border_title)
        await pilot.press("escape")
        assert len(lines(sidebar)) == 4


async def test_a_change_of_marks_draws_only_the_lines_that_changed() -> None:
    async with ListApp().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, ListApp)
        summaries = [summary(n, TODAY - timedelta(days=n // 10)) for n in range(5_000)]
        sidebar = app.show(summaries, {}, current="s0")
        kept = sidebar.options[3]
        app.show(summaries, {}, current="s1")
        assert sidebar.options[3] is kept
        assert lines(sidebar)[2] == "▌session 1"


async def test_old_sessions_are_drawn_when_the_end_is_near() -> None:
    async with ListApp().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, ListApp)
        summaries = [summary(n, TODAY - timedelta(days=n // 10)) for n in range(1_000)]
        sidebar = app.show(summaries, {}, current="s0")
        sidebar.focus()
        assert sidebar.option_count < 350
        await pilot.press("up")  # the list goes round
        await until(pilot, lambda: sidebar.option_count > 350, "more of them")
        await pilot.press("end")
        assert sidebar.highlighted_id == "s999"


async def test_a_list_with_the_focus_highlights_a_session_also_before_one_is_open() -> None:
    async with ListApp().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, ListApp)
        sidebar = app.query_one(Sidebar)
        sidebar.focus()
        await pilot.pause()
        app.show([summary(n, TODAY) for n in range(3)], {})  # they come after the focus
        assert sidebar.highlighted_id == "s0"
        app.set_focus(None)
        await pilot.pause()
        app.show([summary(n, TODAY) for n in range(1, 4)], {})
        assert not sidebar.highlighted_title
        sidebar.focus()
        await until(pilot, lambda: sidebar.highlighted_id == "s1", "the first")


async def test_the_open_session_keeps_its_mark_and_a_list_without_focus_has_no_other() -> None:
    async with ListApp().run_test() as pilot:
        sidebar = pilot.app.query_one(Sidebar)
        sidebar.show_sessions(
            [summary(n, TODAY) for n in range(4)], current="s1", streaming=frozenset({"s1"}),
            finished=frozenset({"s2"}), asking=frozenset({"s3"}), today=TODAY, costs={},
        )  # fmt: skip
        assert lines(sidebar)[1:] == [" session 0", "▌… session 1", " ● session 2", " ? session 3"]
        sidebar.focus()
        await pilot.press("end")
        assert sidebar.highlighted_id == "s3"
        pilot.app.set_focus(None)
        await until(pilot, lambda: sidebar.highlighted_id == "s1", "the open session")


async def open_list(pilot: Pilot[None]) -> Sidebar:
    await pilot.press("ctrl+o")
    sidebar = chat_of(pilot).panes.sidebar
    await until(pilot, lambda: sidebar.has_focus, "the list")
    return sidebar


async def test_the_open_session_is_highlighted_and_commands_name_the_highlighted_one(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url)) as pilot:
        for text in ("first question", "second question"):
            await pilot.press("ctrl+n")
            await send(pilot, text)
            await until(pilot, lambda: bool(server.requests) and is_idle(pilot))
        sidebar = await open_list(pilot)
        await until(pilot, lambda: sidebar.highlighted_title == "second question", "the open one")
        await pilot.press("j")
        assert sidebar.highlighted_title == "first question"
        await pilot.press("escape")
        sidebar = await open_list(pilot)
        assert sidebar.highlighted_title == "second question"
        await pilot.press("j", "r")
        await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
        assert "Rename “first question”" in frame(pilot)
        assert pilot.app.screen.query_one(Input).value == "first question"
        await pilot.press("escape", "d")
        await until(pilot, lambda: "Deleted “first question”" in frame(pilot), "its name")
        await pilot.press("u")
        await until(pilot, lambda: "Restored “first question”" in frame(pilot), "its name")
        await until(pilot, lambda: "─ first question ─" in frame(pilot), "the restored session")


async def test_the_list_folds_before_the_inspector_and_the_chat_keeps_60_columns(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with open_chat(make_app(tmp_path, server.base_url), size=(160, 30)) as pilot:
        screen = chat_of(pilot)

        def is_shown(name: str, is_wanted: bool) -> bool:
            return bool(screen.query_one(name).region.width) == is_wanted

        for width in (60, 80, 99, 100, 119, 120, 131, 132, 159, 160):
            await pilot.resize_terminal(width, 30)
            folded = {"#inspector": width >= 100, "#sidebar": width >= 120}
            for name, is_wanted in folded.items():
                await until(pilot, partial(is_shown, name, is_wanted), f"{name} at {width}")
            assert screen.query_one("#center").size.width >= 60, width
        await pilot.resize_terminal(80, 24)
        await pilot.press("f5")
        await until(pilot, lambda: bool(screen.query_one("#sidebar").region.width), "over the chat")
        await pilot.press("escape")
        await until(pilot, lambda: not screen.query_one("#sidebar").region.width, "folded again")
