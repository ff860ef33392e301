"""From one pen to another: the terminal ends with the second style, by the shorter sequence."""

from itertools import count

import pyte
from hypothesis import given
from hypothesis import strategies as st

from replyscope.ui.output.pens import Pens, PensFull, parse_pen

_ATTRIBUTES = st.lists(st.sampled_from(["1", "3", "4", "5", "7", "9"]), unique=True)
_COLOURS = st.sampled_from(["", "31", "97", "38;5;17", "38;2;1;2;3"])
_BACKGROUNDS = st.sampled_from(["", "41", "107", "48;5;17", "48;2;1;2;3"])


@st.composite
def _codes(draw: st.DrawFn) -> str:
    parts = [*draw(_ATTRIBUTES), draw(_COLOURS), draw(_BACKGROUNDS)]
    return ";".join(filter(None, parts))


def _drawn(sequences: str) -> pyte.screens.Char:
    screen = pyte.Screen(4, 1)
    pyte.Stream(screen).feed(f"{sequences}x")
    return screen.buffer[0][0]


@given(old=_codes(), new=_codes())
def test_a_change_of_pen_leaves_nothing_of_the_old_one(old: str, new: str) -> None:
    pens = Pens()
    first, second = pens.pen(old), pens.pen(new)
    change = pens.change(first, second)
    assert _drawn(f"\x1b[{old}m{change}") == _drawn(f"\x1b[{new}m")
    assert _drawn(pens.change(None, second)[len("\x1b]8;;\x1b\\") :]) == _drawn(f"\x1b[{new}m")
    assert len(change) <= len(f"\x1b[0;{new}m")
    assert pens.change(second, second) == ""


def test_bold_and_dim_end_with_one_code() -> None:
    pens = Pens()
    change = pens.change(pens.pen("1;2;38;2;1;2;3;48;2;1;2;3"), pens.pen("2;38;2;1;2;3;48;2;1;2;3"))
    assert change == "\x1b[22;2m"


def test_the_codes_of_a_style_are_told_apart() -> None:
    pen = parse_pen("1;38;5;9;48;2;1;2;3")
    assert (pen.attributes, pen.colour, pen.background) == (("1",), "38;5;9", "48;2;1;2;3")


def test_blanks_differ_by_their_background_and_lines_only() -> None:
    pens = Pens()
    assert pens.blank(pens.pen("1;31;44")) == pens.blank(pens.pen("44"))
    assert pens.blank(pens.pen("4;44")) != pens.blank(pens.pen("44"))
    assert not pens.erases(pens.pen("7;44"))


def _fill(pens: Pens) -> int:
    """The number of other styles until the pens are full."""
    for number in count():
        try:
            pens.pen(f"38;5;{number}")
        except PensFull:
            return number
    raise AssertionError


def test_full_pens_keep_the_used_ones_and_get_room_for_others() -> None:
    pens = Pens()
    link = pens.pen("4;31", "id=1;https://example.org")
    plain = pens.pen("")
    used = pens.pen("1;44")
    first = _fill(pens)
    kept, moved = pens.kept({used, link, plain})
    assert len(kept) < 10
    assert moved[ord(plain)] == plain
    for pen in (used, link):
        new = moved[ord(pen)]
        assert kept.change(plain, new) == pens.change(plain, pen)
        assert kept.change(plain, kept.blank(new)) == pens.change(plain, pens.blank(pen))
    assert _fill(kept) >= first - 10


def test_more_used_pens_than_usual_still_get_room() -> None:
    pens = Pens(room=100_000)
    used = {pens.pen(f"48;2;{number // 256};{number % 256};1") for number in range(60_000)}
    kept, moved = pens.kept(used, room=5_000)
    assert len({*moved.values()}) == 60_000
    assert _fill(kept) >= 5_000
