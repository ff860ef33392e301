"""The command that searches the prompts of all sessions, and its dialog."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from rich.cells import cell_len, set_cell_size
from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, OptionList, Static

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line, printable_text
from replyscope.domain.stores import SentPrompt
from replyscope.engine.prompt_search import PromptSearch
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.view import ChatView
from replyscope.ui.dialogs.dialog import ListDialog, Row

_MOST_TITLE = 200
_MOST_PREVIEW = 2_000
_MOST_PREVIEW_LINES, _SHARE = 8, 5
"""The lines of the preview, and its share of the screen's height."""
_GAP = 2


class PromptDialog(ListDialog[str | None]):
    """A modal list of sent prompts, the newest first, with a preview. It returns a prompt."""

    SIZE = "tall wide"
    placeholder = "type words of a prompt"

    def __init__(self, search: PromptSearch, words: str = "") -> None:
        super().__init__("Sent prompts")
        self._search = search
        self._words = words
        self._found: list[SentPrompt] = []
        self._is_loading = True

    def compose_content(self) -> ComposeResult:
        yield from super().compose_content()
        yield Static("", id="prompt-preview")

    def on_mount(self) -> None:
        self.query_one(Input).value = self._words
        self.start_work(self._load, group="load")

    async def _load(self) -> None:
        """Load all prompts; the first page is shown at once."""
        try:
            is_first = True
            while await self._search.load_next():
                if is_first:
                    await self._find()
                is_first = False
        except ReplyscopeError as error:
            self.tell(error)
        self._is_loading = False
        self.start_work(self._find, group="find", exclusive=True)

    async def _find(self) -> None:
        words = self.typed
        found = await asyncio.to_thread(self._search.find, words)
        if words == self.typed:
            chosen, self._found = self._chosen, found
            at = found.index(chosen) if chosen in found else 0
            number = plural(len(self._search), "sent prompt")
            self.show_title(f"{number}{' so far…' if self._is_loading else ''}")
            self.fill(str(at))
            self._show_preview()

    def rows(self) -> Sequence[Row]:
        """The found prompts, one line each: the time, the first line, and how many follow."""
        width = self._list_width()
        return [_row(str(number), prompt, width) for number, prompt in enumerate(self._found)]

    def matching(self, _words: Sequence[str]) -> Sequence[Row]:
        """All rows: the search has compared the words already."""
        return self.rows()

    def filter_changed(self) -> None:
        """Search in a thread."""
        self.start_work(self._find, group="find", exclusive=True)

    @property
    def _chosen(self) -> SentPrompt | None:
        number = self.highlighted
        return self._found[int(number)] if number and int(number) < len(self._found) else None

    @on(OptionList.OptionHighlighted)
    def _show_preview(self) -> None:
        """Show the highlighted prompt, and where it was sent."""
        prompt = self._chosen
        text = ""
        most = min(_MOST_PREVIEW_LINES, self.app.size.height // _SHARE)
        if prompt is not None:
            heading = f"{printable_line(prompt.title)} · {_day(prompt.sent_at)}"
            text = f"{heading}\n{_preview(prompt.text, most)}"
        preview = self.query_one("#prompt-preview", Static)
        preview.styles.max_height = most + 2  # lines may wrap
        preview.update(Content(text))

    def action_accept(self) -> None:
        """Return the highlighted prompt."""
        prompt = self._chosen
        if prompt is not None:
            self.dismiss(prompt.text)


class PromptHistoryCommands:
    """The command that searches sent prompts."""

    def __init__(self, desk: Desk, view: ChatView) -> None:
        self._desk = desk
        self._view = view

    def search(self, words: str = "") -> None:
        """Search the prompts; the chosen one is inserted into the composer."""
        is_private = self._desk.conversation.is_private
        search = self._desk.archive.prompt_search(is_private=is_private)
        self._desk.ask_dialog(PromptDialog(search, words), self._insert)

    def _insert(self, prompt: str) -> None:
        composer = self._view.composer
        if composer.text.strip():
            composer.insert(prompt)
        else:
            composer.replace_text(prompt)
        composer.focus()


def _row(value: str, prompt: SentPrompt, width: int) -> Row:
    """A row that fits into a line, so that the times and the prompts are columns."""
    first, number = _first_line(prompt.text)
    more = f"+{plural(number - 1, 'line')}" if number > 1 else ""
    day = f"{_day(prompt.sent_at)}  "
    room = width - len(day) - (len(more) + _GAP if more else 0)
    return Row(value, _cropped(printable_line(first), max(1, room)), more, mark=day)


def _first_line(text: str) -> tuple[str, int]:
    """The first line with words, and the number of lines from there to the last one with words."""
    lines = text.strip().splitlines()
    return " ".join(lines[0][:_MOST_TITLE].split()) if lines else "", len(lines)


def _cropped(text: str, width: int) -> str:
    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 1).rstrip()}…"


def _preview(text: str, most: int) -> str:
    """The first lines of a prompt, and the number of lines that are not shown."""
    lines = printable_text(text[:_MOST_PREVIEW]).strip("\n").split("\n")
    left = len(text.strip("\n").split("\n")) - most
    more = f"\n… {plural(left, 'more line')}" if left > 0 else ""
    return "\n".join(lines[:most]) + more


def _day(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M")
