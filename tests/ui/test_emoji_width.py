"""Emoji with a variation selector in terminals that draw them in one cell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color

from replyscope.ui.terminal.emoji_width import NarrowEmoji

PIECES = st.sampled_from(["⚠", "❤", "1", "🔥", "👩", "a", "é", "漢", "\ufe0f", "\u200d", "\u20e3"])


def narrow(text: str) -> str:
    (segment,) = NarrowEmoji().apply([Segment(text)], Color(0, 0, 0))
    return segment.text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("⚠️ care", "⚠  care"),
        ("⚠️️", "⚠ "),
        ("1️⃣ one", "1\u20e3  one"),
        ("❤️‍🔥!", "❤ !"),
        ("🧘‍♂️|", "🧘|"),
        ("👩‍💻 and 漢", "👩‍💻 and 漢"),
        ("plain", "plain"),
    ],
)
def test_an_emoji_is_sent_without_its_selector_and_keeps_its_width(text: str, shown: str) -> None:
    assert narrow(text) == shown


@given(st.lists(PIECES, max_size=12).map("".join))
def test_a_line_keeps_its_width(text: str) -> None:
    assert cell_len(narrow(text)) == cell_len(text)
    assert "\ufe0f" not in narrow(text)
