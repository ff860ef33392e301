"""The line under a query field: the completions of its last term, or its mistake."""

from collections.abc import Callable, Iterable
from textwrap import wrap

from textual.content import Content
from textual.widgets import Static

from replyscope.domain.printable import printable_line
from replyscope.domain.query import QueryError
from replyscope.ui.review.query_completion import complete
from replyscope.ui.review.query_field import QueryField
from replyscope.ui.review.result_rows import cut
from replyscope.ui.styles.muted import MUTED

_MOST_LINES = 3


def draw_hint(
    field: QueryField,
    note: Static,
    known: Callable[[str], Iterable[str]],
    error: QueryError | None,
) -> None:
    """Show the completions of the query under it, or its error and where it is."""
    completion = complete(field.value, known)
    field.fault_at = None
    text, style = "", ""
    if completion is not None and field.cursor_at_end:
        text, style = completion.sentence, MUTED
    elif error is not None:
        field.fault_at = error.at
        text, style = printable_line(str(error)), "$text-error"
    width = max(20, note.size.width)
    if field.fault_at is None:
        text = cut(text, width)  # the results do not move while a query is typed
    lines = len(wrap(text, width))
    note.styles.height = min(_MOST_LINES, max(1, lines))  # the same height needs no layout
    note.update(Content.styled(text, style), layout=False)
