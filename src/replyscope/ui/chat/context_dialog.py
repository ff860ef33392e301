"""The dialog of the next request: what fills the context window, part by part."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import set_cell_size
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.message import Message, Role
from replyscope.domain.printable import printable_line
from replyscope.engine.next_request import NextRequest
from replyscope.inspection.request_parts import (
    PartKind,
    RequestPart,
    RequestSize,
    TokenSource,
    bars_of,
)
from replyscope.ui.chat.request_screen import RequestScreen
from replyscope.ui.dialogs.dialog import ListDialog, Row
from replyscope.ui.keys.entries import FixedGuide
from replyscope.ui.styles.muted import MUTED

_LABEL, _FIGURE, _SHARE = 15, 11, 6
_BLOCK = "█"


@dataclass(frozen=True, slots=True)
class ContextSource:
    """The contents of the dialog. `load` returns the request with its tools, whose servers may
    have to start.
    """

    request: NextRequest
    load: Callable[[], Awaitable[NextRequest]]
    has_tools: bool
    mark: Callable[[str, str], None]
    """Leaves a message out or pins it, or undoes that: its id, and "leave out" or "pin"."""


class ContextDialog(ListDialog[str | None]):
    """A modal view of the next request. Returns the id of the message to show."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "show", priority=True),
        Binding("escape", "cancel", "close"),
        Binding("ctrl+r", "request", "request", priority=True),
        Binding("ctrl+x", "mark('leave out')", "leave out", priority=True),
        Binding("ctrl+k", "mark('pin')", "pin", priority=True),
        Binding("ctrl+n", "count", "count", priority=True),
    ]
    key_guide = FixedGuide(first=("accept", "request", "mark('leave out')", "mark('pin')", "count"))
    SIZE = "tall wide"
    MOST_ROWS = 100_000
    placeholder = "type to find a message"

    def __init__(self, source: ContextSource) -> None:
        super().__init__("Context of the next request")
        self._source = source
        self._next = source.request
        self._measured = source.request.size()
        self._roles = {m.id: m for m in self._next.conversation.tree.messages}
        self._is_loading = source.has_tools

    def compose_content(self) -> ComposeResult:
        yield Static("", id="total")
        yield Static("", id="bars")
        yield from super().compose_content()

    def on_mount(self) -> None:
        if self._is_loading:
            self.start_work(self._load_tools, group="tools")

    async def _load_tools(self) -> None:
        try:
            self._next = await self._source.load()
        except ReplyscopeError as error:
            self.tell(error)
        self._is_loading = False
        self._redraw(self._next.size())

    def _redraw(self, size: RequestSize) -> None:
        self._measured = size
        self.fill(self.highlighted)

    def fill(self, highlighted: str | None = None) -> None:
        """Draw the figures and the rows."""
        super().fill(highlighted)
        self.query_one("#total", Static).update(self._total())
        self.query_one("#bars", Static).update(self._bars())

    def _total(self) -> Content:
        size = self._measured
        text = f"{size.tokens:,} tokens"
        if size.window is not None:
            text = f"{size.tokens:,} of {size.window:,} tokens · {_share(size.tokens, size.window)}"
        planned = self._next.targets.planned(self._next.conversation)
        if planned is not None:
            text += f" · {printable_line(f'{planned.model} at {planned.endpoint.name}')}"
        source = size.source.value
        if size.source is not TokenSource.MEASURED:
            source += " · [Ctrl+N] lets the server count, by a request"
        lines = [Content(text), Content.styled(source, MUTED)]
        lines += [Content.styled(note, MUTED) for note in size.notes]
        if self._is_loading:
            lines.append(Content.styled("The tools are loading…", MUTED))
        if size.window is None:
            lines.append(Content.styled("The context window is unknown.", MUTED))
        elif size.tokens > size.window:
            lines.append(Content.styled("The request exceeds the window.", "$text-warning"))
        return Content("\n").join(lines)

    def _bars(self) -> Content:
        """A line for each kind; its bar begins where the one above ends."""
        size = self._measured
        whole = max(size.window or 0, size.tokens) or 1
        room = max(8, self._list_width() - _LABEL - _FIGURE - _SHARE - 2)
        lines = []
        for bar in bars_of(size, room):
            style = MUTED if bar.kind is PartKind.FREE else "$text-primary"
            block = "░" if bar.kind is PartKind.FREE else _BLOCK
            drawn = block * bar.cells or ("▏" if bar.tokens else "")
            figures = f"{bar.tokens:>{_FIGURE},}{_share(bar.tokens, whole):>{_SHARE}}"
            label = f"{bar.kind.value:<{_LABEL}}"
            gap = " " * (2 + bar.start)
            lines.append(Content(f"{label}{figures}{gap}") + Content.styled(drawn, style))
        return Content("\n").join(lines)

    def rows(self) -> Sequence[Row]:
        """The parts of the request in the order in which they are sent."""
        width = self._list_width()
        return [
            Row(part.message_id or f"({part.kind.value})", self._line(part, width))
            for part in self._measured.parts
        ]

    def _line(self, part: RequestPart, width: int) -> str:
        title = printable_line(part.title[:width])
        settings = self._next.conversation.session.settings
        mark = settings.mark_of(part.message_id or "")
        notes = [mark] if mark else [] if part.is_sent else ["not sent"]
        notes += [f"attachments {part.attachments:,}"] if part.attachments else []
        notes += [f"reasoning {part.reasoning:,}"] if part.reasoning else []
        tail = f"  ({', '.join(notes)})" if notes else ""
        head = f"{part.tokens:>{_FIGURE - 2},}  {self._author(part)}: "
        room = width - len(tail)
        line = head + title
        return (set_cell_size(line, room - 1) + "…" if len(line) > room else line) + tail

    def _author(self, part: RequestPart) -> str:
        message: Message | None = self._roles.get(part.message_id or "")
        if message is None:
            return part.kind.value
        return {Role.USER: "you", Role.ASSISTANT: "reply"}.get(message.role, message.role.value)

    def action_accept(self) -> None:
        """Close, and show the highlighted message."""
        self.dismiss(self.highlighted if self.highlighted in self._roles else None)

    def action_mark(self, kind: str) -> None:
        """Leave the highlighted message out, or pin it."""
        if self.highlighted in self._roles:
            self._source.mark(self.highlighted or "", kind)
            self._redraw(self._next.size())

    def action_request(self) -> None:
        """Show the exact request."""
        self.start_work(self._show_request, group="request", exclusive=True, holds_keys=True)

    async def _show_request(self) -> None:
        try:
            request = await self._next.preview()
        except ReplyscopeError as error:
            self.tell(error)
            return
        self.app.push_screen(RequestScreen(request))

    def action_count(self) -> None:
        """Let the server count the tokens: POST /responses/input_tokens."""
        if self._is_loading:  # a count without the tools would be too small
            self.tell("The tools are still loading.", is_error=False)
            return
        self.tell("Sent: POST /responses/input_tokens", is_error=False)
        self.start_work(self._count, group="count", exclusive=True)

    async def _count(self) -> None:
        try:
            self._redraw(await self._next.measured())
        except ReplyscopeError as error:
            self.tell(error)


def _share(tokens: int, whole: int) -> str:
    """The percentage of a whole."""
    return f"{100 * tokens / whole:.0f}%"
