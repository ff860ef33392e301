"""The list of folders (saved queries) and facets (values that occur in the results)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import set_cell_size
from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.css.styles import RulesMap
from textual.message import Message
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual, VisualType
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from replyscope.domain.printable import printable_line
from replyscope.domain.query import term_of, toggle_term
from replyscope.domain.search import Facets, Sort
from replyscope.ui.review.result_rows import cut
from replyscope.ui.review.results_head import Chip
from replyscope.ui.styles.muted import MUTED

_MOST_CHIPS = 9
_LEAST_COUNT = 6


@dataclass(frozen=True, slots=True)
class Folder:
    """A saved query with its name and order."""

    name: str
    query: str
    sort: Sort = Sort.RANK
    is_own: bool = False


SHIPPED = (
    Folder("Everything", ""),
    Folder("Cut off by length", "finish:length"),
    Folder("Filtered", "finish:content_filter"),
    Folder("Errors", "has:error", Sort.TIME),
    Folder("Tool failures", "is:toolfailed", Sort.TIME),
    Folder("Slowest", "", Sort.DURATION),
    Folder("Most expensive", "cost:>0", Sort.COST),
    Folder("Pinned", "is:pinned"),
    Folder("Archived", "is:archived"),
    Folder("Deleted", "is:deleted"),
)


@dataclass(frozen=True)
class _FacetRow(Visual):
    """A facet in one line of any width: the name is cut, the count stays whole."""

    hint: str
    name: str
    number: int
    style: str

    def render_strips(
        self, width: int, height: int | None, style: Style, options: RenderOptions
    ) -> list[Strip]:
        number = f" {self.number:,}".rjust(_LEAST_COUNT)
        room = max(0, width - len(self.hint) - 1 - len(number))
        row = Content.assemble(
            (f"{self.hint} ", "$text-accent"),
            (set_cell_size(cut(self.name, room), room), self.style),
            (number, MUTED),
        )
        return row.render_strips(width, height, style, options)

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:
        return 1


class Folders(OptionList):
    """A list of folders and facets. The first nine facets have a key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d,delete", "remove", "Remove the folder", id="review.remove-folder"),
        Binding("j", "cursor_down", "Next", show=False),
        Binding("k", "cursor_up", "Previous", show=False),
    ]

    class Removed(Message):
        """A folder is to be removed."""

        def __init__(self, folder: Folder) -> None:
            super().__init__()
            self.folder = folder

    class Opened(Message):
        """A saved query was chosen."""

        def __init__(self, folder: Folder) -> None:
            super().__init__()
            self.folder = folder

    class Narrowed(Message):
        """A facet was chosen; `term` is what it adds to the query."""

        def __init__(self, term: str) -> None:
            super().__init__()
            self.term = term

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: dict[str, Folder | str] = {}
        self._query = ""
        self._prompts: list[VisualType] = []
        self.terms: list[str] = []
        self.chips: list[Chip] = []
        """The facets that have a key, in the order of the keys."""

    def show(
        self,
        folders: Sequence[Folder],
        facets: Facets | None,
        query: str = "",
        sort: Sort = Sort.RANK,
    ) -> None:
        """Draw both lists, with the terms of the query in bold. None: not counted yet."""
        highlighted = self.highlighted
        self._query = query
        self._rows = {}
        self.terms, self.chips = [], []
        options = [Option(Content.styled("Folders", f"bold {MUTED}"), disabled=True)]
        for number, folder in enumerate(folders):
            self._rows[f"folder-{number}"] = folder
            is_open = (folder.query, folder.sort) == (query, sort)
            style = "bold $text-accent" if is_open else ""
            label = Content.styled(printable_line(folder.name), style)
            options.append(Option(label, id=f"folder-{number}"))
        for field, values in facets.by_field if facets is not None else ():
            heading = "day" if field == "on" else field
            options.append(Option(Content.styled(f"\n{heading}", f"bold {MUTED}"), disabled=True))
            options += [self._facet(field, value, number) for value, number in values[:6]]
        prompts = [option.prompt for option in options]
        if [option.id for option in options] == [option.id for option in self.options]:
            # As many rows, at most others: the screen need not be laid out again.
            for number, (new, old) in enumerate(zip(prompts, self._prompts, strict=True)):
                if new != old:
                    self.replace_option_prompt_at_index(number, new)
        else:
            self.clear_options()
            self.add_options(options)
            if highlighted is not None and highlighted < len(options):
                self.highlighted = highlighted
        self._prompts = prompts

    def _facet(self, field: str, value: str, number: int) -> Option:
        term = term_of(field, value)
        key = f"facet-{len(self.terms)}"
        self.terms.append(term)
        self._rows[key] = term
        is_on = len(toggle_term(self._query, term)) < len(self._query)
        style = "bold $text-accent" if is_on else ""
        hint = " "
        if len(self.terms) <= _MOST_CHIPS:
            hint = str(len(self.terms))
            self.chips.append(Chip(len(self.terms), value, number, is_on))
        return Option(_FacetRow(hint, printable_line(value), number, style), id=key)

    def action_remove(self) -> None:
        """Remove the highlighted folder."""
        row = self._rows.get(self.highlighted_option.id or "") if self.highlighted_option else None
        if isinstance(row, Folder):
            self.post_message(self.Removed(row))

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        row = self._rows.get(event.option.id or "")
        if isinstance(row, Folder):
            self.post_message(self.Opened(row))
        elif row is not None:
            self.post_message(self.Narrowed(row))
