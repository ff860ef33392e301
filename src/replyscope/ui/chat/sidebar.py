"""The sidebar: a list of saved sessions, grouped by day."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from replyscope.domain.printable import printable_line
from replyscope.domain.session import SessionSummary
from replyscope.inspection.figures import dollars

_PLACES = {False: "Pinned", True: "Private · gone at exit"}


class Sidebar(OptionList):
    """A list of sessions. It posts the commands on them to the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "ask('new')", "New session", id="sessions.new", group=Binding.Group("new")),
        Binding("p", "ask('private')", "New private session", id="sessions.private",
                group=Binding.Group("private")),
        Binding("r", "ask('rename')", "Rename", id="sessions.rename"),
        Binding("d,delete", "ask('delete')", "Delete", id="sessions.delete"),
        Binding("u", "ask('undo')", "Undo delete", id="sessions.undo", group=Binding.Group("undo")),
        Binding("j", "cursor_down", "Next", show=False),
        Binding("k", "cursor_up", "Previous", show=False),
    ]  # fmt: skip

    class Opened(Message):
        """A session was selected."""

        def __init__(self, session_id: str) -> None:
            super().__init__()
            self.session_id = session_id

    class Asked(Message):
        """A command was chosen: new, private, rename, delete or undo."""

        def __init__(self, what: str, session_id: str | None) -> None:
            super().__init__()
            self.what = what
            self.session_id = session_id

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
        ids: in `asking` a tool call waits for a decision.
        """
        highlighted = self.highlighted_id
        options: list[Option] = []
        day = ""
        for summary in summaries:
            date_of = summary.updated_at.astimezone().date()
            is_dated = not (summary.is_pinned or summary.is_private)
            label = day_label(date_of, today) if is_dated else _PLACES[summary.is_private]
            if label != day:
                day = label
                cost = costs.get(date_of) if is_dated else None
                options.append(_day_option(label, cost))
            mark = "▌" if summary.id == current else " "
            if summary.id in asking:
                mark = "?"
            elif summary.id in streaming:
                mark = "…"
            elif summary.id in finished:
                mark = "●"
            options.append(_session_option(summary, mark, is_current=summary.id == current))
        self.clear_options()
        self.add_options(options)
        for wanted in (highlighted, current):
            if wanted is not None and any(option.id == wanted for option in options):
                self.highlighted = self.get_option_index(wanted)
                return

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
            self.post_message(self.Opened(event.option.id))

    def action_ask(self, what: str) -> None:
        """Post a command on the highlighted session."""
        self.post_message(self.Asked(what, self.highlighted_id))


def _session_option(summary: SessionSummary, mark: str, *, is_current: bool) -> Option:
    """The row of a session: its state mark and its title."""
    title = Content(f"{mark}{printable_line(summary.title)}")
    style = "$text-primary bold" if is_current else ""
    if summary.is_private:
        style = f"$text-warning {style.partition(' ')[2]}"
    return Option(title.stylize(style) if style else title, id=summary.id)


def _day_option(label: str, cost_usd: float | None) -> Option:
    """A heading of a day, with its cost if known."""
    head = Content.styled(label, "bold $foreground 60%")
    if cost_usd is not None:
        head += Content.styled(f"  {dollars(cost_usd)}", "$foreground 60%")
    return Option(head, disabled=True)


def day_label(day: date, today: date) -> str:
    """The heading of a day: Today, Yesterday, a weekday, a month or a year."""
    if day >= today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    if day > today - timedelta(days=7):
        return f"{day:%A}"
    if day.year == today.year:
        return f"{day:%B}"
    return str(day.year)


def local_today(now: datetime) -> date:
    """The date in the local time zone."""
    return now.astimezone().date()
