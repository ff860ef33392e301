"""The live screen: its widgets, its keys, and the routes of messages to the groups."""

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from replyscope.domain.endpoint import Endpoint
from replyscope.engine.watching.switch import Watching
from replyscope.ui.keys.footer import KeyFooter
from replyscope.ui.reading.inspector import Inspector
from replyscope.ui.reading.timeline_view import TimelineView
from replyscope.ui.reading.wire_view import WireView
from replyscope.ui.review.query_field import QueryField
from replyscope.ui.services import Services
from replyscope.ui.styles.breakpoints import HORIZONTAL_BREAKPOINTS, VERTICAL_BREAKPOINTS
from replyscope.ui.transcript.messages import CursorMoved
from replyscope.ui.transcript.preview import Preview
from replyscope.ui.watch.acting import OpenedCall
from replyscope.ui.watch.call_table import CallTable
from replyscope.ui.watch.commands import WATCH_COMMANDS, WATCH_KEYS
from replyscope.ui.watch.groups import WatchWidgets, compose_watch
from replyscope.ui.watch.holding import HeldBar
from replyscope.ui.watch.key_help import WatchKeys
from replyscope.ui.working_screen import WorkingScreen

_LOOK_S = 0.1
_SETTLE_S = 0.05
_FOLLOW_S = 0.5
"""The least time between the replies of two calls while the newest call is followed."""
_READ_EACH = 5
"""The reading pane of a call that streams is drawn at each fifth look."""


class WatchScreen(WorkingScreen[OpenedCall | None]):
    """Composes the widgets and the groups. Returns what to open in the chat."""

    least_error_s = 3.0
    HORIZONTAL_BREAKPOINTS = HORIZONTAL_BREAKPOINTS
    VERTICAL_BREAKPOINTS = VERTICAL_BREAKPOINTS
    CSS_PATH: ClassVar[list[str]] = [  # type: ignore[assignment]
        "../styles/transcript.tcss",
        "../styles/inspector.tcss",
        "../styles/watch.tcss",
    ]
    BINDINGS: ClassVar[list[BindingType]] = WATCH_KEYS

    def __init__(
        self, services: Services, watching: Watching, endpoint: Endpoint | None = None
    ) -> None:
        super().__init__()
        self._commands = {command.name: command for command in WATCH_COMMANDS}
        log = watching.log
        self._widgets = widgets = WatchWidgets(
            field=QueryField(
                lambda field: self.groups.calls.known_values(field),
                placeholder="filter: words, finish:length …  F1 help",
                id="query",
            ),
            note=Static(id="query-note"),
            table=CallTable(log.call, log.now, id="calls"),
            held=HeldBar(id="held"),
        )
        self.groups = compose_watch(self, services, watching, widgets, endpoint)
        self.key_guide = WatchKeys(self, widgets.table, watching.held)
        self._shown: tuple[str | None, object] = (None, None)
        self._drawn_at_s = 0.0
        self._looks = 0
        self._routes: Mapping[type[Message], Callable[[Any], None]] = {
            **self.groups.reading.routes,
            CallTable.Wanted: lambda _: self.groups.acting.open(),
            HeldBar.Wanted: lambda _: self.groups.holding.decide(),
        }
        self.groups.calls.on_shown = self._draw_about

    def compose(self) -> ComposeResult:
        widgets = self._widgets
        with Vertical(id="watch"):
            with Vertical(id="watched"):
                yield widgets.field
                yield widgets.note
                yield widgets.held
                yield widgets.table
            with Horizontal(id="watched-reply"):
                with Vertical(id="preview-conversation"):
                    yield Preview(id="preview-transcript")
                yield Inspector(id="preview-inspector", can_act=False)
        yield KeyFooter()

    def on_mount(self) -> None:
        self.query_one("#preview-conversation").border_title = "Reply"
        self.query_one("#preview-inspector").border_title = "Inspector"
        self.set_focus(self._widgets.table)
        self.query_one("#watched-reply").display = self.app.size.height >= _LEAST_WITH_REPLY
        self._look()
        self.set_interval(_LOOK_S, self._look)

    def on_resize(self) -> None:
        self.call_after_refresh(self.groups.reading.draw)

    def _look(self) -> None:
        """Show what has changed since the last look."""
        if not self.is_current:
            return
        self._looks += 1
        self.groups.calls.look()
        self.groups.holding.draw()

    def _draw_about(self) -> None:
        """Draw what is about the table: the counts, and the reply of the highlighted call."""
        self._draw_frame()
        current = self.groups.desk.current()
        if current is None or current.id == self._shown[0]:  # another one is drawn by `Pointed`
            self._draw_reply()

    def _draw_frame(self) -> None:
        frame = self.query_one("#watched")
        frame.border_title = self.groups.calls.title()
        frame.border_subtitle = self.groups.calls.subtitle()

    def _draw_reply(self) -> None:
        """Draw the reply of the highlighted call, if it is another one or has grown."""
        call = self.groups.desk.current()
        shown = (call.id if call is not None else None, call.exchange if call is not None else None)
        if shown == self._shown:
            return
        transcript = self.query_one(Preview)
        is_other = shown[0] != self._shown[0]
        self._shown = shown
        self._drawn_at_s = monotonic() if is_other else self._drawn_at_s
        if call is None or call.exchange is None:
            transcript.show_nothing()
        elif is_other or not transcript.keys:
            transcript.show_entries([call.id], self.groups.source.content_of)
        else:
            transcript.renew_entry(call.id)
        if is_other:
            self.groups.reading.follow_cursor()
        elif call is None or not call.is_running or self._looks % _READ_EACH == 0:
            self.groups.reading.draw()

    async def _draw_reply_soon(self) -> None:
        """Draw the reply once the highlight rests: a held key passes many calls, and the newest
        call may be another one ten times a second.
        """
        due_s = self._drawn_at_s + _FOLLOW_S - monotonic() if self._widgets.table.follows else 0.0
        await asyncio.sleep(max(_SETTLE_S, due_s))
        self._draw_reply()

    def action_run(self, name: str) -> None:
        """Run a command of the table."""
        self._commands[name].run(self.groups)

    @on(CallTable.Pointed)
    def _follow_pointer(self) -> None:
        self._draw_frame()
        self.start_work(self._draw_reply_soon, group="reply", exclusive=True)
        for footer in self.query(KeyFooter):
            footer.draw()

    @on(Input.Changed, "#query")
    @on(Input.Submitted, "#query")
    def _filter(self, event: Input.Changed | Input.Submitted) -> None:
        if isinstance(event, Input.Submitted):
            self.groups.layout.focus_calls()
        else:
            self.groups.calls.follow_typing()

    @on(QueryField.Walked)
    def _walk(self, event: QueryField.Walked) -> None:
        self.groups.layout.walk(event.step, event.how)

    @on(CallTable.Wanted)
    @on(HeldBar.Wanted)
    @on(CursorMoved)
    @on(Inspector.TabOpened)
    @on(TimelineView.MomentChosen)
    @on(WireView.FrameOpened)
    def _route(self, message: Any) -> None:
        self._routes[type(message)](message)


_LEAST_WITH_REPLY = 30
