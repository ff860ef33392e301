"""The panel of keys that `?` opens: every key of the present focus, in columns."""

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.widgets import Static

from replyscope.ui.keys.entries import KeyRow, key_rows
from replyscope.ui.styles.muted import MUTED

_GAP = 3


class KeyPanel(Static):
    """A panel above the footer. It has no focus: the next key closes it, and does its work."""

    def on_mount(self) -> None:
        self.border_title = "Keys"
        self.draw()

    def on_resize(self) -> None:
        self.draw()

    def draw(self) -> None:
        """Draw the keys of the current focus, then the keys that work everywhere."""
        size = self.app.size
        rows = key_rows(self.screen)
        here = [row for row in rows if not row.is_everywhere]
        everywhere = [row for row in rows if row.is_everywhere]
        width = max(10, size.width - 4)
        lines = [*columns(here, width)]
        if everywhere:
            lines += [Content(""), Content.styled("Everywhere", "bold $text-primary")]
            lines += columns(everywhere, width)
        most = max(1, size.height - 5)
        if len(lines) > most:
            lines = [*lines[: most - 1], Content.styled("… [F1] lists all", MUTED)]
        self.update(Content("\n").join(lines))


def columns(rows: Sequence[KeyRow], width: int) -> list[Content]:
    """Rows in as many equal columns as fit a width in cells, filled downwards."""
    if not rows:
        return []
    keys = min(max(cell_len(row.keys) for row in rows), width // 3)
    text = max(cell_len(row.text) for row in rows)
    column = min(width, keys + 1 + text)
    count = max(1, (width + _GAP) // (column + _GAP))
    height = -(-len(rows) // count)
    return [
        Content(" " * _GAP).join(_row(row, keys, column) for row in rows[line::height])
        for line in range(height)
    ]


def _row(row: KeyRow, keys: int, width: int) -> Content:
    return Content.assemble(
        (set_cell_size(row.keys, keys), "$text-accent"),
        " ",
        set_cell_size(row.text, max(0, width - keys - 1)),
    )
