"""The terminal shows the wanted screen, whatever was drawn before, and little is sent for it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from replyscope.ui.output.screen_output import PlacedSegments, ScreenOutput
from replyscope.ui.output.sequences import Abilities
from tests.ui.output.terminal import ABILITIES, Line, Writer, draw, drawn_whole

STYLES = ["", "1", "2;3", "4", "7", "9", "1;38;2;1;2;3", "48;5;17", "31;48;2;9;8;7", "1;4;92;100"]
_WORDS = st.sampled_from(
    ["a", "the fox", "    ", "──────────────", "日本", "e\u0301", "한", "|", "x" * 12, "­ä€"]
)


@st.composite
def _line(draw_from: Any, width: int) -> Line:
    line: list[tuple[str, str]] = []
    left = width
    while left > 0:
        text = draw_from(_WORDS)
        if cell_len(text) > left:
            text = " " * left
        line.append((text, draw_from(st.sampled_from(STYLES))))
        left -= cell_len(text)
    return line


@st.composite
def _screens(draw_from: Any) -> list[tuple[int, list[Line]]]:
    """Screens one after the other: changed lines, scrolled regions, and other sizes."""
    width, height = draw_from(st.integers(8, 40)), draw_from(st.integers(1, 14))
    lines = [draw_from(_line(width)) for _ in range(height)]
    screens = [(width, lines)]
    for _ in range(draw_from(st.integers(1, 6))):
        match draw_from(st.sampled_from(["lines", "up", "down", "size"])):
            case "lines":
                lines = list(lines)
                for y in draw_from(st.sets(st.integers(0, height - 1), min_size=1, max_size=4)):
                    lines[y] = draw_from(_line(width))
            case "size":
                width, height = draw_from(st.integers(8, 40)), draw_from(st.integers(1, 14))
                lines = [draw_from(_line(width)) for _ in range(height)]
            case way:
                by = draw_from(st.integers(1, height))
                new = [draw_from(_line(width)) for _ in range(by)]
                lines = [*lines[by:], *new] if way == "up" else [*new, *lines[: height - by]]
        screens.append((width, lines))
    return screens


@settings(deadline=None)
@given(screens=_screens(), abilities=st.sampled_from(ABILITIES), is_fast=st.booleans())
def test_the_terminal_shows_what_whole_lines_would_show(
    screens: list[tuple[int, list[Line]]], abilities: Abilities, is_fast: bool
) -> None:
    width, lines = screens[0]
    writer = Writer(width, len(lines), is_fast=is_fast)
    output = ScreenOutput(writer, abilities)
    for width, lines in screens:
        if (width, len(lines)) != (writer.screen.columns, writer.screen.lines):
            writer.resize(width, len(lines))
        draw(output, lines, width)
        if is_fast:
            assert writer.shown() == drawn_whole(lines, width)
    while output.is_waiting:
        writer.drain()
        output.flush()
    writer.drain()
    assert writer.shown() == drawn_whole(lines, width)


@settings(deadline=None)
@given(screens=_screens())
def test_a_slow_line_gets_parts_of_frames_and_the_screen_is_right_in_the_end(
    screens: list[tuple[int, list[Line]]],
) -> None:
    screens = [screen for screen in screens if screen[0] == screens[0][0]]
    screens = [screen for screen in screens if len(screen[1]) == len(screens[0][1])]
    width, lines = screens[0]
    writer = Writer(width, len(lines))
    output = ScreenOutput(writer, Abilities())
    output.pace.rate = 3_000.0
    for _, lines in screens:
        draw(output, lines, width)
    while output.is_waiting:
        writer.time_s += 0.01
        output.flush()
    assert writer.shown() == drawn_whole(lines, width)


def _output(width: int, height: int, abilities: Abilities) -> tuple[Writer, ScreenOutput]:
    writer = Writer(width, height)
    return writer, ScreenOutput(writer, abilities)


def _bytes_for(before: list[Line], after: list[Line], abilities: Abilities) -> int:
    width = sum(cell_len(text) for text, _ in before[0])
    writer, output = _output(width, len(before), abilities)
    draw(output, before, width)
    draw(output, after, width)
    assert writer.shown() == drawn_whole(after, width)
    return len(writer.sent[-1])


@pytest.mark.parametrize("abilities", ABILITIES)
def test_one_other_word_costs_little_more_than_the_word(abilities: Abilities) -> None:
    before: list[Line] = [[("one two three".ljust(100), "1;31")]] * 30
    after = [*before[:20], [("one six three".ljust(100), "1;31")], *before[21:]]
    assert _bytes_for(before, after, abilities) < 20


@pytest.mark.parametrize("by", [1, 3, -2])
@pytest.mark.parametrize("abilities", ABILITIES)
def test_a_pane_beside_others_that_scrolls_costs_its_new_lines(
    by: int, abilities: Abilities
) -> None:
    def screen(first: int) -> list[Line]:
        top: Line = [("title".ljust(100), "7")]
        pane: list[Line] = [
            [
                ("│ side │".ljust(20), ""),
                (f"{n * 7919:x} is {n * n * 31} ".ljust(60, chr(65 + n % 26)).ljust(80), "48;5;4"),
            ]
            for n in range(first, first + 30)
        ]
        return [top, *pane, top]

    assert _bytes_for(screen(50), screen(50 + by), abilities) < 200 * abs(by)


def _slow_output() -> tuple[Writer, ScreenOutput, list[Line]]:
    """An output to a slow line, and the lines that are on its screen."""
    writer, output = _output(60, 20, Abilities())
    lines: list[Line] = [[(f"{n} ".ljust(60, "-"), "")] for n in range(20)]
    draw(output, lines, 60)
    output.pace.rate = 3_000.0
    return writer, output, lines


def test_the_echo_of_a_key_does_not_wait_for_room_on_the_line() -> None:
    writer, output, lines = _slow_output()
    text: list[Line] = [[(f"{n} ".ljust(60, "+"), "")] for n in range(2, 20)]
    draw(output, [*lines[:2], *text], 60)
    assert output.is_waiting
    draw(output, [[("0 key ".ljust(60, "-"), "")], lines[1], *text], 60)
    assert "key" in writer.sent[-1]


def test_after_a_command_key_a_few_words_are_sent_before_long_lines() -> None:
    writer, output, lines = _slow_output()
    new: list[Line] = [*lines[:2], *([(f"{n} ".ljust(60, "+"), "")] for n in range(2, 20))]
    new[15] = [("15 ".ljust(40, "-") + "cancelled".ljust(20, "-"), "")]
    output.pace.hurry(writer.time_s)
    sent = len(writer.sent)
    draw(output, new, 60)
    while output.is_waiting:
        writer.time_s += 0.01
        output.flush()
    assert "+" not in "".join(writer.sent[sent:]).partition("cancelled")[0]
    assert writer.shown() == drawn_whole(new, 60)


def test_an_equal_screen_costs_nothing() -> None:
    lines: list[Line] = [[("same".ljust(20), "1")]] * 3
    writer, output = _output(20, 3, Abilities())
    draw(output, lines, 20)
    draw(output, [list(line) for line in lines], 20)
    assert len(writer.sent) == 1


def test_a_forgotten_screen_is_drawn_whole() -> None:
    lines: list[Line] = [[(f"row {n}".ljust(20), "1;31")] for n in range(5)]
    writer, output = _output(20, 5, Abilities(erases_in_colour=True))
    draw(output, lines, 20)
    writer.write("\x1b[m\x1b[2J\x1b[3;4r\x1b[32mother")
    output.forget()
    output.flush()
    assert writer.shown() == drawn_whole(lines, 20)


def test_nothing_is_sent_while_another_program_has_the_terminal() -> None:
    lines: list[Line] = [[("row".ljust(20), "")]]
    writer, output = _output(20, 1, Abilities())
    output.suspend()
    draw(output, lines, 20)
    assert writer.sent == []
    output.resume()
    output.flush()
    assert writer.shown() == drawn_whole(lines, 20)


def test_a_link_begins_and_ends_where_its_text_does() -> None:
    writer, output = _output(9, 1, Abilities())
    link = "id=1;https://example.org"
    piece = PlacedSegments(
        0, 0, object(), lambda: [("see ", "", ""), ("it", "4", link), (" so", "", "")]
    )
    output.show([piece], (9, 1), (0, 0), is_synced=False)
    assert f"see \x1b]8;{link}\x1b\\\x1b[4mit\x1b]8;;\x1b\\\x1b[m so" in writer.sent[0]


def test_a_run_of_one_character_is_repeated_where_the_terminal_can() -> None:
    writer, output = _output(80, 1, Abilities(repeats=True))
    draw(output, [[("─" * 80, "")]], 80)
    assert "─\x1b[79b" in writer.sent[0]


def draw_line(output: ScreenOutput, text: str) -> None:
    piece = PlacedSegments(0, 0, object(), lambda: [(text, "", "")])
    output.show([piece], (300, 1), (0, 0), is_synced=True)


def test_a_long_frame_is_synchronized() -> None:
    writer, output = _output(300, 1, Abilities())
    piece = PlacedSegments(0, 0, object(), lambda: [("ab" * 150, "", "")])
    output.show([piece], (300, 1), (0, 0), is_synced=True)
    assert writer.sent[0].startswith("\x1b[?2026h")
    assert "\x1b[?2026l" in writer.sent[0]
    for after in ("ac" * 150, "ac" * 149 + "ad"):
        draw_line(output, after)
    assert "2026" not in writer.sent[-1]


def test_after_an_emoji_the_cursor_is_moved_to_the_next_column() -> None:
    writer, output = _output(20, 1, Abilities())
    piece = PlacedSegments(0, 0, object(), lambda: [("a 👩\u200d💻 b".ljust(18), "", "")])
    output.show([piece], (20, 1), (0, 0), is_synced=False)
    assert "👩\u200d💻\x1b[1;5H b" in writer.sent[0]


def test_a_wide_character_that_loses_a_half_leaves_a_blank() -> None:
    writer, output = _output(10, 1, Abilities())
    pieces = [
        PlacedSegments(0, 0, object(), lambda: [("日本語日本", "", "")]),
        PlacedSegments(3, 0, object(), lambda: [("xy", "", "")]),
    ]
    output.show(pieces[:1], (10, 1), (0, 0), is_synced=False)
    output.show(pieces[1:], (10, 1), (0, 0), is_synced=False)
    shown = "".join(cell.data for cell in writer.shown()[0])
    assert shown == "日 xy 日本"


def test_styles_that_are_no_longer_shown_are_dropped_and_nothing_is_drawn_again() -> None:
    def lines(first: int) -> list[Line]:
        title: Line = [("title".ljust(30), "1;44")]
        coloured: Line = [
            ("▀", f"38;2;{number // 256};{number % 256};9") for number in range(first, first + 30)
        ]
        return [title, coloured]

    writer, output = _output(30, 2, Abilities())
    for frame in range(1_000):
        draw(output, lines(30 * frame), 30)
        assert writer.shown() == drawn_whole(lines(30 * frame), 30)
        assert "title" not in writer.sent[-1] or frame == 0
    assert writer.repaints == 0
    assert len(output._pens) < 5_000
