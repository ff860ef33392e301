"""The model picker: a list of the models of all providers, drawn while the lists load."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from replyscope.domain.model_names import ModelName
from replyscope.domain.values import dataclass
from replyscope.engine.model_entries import (
    MOST_LISTED,
    KnownModels,
    ModelEntry,
    key_of,
    list_entries,
)
from replyscope.inspection.model_row import describe_model
from replyscope.ui.dialogs.dialog import ListDialog, Row

_FREE, _STATE = "free:", "state:"
_REDRAW_S = 0.05
_STAR, _CURRENT = "★", "•"


@dataclass(frozen=True, slots=True)
class ModelSource:
    """The contents and calls of the picker: the models known now, `load` with a function to call
    after each change and whether to load everything again, and `toggle` of a favourite.
    """

    known: Callable[[], KnownModels]
    load: Callable[[Callable[[], None], bool], Awaitable[None]]
    toggle: Callable[[ModelName], None]
    current: ModelName | None = None


class ModelPicker(ListDialog[ModelName | None]):
    """A modal list of models. It also accepts a name that is not in the list, as a model of the
    provider in use, in the last row. Enter on the row of a list that failed loads it again.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "choose", priority=True),
        Binding("ctrl+f", "favour", "favourite", priority=True),
        Binding("ctrl+r", "reload", "reload", priority=True),
    ]
    SIZE = "tall wide"
    placeholder = "type to filter, or a name of your own"

    def __init__(self, title: str, source: ModelSource) -> None:
        super().__init__(title)
        self._source = source
        self._entries: dict[str, ModelEntry] = {}
        self._known: KnownModels | None = None
        self._known_rows: Sequence[Row] = ()
        self._drawn: Sequence[Row] = ()
        self._is_drawing = False
        self._lists_loaded = asyncio.Event()

    def on_mount(self) -> None:
        super().on_mount()
        self.call_after_refresh(  # the first paint does not wait for the lists
            self.start_work, self._load, False, group="lists", exclusive=True
        )

    async def _load(self, again: bool) -> None:
        self._lists_loaded.clear()
        try:
            await self._source.load(self._show_changes, again)
        finally:
            self._lists_loaded.set()
            self._show_changes()

    def _show_changes(self) -> None:
        """Draw the rows again soon: lists and prices arrive in quick succession."""
        if self.is_mounted and not self._is_drawing:
            self._is_drawing = True
            self.set_timer(_REDRAW_S, self._draw_changes)

    def _draw_changes(self) -> None:
        self._is_drawing = False
        if self._make_rows() != self._drawn:
            self.fill(self.highlighted)

    def first_highlight(self) -> str | None:
        """The model in use."""
        return key_of(self._source.current) if self._source.current is not None else None

    def fill(self, highlighted: str | None = None) -> None:
        """Draw the rows that match the filter."""
        self._drawn = self._make_rows()
        super().fill(highlighted or next(iter(self._entries), None))

    def rows(self) -> Sequence[Row]:
        """The models, with the lists that load or failed before the unmarked ones, then the
        typed name. A long list does not hide an error.
        """
        return self._drawn

    def _make_rows(self) -> Sequence[Row]:
        """The rows. Rows of models are cached until another model is known."""
        known = self._source.known()
        if known != self._known:
            self._known, self._known_rows = known, self._rows_of(known)
        typed, rows = self.typed, self._known_rows
        entries = self._entries.values()
        if not typed or any(typed in (e.alias, e.name.model, str(e.name)) for e in entries):
            return rows
        return [*rows, Row(f"{_FREE}{typed}", typed, "not listed: use this name", "  ")]

    def matching(self, words: Sequence[str]) -> Sequence[Row]:
        """The rows that match the filter. A long list does not hide the row of the typed name."""
        found = super().matching(words)
        is_cut = len(found) > self.MOST_ROWS and found[-1].value.startswith(_FREE)
        return [*found[: self.MOST_ROWS - 1], found[-1]] if is_cut else found

    def _rows_of(self, known: KnownModels) -> Sequence[Row]:
        entries = list_entries(known)
        self._entries = {entry.key: entry for entry in entries}
        first: list[Row] = []
        rest: list[Row] = []
        for entry in entries:
            is_first = entry.alias or entry.is_favourite or entry.name in known.recent
            (first if is_first else rest).append(self._row(entry))
        states = []
        for endpoint, models in known.lists:
            if models.fault or models.is_loading:
                text = models.fault and f"Could not load the model list: {models.fault}"
                states.append(
                    Row(f"{_STATE}{endpoint.name}", endpoint.name, text or "loading…", "  ")
                )
            number = len(models.models or ())
            if number > MOST_LISTED:
                text = f"{number:,} models, {MOST_LISTED:,} are listed. Type the name of another."
                states.append(Row(f"{_STATE}{endpoint.name}\0", endpoint.name, text, "  "))
        return [*first, *states, *rest]

    def _row(self, entry: ModelEntry) -> Row:
        is_current = not entry.alias and entry.name == self._source.current
        marks = [_STAR] * entry.is_favourite + [_CURRENT] * is_current
        mark = "".join(marks).ljust(2)
        about = describe_model(entry.info, entry.rates)
        text = " · ".join(filter(None, (entry.name.provider, about)))
        if entry.alias:
            return Row(entry.key, entry.alias, f"= {entry.name.model} · {text}", "  ")
        return Row(entry.key, entry.name.model, text, mark)

    def action_accept(self) -> None:
        """Return the highlighted model, or load a list that failed again."""
        chosen = self.highlighted or ""
        if chosen in self._entries:
            self.dismiss(self._entries[chosen].name)
        elif chosen.startswith(_STATE):
            self.action_reload()
        elif chosen.startswith(_FREE) and not self._lists_loaded.is_set():
            self.start_work(self._accept_loaded, group="accept", exclusive=True, holds_keys=True)
        elif chosen.startswith(_FREE):
            self.dismiss(ModelName(self.typed))

    async def _accept_loaded(self) -> None:
        """Accept the typed name when all lists are there: a model of them may match it."""
        await self._lists_loaded.wait()
        self.fill()
        self.action_accept()

    def action_favour(self) -> None:
        """Add the highlighted model to the favourites, or remove it."""
        entry = self._entries.get(self.highlighted or "")
        if entry is not None:
            self._source.toggle(entry.name)
            self.fill(key_of(entry.name))

    def action_reload(self) -> None:
        """Load all lists again."""
        self.start_work(self._load, True, group="lists", exclusive=True)
