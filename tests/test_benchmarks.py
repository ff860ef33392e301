"""The check of the benchmarks: which ratios are worse than the committed ones."""

from benchmarks.results import chart, worse_ratios
from benchmarks.row import Row, markdown_table

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
