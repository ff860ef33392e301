"""The sidebar: a list of saved sessions, grouped by day."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from replyscope.domain.printable import printable_line
from replyscope.domain.session import SessionSummary
from replyscope.domain.values import dataclass
from replyscope.inspection.figures import dollars
from replyscope.ui.styles.muted import MUTED

_FIRST, _MOST = 500, 5_000
"""The numbers of sessions that are loaded: at first, and for a search or a long way back."""
_STEP = 300
"""The number of sessions that are drawn at once. Others are drawn when the end is near."""
_NEAR_END = 20
_PLACES = {False: "Pinned", True: "Private · not saved"}


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the list: a heading, or a session with its id."""

    text: str
    style: str = ""
    aside: str = ""
    session_id: str | None = None

    def option(self) -> Option:
        """The option that draws this line."""
        label = Content.styled(self.text, self.style) if self.style else Content(self.text)
        if self.aside:
            label += Content.styled(f"  {self.aside}", MUTED)
        return Option(label, id=self.session_id, disabled=self.session_id is None)


@dataclass(frozen=True, slots=True)
class _Marks:
    """The ids of the open session, and of sessions in a state that the list shows."""

    current: str | None = None
    streaming: frozenset[str] = frozenset()
    finished: frozenset[str] = frozenset()
    asking: frozenset[str] = frozenset()

    def of(self, session_id: str) -> str:
        """The marks before a session's title: `▌` if it is open, then its state."""
        mark = "▌" if session_id == self.current else " "
        if session_id in self.asking:
            return f"{mark}? "
        if session_id in self.streaming:
            return f"{mark}… "
        return f"{mark}● " if session_id in self.finished else mark


