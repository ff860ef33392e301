"""A refusal of any length, in the conversation."""

from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style

from replyscope.domain.exchange import RunKind
from replyscope.inspection.reply_parts import Passage
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.transcript.cells import Cell
from replyscope.ui.transcript.part_cells import CellLook, RefusalCells
from tests.support.examples import examples

PALETTE = Palette()
LOOK = CellLook(60, PALETTE, is_unfolded=False, fold=Style())
PIECES = st.lists(
    st.sampled_from(("word ", "a line\n", "x" * 900, "long words " * 400)), min_size=1, max_size=30
)


def drawn(cells: list[Cell]) -> str:
    return " ".join(strip.text.strip() for cell in cells for strip in cell.drawn(60, PALETTE))


@examples(60)
@given(PIECES)
def test_a_growing_refusal_changes_its_last_cell_only(pieces: list[str]) -> None:
    text = pieces[0]
    cells = RefusalCells(text)
    cells.lay_out(LOOK)
    for piece in pieces[1:]:
        before = cells.cells[:]
        text += piece
        assert cells.update(Passage(RunKind.REFUSAL, text), only_grows=True)
        first = cells.lay_out(LOOK)
        assert first >= len(before) - 1
        assert all(a is b for a, b in zip(before[:first], cells.cells, strict=False))
    assert cells.lay_out(LOOK) == len(cells.cells)  # nothing new
    assert len(cells.cells) >= len(text) / 4_096
    assert "".join(drawn(cells.cells).split()) == "".join(text.split())


def test_another_refusal_replaces_the_cells() -> None:
    cells = RefusalCells("no")
    assert not cells.update(Passage(RunKind.REFUSAL, "never"), only_grows=False)
    assert not cells.update(Passage(RunKind.TEXT, "no"), only_grows=True)
