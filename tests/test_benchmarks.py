"""The check of the benchmarks: which ratios are worse than the committed ones."""

import pyte
from benchmarks.causes import cause_of
from benchmarks.results import chart, read_results, worse_ratios
from benchmarks.row import Row, markdown_table
from benchmarks.text_screen import TextScreen
from hypothesis import given
from hypothesis import strategies as st

KNOWN = [Row("a ratio", 2.0, "x"), Row("a time", 2.0, "s")]


def test_a_ratio_that_is_worse_by_more_than_a_quarter_is_reported() -> None:
    worse = worse_ratios([Row("a ratio", 2.6, "x")], KNOWN)
    assert [(row.what, row.was, row.result) for row in worse] == [("a ratio", "2.00×", "2.60×")]


def test_smaller_changes_times_and_new_ratios_are_not() -> None:
    rows = [Row("a ratio", 2.5, "x"), Row("a time", 9.0, "s"), Row("a new ratio", 9.0, "x")]
    assert worse_ratios(rows, KNOWN) == []


def test_a_table_has_the_run_before() -> None:
    table = markdown_table("Group", [Row("a ratio", 2.5, "x", 2.0, "3 s", before=2.0)])
    assert "| a ratio | 2.00× | 2.50× | ≤ 2.00× | ✗ | 3 s |" in table


def test_a_target_of_nothing_has_a_bar_in_the_chart() -> None:
    met, missed = (chart([Row("wrong cells", value, "", 0)]) for value in (0, 3))
    assert 'class="bar" x="410" y="29" width="1"' in met
    assert 'class="over" x="410" y="29" width="320"' in missed


_TEXTS = ("ab", "x" * 7, "\r", "\n", "\n\n\n\n", "\b")
_CONTROLS = ("3;4H", "3d", "K", "1K", "2K", "3X", "2;5r\x1b[H", "r\x1b[H")
_SEQUENCES = st.sampled_from([*_TEXTS, *(f"\x1b[{one}" for one in _CONTROLS)])


@given(parts=st.lists(_SEQUENCES, max_size=20))
def test_the_screen_of_the_benchmarks_is_that_of_a_terminal(parts: list[str]) -> None:
    ours, theirs = TextScreen(200, 6), pyte.Screen(200, 6)
    stream = pyte.Stream(theirs)
    stream.feed("\x1b[?7l")
    for part in parts:
        ours.feed(part.encode())
        stream.feed(part)
    assert ours.text() == "\n".join(theirs.display)


def test_each_target_that_is_not_met_has_a_cause() -> None:
    rows = [row for each in read_results().values() for row in each]
    missed = [row.what for row in rows if row.is_met is False and not cause_of(row)]
    assert missed == []