class Sidebar(OptionList):
    """A list of sessions. It posts the commands on them to the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "ask('new')", "New session", id="sessions.new", group=Binding.Group("new")),
        Binding("p", "ask('private')", "New private session", id="sessions.private",
                group=Binding.Group("private")),
        Binding("r", "ask('rename')", "Rename", id="sessions.rename"),
        Binding("d,delete", "ask('delete')", "Delete", id="sessions.delete"),
        Binding("u", "ask('undo')", "Undo delete", id="sessions.undo", group=Binding.Group("undo")),
        Binding("slash", "filter", "Filter", id="sessions.filter", group=Binding.Group("filter")),
        Binding("j", "cursor_down", "Next", show=False),
        Binding("k", "cursor_up", "Previous", show=False),
    ]  # fmt: skip

    class Opened(Message):
        """A session was selected."""

        def __init__(self, session_id: str) -> None:
            super().__init__()
            self.session_id = session_id

    class Asked(Message):
        """A command was chosen: new, private, rename, delete, undo; or more rows are needed."""

        def __init__(self, what: str, session_id: str | None, title: str) -> None:
            super().__init__()
            self.what = what
            self.session_id = session_id
            self.title = title

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, compact=True)
        self._summaries: tuple[SessionSummary, ...] = ()
        self._marks = _Marks()
        self._today = date.min
        self._costs: Mapping[date, float] = {}
        self._drawn: Sequence[_Line] = ()
        self._room = _STEP
        self._is_filtering = False
        self._filter = ""
        self.border_title = "Sessions"

    def show_sessions(
        self,
        summaries: Iterable[SessionSummary],
        *,
        current: str | None,
        streaming: frozenset[str],
        finished: frozenset[str],
        asking: frozenset[str],
        today: date,
        costs: Mapping[date, float],
    ) -> None:
        """Draw the list; the highlight stays on the same session. The sets contain session
        ids: in `asking` a tool call waits for a decision. `costs` are sums by local day.
        """
        self._summaries = tuple(summaries)
        self._marks = _Marks(current, streaming, finished, asking)
        self._today = today
        self._costs = costs
        self._draw()

    def _draw(self) -> None:
        """Draw changed lines, and new lines at the end. Any other change of the order draws all
        lines.
        """
        highlighted = self.highlighted_id
        lines, drawn = self._wanted_lines(), self._drawn
        self.border_title = f"Sessions /{self._filter}▏" if self._is_filtering else "Sessions"
        self._drawn = lines
        if drawn and _ids(lines[: len(drawn)]) == _ids(drawn):
            for index, (line, before) in enumerate(zip(lines, drawn, strict=False)):
                if line != before:
                    self.replace_option_prompt_at_index(index, line.option().prompt)
            self.add_options([line.option() for line in lines[len(drawn) :]])
            return
        self.clear_options()
        self.add_options([line.option() for line in lines])
        self._highlight(highlighted) or self._highlight(self._marks.current)
        if self.has_focus:
            self._highlight_some()

    def _highlight_some(self) -> None:
        """Highlight the first session if none is, so that a key has one to act on."""
        if self.highlighted is None and self._drawn:
            self.action_first()

    def _wanted_lines(self) -> list[_Line]:
        words = self._filter.lower().split()
        spent: dict[str, float] = defaultdict(float)
        for day, cost_usd in self._costs.items():
            spent[day_label(day, self._today)] += cost_usd
        lines: list[_Line] = []
        heading = ""
        room = self._room
        for summary in self._summaries:
            if not room:
                break
            if any(word not in summary.title.lower() for word in words):
                continue
            is_dated = not (summary.is_pinned or summary.is_private)
            day = summary.updated_at.astimezone().date()
            label = day_label(day, self._today) if is_dated else _PLACES[summary.is_private]
            if label != heading:
                heading = label
                cost = dollars(spent[label]) if is_dated and label in spent else ""
                lines.append(_Line(label, f"bold {MUTED}", cost))
            lines.append(_session_line(summary, self._marks))
            room -= 1
        return lines

    @property
    def wanted_count(self) -> int:
        """The number of sessions that the list needs: more while it is filtered or scrolled."""
        return _MOST if self._is_filtering or self._room > _STEP else _FIRST

    def _grow(self, count: int) -> None:
        """Draw more sessions at the end of the list."""
        had_few = self.wanted_count == _FIRST
        self._room += count
        self._draw()
        if had_few:
            self.post_message(self.Asked("more", None, ""))

    @on(OptionList.OptionHighlighted)
    def _grow_at_end(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option_index >= len(self._drawn) - _NEAR_END and self._room <= len(self._drawn):
            self._grow(_STEP)

    def action_last(self) -> None:
        """Highlight the oldest session."""
        self._grow(_MOST)
        super().action_last()

    def _highlight(self, session_id: str | None) -> bool:
        """Highlight a session. Returns whether it is in the list."""
        for index, line in enumerate(self._drawn):
            if session_id is not None and line.session_id == session_id:
                self.highlighted = index
                return True
        return False

    def highlight_open(self) -> None:
        """Highlight the open session."""
        if not self._highlight(self._marks.current):
            self._grow(_MOST)
            self._highlight(self._marks.current)

    @property
    def highlighted_title(self) -> str:
        """The title of the highlighted session, empty without one."""
        titles = {summary.id: summary.title for summary in self._summaries}
        return titles.get(self.highlighted_id or "", "")

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Whether a key is typed into the filter."""
        return self._is_filtering and character is not None and character.isprintable()

    def on_focus(self) -> None:
        """Highlight a session also when the open one is not in the list."""
        self._highlight_some()

    def on_blur(self) -> None:
        """Return the highlight to the open session: without the focus, there is one mark."""
        self._highlight(self._marks.current)

    def action_filter(self) -> None:
        """Filter the list by the words that are typed next."""
        self._is_filtering = True
        self._draw()
        self.post_message(self.Asked("more", None, ""))

    def end_filter(self) -> None:
        """Show all sessions again."""
        self._is_filtering, self._filter = False, ""
        self._draw()

    def on_key(self, event: events.Key) -> None:
        """While the filter is open: type into it, Esc closes it."""
        if not self._is_filtering:
            return
        if self.check_consume_key(event.key, event.character):
            self._filter += event.character or ""
        elif event.key == "backspace" and self._filter:
            self._filter = self._filter[:-1]
        elif event.key in ("escape", "backspace"):
            self._is_filtering, self._filter = False, ""
        else:
            return
        event.stop()
        event.prevent_default()
        self._draw()

    @property
    def highlighted_id(self) -> str | None:
        """The id of the highlighted session."""
        if self.highlighted is None:
            return None
        return self.get_option_at_index(self.highlighted).id

    @on(OptionList.OptionSelected)
    def _open(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option.id is not None:
            self.end_filter()
            self.post_message(self.Opened(event.option.id))

    def action_ask(self, what: str) -> None:
        """Post a command on the highlighted session."""
        self.post_message(self.Asked(what, self.highlighted_id, self.highlighted_title))


def _ids(lines: Sequence[_Line]) -> list[str | None]:
    return [line.session_id for line in lines]


def _session_line(summary: SessionSummary, marks: _Marks) -> _Line:
    """The line of a session: its mark and its title."""
    style = "$text-primary bold" if summary.id == marks.current else ""
    if summary.is_private:
        style = f"$text-warning {style.partition(' ')[2]}".strip()
    title = f"{marks.of(summary.id)}{printable_line(summary.title)}"
    return _Line(title, style, session_id=summary.id)


def day_label(day: date, today: date) -> str:
    """The heading of a day: Today, Yesterday, a weekday, or a month; with its year, unless it
    is this one.
    """
    if day >= today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    if day > today - timedelta(days=7):
        return f"{day:%A}"
    if day.year == today.year:
        return f"{day:%B}"
    return f"{day:%B} {day.year}"


def local_today(now: datetime) -> date:
    """The date in the local time zone."""
    return now.astimezone().date()
