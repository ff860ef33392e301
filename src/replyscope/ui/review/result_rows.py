"""Renders a reply or a session as a row of the results list."""

from datetime import datetime

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.query_fields import ME
from replyscope.domain.search import Hit, SessionHit
from replyscope.inspection.figures import count, dollars, seconds
from replyscope.ui.styles.muted import MUTED

Found = Hit | SessionHit
REPLY_LINES = 4
SESSION_LINES = 3
_FINISHES = {"stop": "$text-success", "error": "$text-error", "truncated": "$text-error"}
_SHORTEST_TITLE = 12
_LONGEST_SENDER = 16


def row_of(found: Found, width: int, now: datetime, *, is_marked: bool) -> Content:
    """A row of REPLY_LINES or SESSION_LINES, the last one blank."""
    mark = "◆ " if is_marked else "  "
    if isinstance(found, Hit):
        return _reply_row(found, width, now, mark)
    return _session_row(found, width, now, mark)


def _when(at: datetime, now: datetime) -> str:
    """A time in this year, or the day in another."""
    local = at.astimezone(now.tzinfo)
    return local.strftime("%d %b %H:%M" if local.year == now.year else "%d %b %Y")


def _labels(found: Found) -> str:
    states = [
        word
        for word, holds in (
            ("pinned", found.is_pinned),
            ("archived", found.is_archived),
            ("deleted", found.is_deleted),
        )
        if holds
    ]
    return printable_line(" ".join([*states, *(f"#{tag}" for tag in found.tags)]))


def _sender(hit: Hit) -> list[str]:
    """The other role that has the reply, and the watched program that got it."""
    names = (hit.by if hit.by != ME else "", hit.client)
    return [cut(printable_line(name), _LONGEST_SENDER) for name in names if name]


def _sums(found: Found) -> list[str]:
    cost = [dollars(found.cost_usd)] if found.cost_usd is not None else []
    return [f"{count(found.tokens)} tok", *cost]


def _reply_row(hit: Hit, width: int, now: datetime, mark: str) -> Content:
    word = hit.finish or hit.state
    figures = [*_sender(hit), *_sums(hit)]
    if hit.ttft_s is not None:
        figures.append(seconds(hit.ttft_s * 1000))
    while len(figures) > 1 and len(" · ".join(figures)) + _SHORTEST_TITLE + 4 > width:
        figures.pop()
    head = Content.assemble(
        (mark, "$text-accent"),
        (_when(hit.started_at, now), MUTED),
        (f"  ● {printable_line(word)}", _FINISHES.get(word, "$text-warning")),
        (f"  {printable_line(hit.model)}", ""),
        (f"  {_labels(hit)}", "$text-accent"),
    )
    facts = " · ".join(figures)
    name = cut(printable_line(hit.title), max(_SHORTEST_TITLE, width - len(facts) - 4))
    title = Content.assemble((f"  {name}", ""), (f"  {facts}", MUTED))
    return Content("\n").join([head, title, _snippet(hit), Content("")])


def _snippet(hit: Hit) -> Content:
    """The snippet of a match, its words marked. A symbol replaces a single character."""
    text = Content.styled(f"  {printable_line(hit.snippet)}", MUTED)
    for start, end in hit.marks:
        text = text.stylize("$text-warning bold", start + 2, end + 2)
    return text


def _session_row(hit: SessionHit, width: int, now: datetime, mark: str) -> Content:
    replies = plural(hit.count, "reply")
    title = cut(printable_line(hit.title), max(_SHORTEST_TITLE, width - 2))
    facts = " · ".join([replies, *_sums(hit), _when(hit.newest_at, now)])
    return Content.assemble(
        (mark, "$text-accent"),
        (title, "bold"),
        (f"\n  {facts}", MUTED),
        (f"  {_labels(hit)}", "$text-accent"),
        "\n",
    )


def cut(text: str, width: int) -> str:
    """A text cut to a width in cells; a cut text ends in an ellipsis."""
    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 1).rstrip()}…"
