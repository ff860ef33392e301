"""The help screen: keys and commands, with a filter."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from textwrap import wrap
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from replyscope.domain.values import dataclass
from replyscope.ui.keys.entries import FixedGuide, KeyRow
from replyscope.ui.keys.footer import KeyFooter
from replyscope.ui.styles.muted import MUTED

_SCROLL = Binding.Group("scroll")
_MOST_KEYS = 30
_GAP = "  "


@dataclass(frozen=True, slots=True)
class HelpSection:
    """A titled list of keys or commands."""

    title: str
    rows: Sequence[KeyRow]


class HelpScreen(ModalScreen[None]):
    """A modal screen that lists keys and commands. Typed words filter the rows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "scroll(1)", "Scroll down", priority=True, group=_SCROLL),
        Binding("up", "scroll(-1)", "Scroll up", priority=True, group=_SCROLL),
        Binding("pagedown", "page(1)", "A page down", priority=True, show=False),
        Binding("pageup", "page(-1)", "A page up", priority=True, show=False),
        Binding("escape,f1", "dismiss", "Close"),
    ]

    key_guide = FixedGuide(hidden=("submit",))

    def __init__(self, sections: Sequence[HelpSection]) -> None:
        super().__init__()
        self._sections = sections

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog tall wide"):
            yield Label("Keys and commands", classes="dialog-title")
            yield Input(placeholder="type to filter", compact=True)
            with VerticalScroll(can_focus=False):
                yield Static(id="help-rows")
            yield Static("Keys are changed by their name in settings.toml, [keys].", markup=False,
                         classes="hint")  # fmt: skip
            yield KeyFooter()

    def on_mount(self) -> None:
        self.call_after_refresh(self._draw)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    @on(Input.Changed)
    def _draw(self) -> None:
        pane, words = self.query_one(VerticalScroll), self.query_one(Input).value.lower().split()
        width = max(20, pane.scrollable_content_region.width - 1)
        lines = list(help_lines(_filtered(self._sections, words), width))
        none = Content("No key or command has these words.")
        self.query_one("#help-rows", Static).update(Content("\n").join(lines or [none]))
        pane.scroll_home(animate=False)

    def action_scroll(self, step: int) -> None:
        """Scroll by a line."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)

    def action_page(self, step: int) -> None:
        """Scroll by a page."""
        pane = self.query_one(VerticalScroll)
        pane.scroll_relative(y=step * max(1, pane.size.height - 1), animate=False)


def _filtered(sections: Iterable[HelpSection], words: Sequence[str]) -> Iterable[HelpSection]:
    """The rows that have every word, in their keys, text, id or the title of their section."""
    for section in sections:
        rows = [
            row
            for row in section.rows
            if all(w in f"{section.title} {row.keys} {row.text} {row.id}".lower() for w in words)
        ]
        if rows:
            yield HelpSection(section.title, rows)


def help_lines(sections: Iterable[HelpSection], width: int) -> Iterable[Content]:
    """The lines of sections in columns that fit a width in cells: keys, text, and the id where
    there is room. A cell that is too long continues on the next line of its column.
    """
    sections = list(sections)
    rows = [row for section in sections for row in section.rows]
    keys = min(max([len(row.keys) for row in rows], default=1), _MOST_KEYS, width // 3)
    ids = max([len(row.id) for row in rows], default=0)
    if keys + ids + 2 * len(_GAP) + 24 > width:
        ids = 0
    text = width - keys - len(_GAP) - (ids + len(_GAP) if ids else 0)
    for number, section in enumerate(sections):
        if number:
            yield Content("")
        yield Content.styled(section.title, "bold $text-primary")
        for row in section.rows:
            cells = (wrap(row.keys, keys), wrap(row.text, text), [row.id] if ids else [])
            for one, two, three in zip_longest(*cells, fillvalue=""):
                yield Content.assemble(
                    (one.ljust(keys), "$text-accent"),
                    _GAP,
                    two.ljust(text),
                    (_GAP + three if three else "", MUTED),
                )
