"""The query field. It colours field names and underlines a mistake."""

import re
from collections.abc import Callable, Iterable
from typing import ClassVar

from rich.highlighter import Highlighter
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import var
from textual.widgets import Input

from replyscope.domain.query_fields import FIELDS
from replyscope.ui.review.query_completion import QuerySuggester, complete
from replyscope.ui.terminal.textual_internals import bindings_for_key

_FIELD = re.compile(r"(?<![^\s(-])(" + "|".join(FIELDS) + "):")

_COMPLETE = Binding.Group("complete")
_WALK = Binding.Group("move")


class _Colours(Highlighter):
    def __init__(self, field: "QueryField") -> None:
        self._field = field

    def highlight(self, text: Text) -> None:
        for match in _FIELD.finditer(text.plain):
            style = self._field.get_component_rich_style("query--name", partial=True)
            text.stylize(style, match.start(), match.end())
        at = self._field.fault_at
        if at is not None:
            end = re.compile(r"\s|$").search(text.plain, at + 1)
            style = self._field.get_component_rich_style("query--fault", partial=True)
            text.stylize(style, at, end.start() if end is not None else None)


class QueryField(Input):
    """An input with completion (Tab). The arrow keys select a result and keep the focus here."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"query--name", "query--fault"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", id="review.complete", group=_COMPLETE),
        Binding("down", "walk('move', 1)", "Next result", id="review.next", group=_WALK),
        Binding("up", "walk('move', -1)", "Previous result", id="review.previous", group=_WALK),
        Binding("pagedown", "walk('page', 1)", "A page down", show=False),
        Binding("pageup", "walk('page', -1)", "A page up", show=False),
    ]

    fault_at: var[int | None] = var(None)
    """The position of the mistake that the note describes."""

    class Walked(Message):
        """Another result is to be selected: `how` is "move" or "page"."""

        def __init__(self, how: str, step: int) -> None:
            super().__init__()
            self.how = how
            self.step = step

    def __init__(
        self, known: Callable[[str], Iterable[str]], *, placeholder: str, id: str | None = None
    ) -> None:
        super().__init__(
            placeholder=placeholder, suggester=QuerySuggester(known), id=id, compact=True
        )
        self._known = known
        self.highlighter = _Colours(self)

    async def on_key(self, event: events.Key) -> None:
        """Process keys in the order of their arrival; `/` in an empty query is no text, as it is
        the key that goes to the query.

        By default, Textual inserts a letter at once, but queues the action of a bound key. Of
        keys that arrive together, as while the screen is busy, letters would then come first.
        """
        if event.key == "slash" and not self.value:
            event.stop()
            event.prevent_default()
            return
        for binding in bindings_for_key(self, event.key):
            event.stop()
            event.prevent_default()
            await self.run_action(binding.action)
            return

    def watch_fault_at(self) -> None:
        self.refresh()

    def action_complete(self) -> None:
        """Accept the completion; without one, focus the next pane."""
        completion = complete(self.value, self._known) if self.cursor_at_end else None
        if completion is None:
            self.screen.focus_next()
            return
        self.value = completion.in_text(self.value)
        self.cursor_position = len(self.value)

    def action_walk(self, how: str, step: int) -> None:
        """Highlight another result."""
        self.post_message(self.Walked(how, step))
