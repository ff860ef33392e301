"""The footer: one line with the keys of the present focus, as many as fit the width."""

from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len
from textual.content import Content
from textual.events import Click
from textual.screen import Screen
from textual.style import Style
from textual.widgets import Static

from replyscope.ui.keys.entries import KeyEntry, footer_entries, guide_of
from replyscope.ui.keys.names import key_name

_GAP = "  "
_LEAVES = "escape"
_KEY = "key"
"""The name of the key in the style of a button."""


class KeyFooter(Static):
    """The last line of a screen. A click on an entry presses its key."""

    def __init__(self) -> None:
        super().__init__()
        self._drawn: object = None

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._follow)
        self.draw()

    def on_resize(self) -> None:
        self.draw()

    def _follow(self, screen: Screen[Any]) -> None:
        if self.is_attached and screen is self.screen:
            self.draw()

    def draw(self) -> None:
        """Draw the keys that work now."""
        screen = self.screen
        if not screen.is_mounted:
            self.call_after_refresh(self.draw)
            return
        is_behind = not screen.is_active  # a dialog gets all keys, and shows its own
        note = "" if is_behind else guide_of(screen).note()
        entries = [] if is_behind else footer_entries(screen)
        width = self.content_size.width
        if self._drawn != (note, entries, width):
            self._drawn = note, entries, width
            self.update(footer_line(note, entries, width), layout=False)

    def on_click(self, event: Click) -> None:
        """Press the key that was clicked."""
        key = event.style.meta.get(_KEY)
        if key is not None:
            self.app.simulate_key(key)


def footer_line(note: str, entries: Sequence[KeyEntry], width: int) -> Content:
    """The note, and the entries that fit a width in cells. No entry is cut. The key that leaves
    the screen has priority over all other entries.
    """
    pieces = [Content.styled(note, "$text-warning")] if note else []
    room = width - cell_len(note) - (len(_GAP) if pieces else 0)
    leaving = [entry for entry in entries if _LEAVES in entry.keys][:1]
    if _width(leaving) > room:
        leaving = []
    shown: list[KeyEntry] = []
    for entry in entries:
        if _width([*shown, entry, *(one for one in leaving if one is not entry)]) > room:
            break
        shown.append(entry)
        leaving = [one for one in leaving if one is not entry]
    return Content(_GAP).join([*pieces, *map(_entry, (*shown, *leaving))])


def _width(entries: Sequence[KeyEntry]) -> int:
    """The width of entries in cells."""
    widths = [cell_len(f"[{entry.shown}] {entry.word}") for entry in entries]
    return sum(widths) + len(_GAP) * max(0, len(widths) - 1)


def _entry(entry: KeyEntry) -> Content:
    keys = Content("/").join(_button(key_name(key), key) for key in entry.keys)
    brackets = Content.assemble("[", keys, "]").stylize("$text-accent")
    return Content.assemble(brackets, _button(f" {entry.word}", entry.keys[0]))


def _button(text: str, key: str) -> Content:
    return Content(text).stylize(Style.from_meta({_KEY: key}))
