"""What a reply was doing when: bars over time, and a moment that can be picked."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widget import Widget

from replyscope.domain.exchange import Exchange
from replyscope.domain.printable import printable_line
from replyscope.inspection.figures import rate, seconds, sparkline
from replyscope.inspection.timeline import Doing, Timeline

_LABEL = 12
_MUTED = "$foreground 60%"
_LOOKS = {
    Doing.WAITING: "$foreground 30%",
    Doing.REASONING: "$secondary",
    Doing.TEXT: "$primary",
    Doing.CALL: "$warning",
    Doing.TOOL: "$success",
    Doing.STALL: "$error",
}


class TimelineView(Widget, can_focus=True):
    """Left and right move the moment, Enter shows the frames around it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1)", "Earlier", show=False),
        Binding("right,l", "move(1)", "Later", show=False),
        Binding("enter", "show_frames", "Frames of the moment", id="timeline.frames"),
    ]

    class MomentChosen(Message):
        """The frames around a moment are wanted, in milliseconds since the request."""

        def __init__(self, at_ms: float) -> None:
            super().__init__()
            self.at_ms = at_ms

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._timeline = Timeline((), 0.0)
        self._exchange: Exchange | None = None
        self._column = 0

    def show_timeline(self, exchange: Exchange, timeline: Timeline) -> None:
        """Show another reply's time."""
        if self._exchange is None or self._exchange.id != exchange.id:
            self._column = 0
        self._exchange, self._timeline = exchange, timeline
        self.refresh(layout=True)

    def show_nothing(self) -> None:
        """There is no reply to show."""
        self._exchange, self._timeline = None, Timeline((), 0.0)
        self.refresh(layout=True)

    @property
    def _room(self) -> int:
        return max(10, self.content_size.width - _LABEL - 1)

    @property
    def moment_ms(self) -> float:
        """The time that is picked."""
        return self._timeline.end_ms * self._column / max(1, self._room - 1)

    def render(self) -> Content:
        """The bars, each under the one that began before it."""
        exchange, timeline = self._exchange, self._timeline
        if exchange is None or timeline.end_ms <= 0:
            return Content.styled("Nothing was timed.", _MUTED)
        lines = [
            Content.assemble(
                ("now".ljust(_LABEL), _MUTED),
                " " * self._column,
                ("▼", "$accent"),
                (f" {seconds(self.moment_ms)}", "$text-accent"),
            )
        ]
        for bar in timeline.bars:
            start = round(bar.start_ms / timeline.end_ms * self._room)
            length = max(1, round((bar.end_ms - bar.start_ms) / timeline.end_ms * self._room))
            start = min(start, self._room - 1)
            length = min(length, self._room - start)
            head = printable_line(bar.label)[: _LABEL - 1].ljust(_LABEL)
            body = ("█" * length, _LOOKS[bar.doing])
            lines.append(Content.assemble((head, _MUTED), " " * start, body))
            took = seconds(bar.end_ms - bar.start_ms)
            lines.append(Content.styled(f"{'':{_LABEL}}{' ' * start}{took}", "$foreground 40%"))
        pace = sparkline(exchange.timing, min(self._room, 60))
        if pace:
            lines += [Content(""), Content.assemble(("pace".ljust(_LABEL), _MUTED), pace)]
            lines.append(Content.assemble(" " * _LABEL, (rate(exchange), _MUTED)))
        lines += [Content(""), Content.styled("← → pick a moment · Enter its frames", _MUTED)]
        return Content("\n").join(lines)

    def action_move(self, step: int) -> None:
        """Pick an earlier or later moment."""
        self._column = max(0, min(self._column + step, self._room - 1))
        self.refresh()

    def action_show_frames(self) -> None:
        """Show the frames around the moment."""
        self.post_message(self.MomentChosen(self.moment_ms))

    def on_click(self, event: Click) -> None:
        """A click picks the moment; a second one shows its frames."""
        at = event.get_content_offset_capture(self)
        self._column = max(0, min(at.x - _LABEL, self._room - 1))
        self.refresh()
        if event.chain == 2:
            self.action_show_frames()
