"""The wire of an exchange: request and response as folded sections, then a row for each frame."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import ClassVar
from urllib.parse import urlsplit

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from replyscope.domain.event import RequestSent, WireFrame, WireRecord
from replyscope.domain.exchange import Exchange
from replyscope.domain.plural import plural
from replyscope.domain.values import dataclass
from replyscope.inspection.figures import size
from replyscope.inspection.frame_change import frame_change, frame_place
from replyscope.inspection.wire import request_body, request_head, response_lines, wire_text
from replyscope.ui.reading.json_tree import json_pieces, lines_of_text
from replyscope.ui.reading.line_view import LineView, Pieces

_COLUMNS = f"{'#':>5} {'ms':>8}  what"
_WORDS = {"finish": "good", "completed": "good", "error": "bad", "failed": "bad", "usage": "number"}


@dataclass(frozen=True, slots=True)
class WireSection:
    """A part of the wire above the frames, which folds."""

    title: str
    summary: str
    lines: tuple[Pieces, ...]


class WireView(LineView):
    """The rows of the sections and of the frames. A filter hides frames."""

    class FrameOpened(Message):
        """A frame, counted from 0, was opened."""

        def __init__(self, frames: Sequence[WireFrame], number: int) -> None:
            super().__init__()
            self.frames = frames
            self.number = number

    class FilterWanted(Message):
        """The key that edits the filter was pressed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "open", "Open", id="wire.open"),
        Binding("slash", "filter", "Filter frames", id="wire.filter"),
        Binding("y", "copy_wire", "Copy all", id="wire.copy"),
        Binding("right", "shift(16)", "Right", show=False),
        Binding("left", "shift(-16)", "Left", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._exchange: Exchange | None = None
        self._record = WireRecord(None, ())
        self._sections: list[WireSection] = []
        self._open: set[str] = set()
        self._head: list[tuple[Pieces, str]] = []
        self._count = 0
        self._changes: list[str] = []
        self._wanted = ""
        self._matching: list[int] | None = None

    def show_nothing(self) -> None:
        """Show no wire."""
        self._exchange, self._record = None, WireRecord(None, ())
        self._sections = []
        self._restart()

    def show_wire(self, exchange: Exchange, record: WireRecord) -> None:
        """Show another exchange. The frames may grow; call `grow` when they did."""
        self._exchange, self._record = exchange, record
        self._sections = list(sections_of(exchange, record))
        self._restart()

    def _restart(self) -> None:
        self._changes, self._count = [], -1
        self._matching = [] if self._wanted else None
        self.grow()
        self.row = len(self._head) if self._count else 0
        self.scroll_to(0, 0, animate=False, immediate=True, force=True)

    def _list_head(self) -> None:
        """The rows above the frames, each with the title of the section that Enter folds."""
        self._head = []
        for section in self._sections:
            is_open = section.title in self._open
            row = [("▾ " if is_open else "▸ ", "muted"), (f"{section.title:<9}", "key")]
            self._head.append(([*row, (section.summary, "muted")], section.title))
            if is_open:
                self._head += [([("  ", ""), *line], section.title) for line in section.lines]
        shown = "" if self._matching is None else f" · {len(self._matching):,} of {self._count:,}"
        self._head.append(([(_COLUMNS + shown, "muted")], ""))

    def grow(self) -> None:
        """Show the newly added frames."""
        count = len(self._record.frames)
        if count == self._count:
            return
        follows = self.scroll_offset.y >= self.max_scroll_y and self._count > 0
        if self._matching is not None:
            self._matching += self._matches(max(0, self._count), count)
        self._count = count
        self._list_head()
        self.fit_rows()
        if follows:
            self.scroll_end(animate=False, immediate=True, x_axis=False)

    def _matches(self, first: int, last: int) -> list[int]:
        return [n for n in range(first, last) if self._wanted in self._change(n).lower()]

    def _change(self, number: int) -> str:
        """The change that a frame makes. Cached: a filter reads it for every frame."""
        while len(self._changes) <= number:
            self._changes.append(frame_change(self._record.frames[len(self._changes)].text))
        return self._changes[number]

    def show_only(self, wanted: str) -> None:
        """Show only the frames whose row contains a text, regardless of case."""
        number = self._frame_at(self.row)
        self._wanted = wanted.strip().lower()
        self._matching = self._matches(0, self._count) if self._wanted else None
        self._list_head()
        self.fit_rows()
        self.point_at(self._row_of(number or 0))

    @property
    def _frame_count(self) -> int:
        return self._count if self._matching is None else len(self._matching)

    @property
    def row_count(self) -> int:
        """The number of rows: sections, column titles and frames."""
        return len(self._head) + max(0, self._frame_count)

    def _frame_at(self, row: int) -> int | None:
        at = row - len(self._head)
        if not 0 <= at < self._frame_count:
            return None
        return at if self._matching is None else self._matching[at]

    def _row_of(self, number: int) -> int:
        """The row of a frame, or of the last visible frame before it."""
        if self._matching is not None:
            number = max(0, bisect_right(self._matching, number) - 1)
        return len(self._head) + number

    def pieces_of(self, row: int) -> Pieces:
        """The text of a row."""
        number = self._frame_at(row)
        if number is None:
            return self._head[row][0] if row < len(self._head) else []
        change = frame_change(self._record.frames[number].text)
        word, space, rest = change.partition(" ")
        place = frame_place(number + 1, self._record.frames[number])
        style = _WORDS.get(word, "key" if space else "")
        return [(f"{place}  ", "muted"), (word + space, style), (rest, "")]

    def show_moment(self, at_ms: float) -> None:
        """Move the cursor to the last frame at or before a moment."""
        number = sum(frame.at_ms <= at_ms for frame in self._record.frames)
        self.point_at(self._row_of(max(0, number - 1)))

    def open_row(self, row: int) -> None:
        """Open a frame, or fold a section."""
        number = self._frame_at(row)
        if number is not None:
            self.post_message(self.FrameOpened(self._record.frames, number))
        elif row < len(self._head) and (title := self._head[row][1]):
            self._open ^= {title}
            self._list_head()
            self.fit_rows()
            self.point_at(next(n for n, (_, of) in enumerate(self._head) if of == title))

    def action_filter(self) -> None:
        """Edit the filter."""
        self.post_message(self.FilterWanted())

    def action_copy_wire(self) -> None:
        """Copy the request, the headers and the stream, unchanged."""
        if self._exchange is not None:
            self.app.copy_to_clipboard(wire_text(self._exchange, self._record))
            self.notify(f"Copied {plural(self._count, 'frame')}", timeout=2)


class FilterField(Input):
    """The filter of the frames. Enter and Down go to the frames; Escape clears it first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,down", "leave", "To the frames"),
        Binding("escape", "clear", "Clear"),
    ]

    class Left(Message):
        """A key moves the focus to the frames."""

    def action_leave(self) -> None:
        """Go to the frames."""
        self.post_message(self.Left())

    def action_clear(self) -> None:
        """Show all frames again."""
        self.value = ""
        self.post_message(self.Left())


class WirePane(Vertical):
    """The filter, and the wire under it."""

    def compose(self) -> ComposeResult:
        yield FilterField(placeholder="[/] filter: content, call, usage …", compact=True)
        yield WireView(id="wire")

    @on(WireView.FilterWanted)
    def _edit_filter(self, event: WireView.FilterWanted) -> None:
        event.stop()
        self.query_one(FilterField).focus()

    @on(FilterField.Left)
    def _focus_frames(self, event: FilterField.Left) -> None:
        event.stop()
        self.query_one(WireView).focus()

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one(WireView).show_only(event.value)


def sections_of(exchange: Exchange, record: WireRecord) -> list[WireSection]:
    """The sections above the frames: the request, and the head of the response."""
    found = [_request_section(record.request)] if record.request is not None else []
    lines = response_lines(exchange)
    if lines:
        summary = f"{lines[0]} · {plural(len(lines) - 1, 'header')}"
        found.append(WireSection("response", summary, tuple([(line, "")] for line in lines[1:])))
    return found


def _request_section(request: RequestSent) -> WireSection:
    address = urlsplit(request.url)
    summary = f"{request.method} {address.path or request.url} · {size(len(request.body))}"
    head: list[Pieces] = [[(line, "")] for line in request_head(request)]
    body = [json_pieces(line) for line in lines_of_text(request_body(request))]
    return WireSection("request", summary, (*head, [("", "")], *body))
