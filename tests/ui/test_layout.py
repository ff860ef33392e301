"""The transcript's geometry: whatever is drawn first, lines are where they are said to be."""

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.message import Role
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.transcript.content import EntryContent
from replyscope.ui.transcript.entry import Entry
from replyscope.ui.transcript.layout import Layout
from tests.support.examples import examples

PALETTE = Palette()
ROLES = (Role.ASSISTANT, Role.USER)
TEXTS = st.sampled_from(
    ["short", "word " * 200, "- a\n- b\n\npara\n", "```py\nx\n```\n" * 9, "p\n\n" * 60, ""]
)

BLOCKS = st.sampled_from(
    [
        "a few words",
        "word " * 60,
        "# head",
        "- a\n- b\n- c",
        "```py\nx = 1\ny\n```",
        "> quote",
        "| a | b |\n|--|--|\n| 1 | 2 |",
        "line one\nline two\nline three",
    ]
)
REPLIES = st.lists(BLOCKS, min_size=1, max_size=40).map("\n\n".join)


def make_layout(texts: list[str]) -> Layout:
    layout = Layout()
    layout.entries = [
        Entry(
            f"k{n}", partial(EntryContent, f"k{n}", (Role.ASSISTANT, Role.USER)[n % 2], "t", text)
        )
        for n, text in enumerate(texts)
    ]
    layout.configure(40, PALETTE)
    return layout


def lines_of(layout: Layout, top: int, height: int) -> list[str]:
    lines = []
    for line in range(top, min(top + height, layout.height)):
        anchor = layout.anchor_at(line)
        strips = layout.entries[anchor.entry].strips(anchor.cell)
        assert anchor.line < len(strips), "a line that its cell doesn't have"
        lines.append(strips[anchor.line].text)
    return lines


@examples(60)
@given(
    st.lists(TEXTS, min_size=1, max_size=30),
    st.lists(st.integers(0, 2_000), max_size=8),
    st.booleans(),
)
def test_every_line_of_a_settled_view_exists(
    texts: list[str], jumps: list[int], from_end: bool
) -> None:
    layout = make_layout(texts)
    for jump in [*jumps, 0]:
        top = layout.settle(min(jump, max(0, layout.height - 20)), 20, from_end=from_end)
        assert top + len(lines_of(layout, top, 20)) <= layout.height


@examples(60)
@given(st.lists(TEXTS, min_size=3, max_size=30), st.integers(0, 500))
def test_correcting_what_is_above_moves_no_line(texts: list[str], jump: int) -> None:
    layout = make_layout(texts)
    top = layout.settle(min(jump, max(0, layout.height - 20)), 20, from_end=False)
    before = lines_of(layout, top, 20)
    anchor = layout.anchor_at(top)
    for entry in layout.entries[: anchor.entry]:
        entry.lay_out(40, PALETTE)
        entry.settle(0, 10_000)
    layout.invalidate(0)
    again = layout.settle(layout.line_of(anchor), 20, from_end=False)
    assert lines_of(layout, again, 20)[: len(before)] == before


def test_drawing_a_cell_early_keeps_the_lines_right() -> None:
    """A paint that comes before the layout settled must not leave a gap behind."""
    layout = make_layout(["word " * 50, "end"])
    layout.anchor_at(0)
    entry = layout.entries[0]
    for cell in range(entry.cell_count):
        entry.strips(cell)
    top = layout.settle(0, 30, from_end=False)
    assert lines_of(layout, top, 30)[-2] == "end"


@examples(100)
@given(st.lists(REPLIES, min_size=1, max_size=4), st.integers(5, 60))
def test_the_end_is_shown_from_the_end(replies: list[str], height: int) -> None:
    layout = make_layout([text for reply in replies for text in (reply, "ask")][:-1])
    top = layout.settle(0, height, from_end=True)
    assert top == max(0, layout.height - height)


def test_a_long_reply_keeps_few_drawn_cells_and_looks_the_same() -> None:
    layout = make_layout(["\n\n".join(f"paragraph {n}" for n in range(1_000))])
    for top in range(0, layout.height, 20):
        layout.settle(top, 20, from_end=False)
    entry = layout.entries[0]
    kept = [cell for cell in entry._cells or () if cell.strips is not None]
    assert len(kept) <= 256
    assert lines_of(layout, layout.settle(0, 20, from_end=False), 20)[1] == "paragraph 0"
