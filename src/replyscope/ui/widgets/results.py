"""The list of what a search found: replies, or their sessions."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from replyscope.domain.hit import Hit, SessionHit
from replyscope.domain.printable import printable_line
from replyscope.inspection.figures import count, dollars, seconds

Found = Hit | SessionHit
_MUTED = "$foreground 60%"
_TITLE = 24
_FINISHES = {"stop": "$text-success", "error": "$text-error", "truncated": "$text-error"}


def key_of(found: Found) -> str:
    """What names a row: a reply's exchange, or a session."""
    return found.exchange_id if isinstance(found, Hit) else found.session_id


class Results(OptionList):
    """Rows grow at their end as one scrolls; the screen brings more."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark", id="review.mark"),
        Binding("j", "cursor_down", "Next", show=False),
        Binding("k", "cursor_up", "Previous", show=False),
        Binding("g", "first", "First", show=False),
        Binding("G,shift+g", "last", "Last", show=False),
    ]

    class Wanted(Message):
        """A row was chosen."""

        def __init__(self, found: Found) -> None:
            super().__init__()
            self.found = found

    class Pointed(Message):
        """Another row is highlighted; None when there is none."""

        def __init__(self, found: Found | None) -> None:
            super().__init__()
            self.found = found

    class EndReached(Message):
        """The last row is highlighted: more are wanted."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.found: list[Found] = []
        self.marked: dict[str, Found] = {}

    def show_found(self, found: Sequence[Found]) -> None:
        """Show other results, the highlight on the same one where it is still there."""
        before = self.current
        self.found = list(found)
        self.clear_options()
        self.add_options(self._option(one) for one in found)
        keys = [key_of(one) for one in found]
        if not found:
            self.post_message(self.Pointed(None))
            return
        key = key_of(before) if before is not None else ""
        self.highlighted = keys.index(key) if key in keys else 0

    def show_more(self, found: Sequence[Found]) -> None:
        """Add rows at the end."""
        known = {key_of(one) for one in self.found}
        new = [one for one in found if key_of(one) not in known]
        self.found += new
        self.add_options(self._option(one) for one in new)

    @property
    def current(self) -> Found | None:
        """The highlighted one."""
        number = self.highlighted
        return self.found[number] if number is not None and number < len(self.found) else None

    def chosen(self) -> list[Found]:
        """The marked ones, or the highlighted one when none is marked."""
        if self.marked:
            return list(self.marked.values())
        return [self.current] if self.current is not None else []

    def unmark(self) -> None:
        """Take every mark away."""
        self.marked.clear()
        self._draw_again()

    def _draw_again(self) -> None:
        for number, one in enumerate(self.found):
            self.replace_option_prompt_at_index(number, self._prompt(one))

    def action_mark(self) -> None:
        """Mark the row, or no longer; and go to the next."""
        one = self.current
        if one is None or self.highlighted is None:
            return
        if self.marked.pop(key_of(one), None) is None:
            self.marked[key_of(one)] = one
        self.replace_option_prompt_at_index(self.highlighted, self._prompt(one))
        self.action_cursor_down()

    @on(OptionList.OptionHighlighted)
    def _point(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self.post_message(self.Pointed(self.current))
        if event.option_index >= len(self.found) - 5:
            self.post_message(self.EndReached())

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self.current is not None:
            self.post_message(self.Wanted(self.current))

    def _option(self, found: Found) -> Option:
        return Option(self._prompt(found))

    def _prompt(self, found: Found) -> Content:
        mark = "◆ " if key_of(found) in self.marked else "  "
        return _reply_row(found, mark) if isinstance(found, Hit) else _session_row(found, mark)


def _reply_row(hit: Hit, mark: str) -> Content:
    when = hit.started_at.astimezone().strftime("%d %b %H:%M")
    word = hit.finish or hit.state
    figures = [f"{count(hit.tokens)} tok"]
    if hit.cost_usd is not None:
        figures.append(dollars(hit.cost_usd))
    if hit.ttft_s is not None:
        figures.append(seconds(hit.ttft_s * 1000))
    head = Content.assemble(
        (mark, "$text-accent"),
        (when, _MUTED),
        (f"  ● {printable_line(word)}", _FINISHES.get(word, "$text-warning")),
        (f"  {printable_line(hit.model)}", ""),
    )
    name = _cut(printable_line(hit.title))
    title = Content.assemble(f"  {name}", (f"  {' · '.join(figures)}", _MUTED))
    return Content("\n").join([head, title, _snippet(hit), Content("")])


def _cut(title: str) -> str:
    """So much that the figures beside it stay in view."""
    return title if len(title) <= _TITLE else f"{title[: _TITLE - 1]}…"


def _snippet(hit: Hit) -> Content:
    """The place that was found, its words marked. A symbol stands for one character."""
    text = Content.styled(f"  {printable_line(hit.snippet)}", _MUTED)
    for start, end in hit.marks:
        text = text.stylize("$text-warning bold", start + 2, end + 2)
    return text


def _session_row(hit: SessionHit, mark: str) -> Content:
    states = [
        word
        for word, holds in (
            ("pinned", hit.is_pinned),
            ("archived", hit.is_archived),
            ("deleted", hit.is_deleted),
        )
        if holds
    ]
    when = hit.newest_at.astimezone().strftime("%d %b %Y")
    replies = "1 reply" if hit.count == 1 else f"{hit.count:,} replies"
    facts = " · ".join([replies, when, *states, *(f"#{tag}" for tag in hit.tags)])
    return Content.assemble(
        (mark, "$text-accent"),
        (printable_line(hit.title), "bold"),
        (f"\n  {printable_line(facts)}\n", _MUTED),
    )
