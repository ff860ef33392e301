"""The size of a picture on the screen, in cells."""

from replyscope.domain.values import dataclass

MOST_COLUMNS = 80
MOST_ROWS = 20


@dataclass(frozen=True, slots=True)
class Grid:
    """A number of columns and rows; a cell is about twice as high as wide."""

    columns: int
    rows: int


def fit_grid(width: int, height: int, room: int) -> Grid:
    """The grid of a picture in `room` columns: at most a column for each pixel."""
    most_columns = max(1, min(MOST_COLUMNS, room))
    scale = min(1.0, most_columns / width, 2 * MOST_ROWS / height)
    columns, lines = round(width * scale), round(height * scale)
    return Grid(min(most_columns, max(1, columns)), min(MOST_ROWS, max(1, -(-lines // 2))))
