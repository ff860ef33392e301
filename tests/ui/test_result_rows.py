"""The rows of the results list."""

from dataclasses import replace

from replyscope.domain.search import Hit
from replyscope.ui.review.result_rows import row_of
from tests.support.build import NOON

HIT = Hit("e", "s", "m", "A long title of a session", "alpha", "length", "completed", NOON, 49)


def second_line(hit: Hit, width: int) -> str:
    return row_of(hit, width, NOON, is_marked=False).plain.split("\n")[1]


def test_a_reply_of_the_hub_names_who_got_it() -> None:
    theirs = replace(HIT, by="anna", machine="laptop", client="claude")
    assert second_line(theirs, 80) == "  A long title of a session  anna · claude · 49 tok"
    assert second_line(replace(theirs, by="me"), 80).endswith("  claude · 49 tok")
    assert second_line(HIT, 80) == "  A long title of a session  49 tok"


def test_a_narrow_row_keeps_the_sender_and_most_of_the_title() -> None:
    theirs = replace(HIT, by="a-role-with-a-long-name", client="claude", ttft_s=1.5)
    line = second_line(theirs, 36)
    assert line.startswith("  A long tit")
    assert "a-role-with-a-l…" in line
    assert len(line) <= 40
