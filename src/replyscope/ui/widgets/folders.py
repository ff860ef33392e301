"""Saved queries, and how the results spread: each row narrows or changes the query."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from replyscope.domain.hit import Facets, Sort
from replyscope.domain.printable import printable_line

_MUTED = "$foreground 60%"


@dataclass(frozen=True, slots=True)
class Folder:
    """A query under a name, and the order that suits it."""

    name: str
    query: str
    sort: Sort = Sort.RANK


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


class Folders(OptionList):
    """Facets have a number: the key that narrows by them."""

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
        self.terms: list[str] = []

    def show(self, folders: Sequence[Folder], facets: Facets | None) -> None:
        """Draw both lists; None is "not counted yet", and leaves the facets as they are."""
        highlighted = self.highlighted
        self._rows = {}
        self.terms = []
        options = [Option(Content.styled("Folders", f"bold {_MUTED}"), disabled=True)]
        for number, folder in enumerate(folders):
            self._rows[f"folder-{number}"] = folder
            options.append(Option(printable_line(folder.name), id=f"folder-{number}"))
        for field, values in facets.by_field if facets is not None else ():
            heading = "day" if field == "on" else field
            options.append(Option(Content.styled(f"\n{heading}", f"bold {_MUTED}"), disabled=True))
            options += [self._facet(field, value, number) for value, number in values[:6]]
        self.clear_options()
        self.add_options(options)
        if highlighted is not None and highlighted < len(options):
            self.highlighted = highlighted

    def _facet(self, field: str, value: str, number: int) -> Option:
        term = f'{field}:"{value}"' if " " in value else f"{field}:{value}"
        key = f"facet-{len(self.terms)}"
        self.terms.append(term)
        self._rows[key] = term
        hint = str(len(self.terms)) if len(self.terms) <= 9 else " "
        label = Content.assemble(
            (f"{hint} ", "$text-accent"),
            printable_line(value)[:15].ljust(15),
            (f"{number:>6,}", _MUTED),
        )
        return Option(label, id=key)

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        row = self._rows.get(event.option.id or "")
        if isinstance(row, Folder):
            self.post_message(self.Opened(row))
        elif row is not None:
            self.post_message(self.Narrowed(row))
