"""The replay screen: plays a recorded reply in its conversation, at the recorded pace."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from replyscope.domain.event import Event, ResponseOpened, WireFrame, WireRecord
from replyscope.domain.exchange import Exchange, ExchangeState
from replyscope.domain.message import Message
from replyscope.inspection.figures import seconds
from replyscope.ui.keys.entries import FixedGuide
from replyscope.ui.keys.footer import KeyFooter
from replyscope.ui.reading.inspector import Inspector
from replyscope.ui.reading.pane import ReadingPane
from replyscope.ui.reading.playback import Playback
from replyscope.ui.reading.replay_bar import ReplayBar
from replyscope.ui.reading.replay_source import ReplaySource
from replyscope.ui.reading.timeline_view import TimelineView
from replyscope.ui.reading.wire_view import WireView
from replyscope.ui.services import Services
from replyscope.ui.styles.breakpoints import HORIZONTAL_BREAKPOINTS, VERTICAL_BREAKPOINTS
from replyscope.ui.transcript.content import ContentOf, EntryContent, reply_content
from replyscope.ui.transcript.transcript import Transcript
from replyscope.ui.working_screen import WorkingScreen

_FPS = 30
_SEEK = 0.05
"""The share of the recording that one step seeks over."""
_INSPECT_EVERY = 6
_SEEK_KEYS = Binding.Group("seek")
_FRAME_KEYS = Binding.Group("frame")
_SPEED_KEYS = Binding.Group("speed ×")


class ReplayScreen(WorkingScreen[None]):
    """Folds the recorded events again, by the clock. Nothing is sent or saved.

    `read` gives the events of the frames; a thread calls it, and what it gave can be played
    while it reads on.
    """

    HORIZONTAL_BREAKPOINTS = HORIZONTAL_BREAKPOINTS
    VERTICAL_BREAKPOINTS = VERTICAL_BREAKPOINTS
    CSS_PATH: ClassVar[list[str]] = [  # type: ignore[assignment]
        "../styles/transcript.tcss",
        "../styles/inspector.tcss",
        "../styles/replay.tcss",
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pause", "Pause", priority=True),
        Binding("left,h", "seek(-1)", "Back", priority=True, group=_SEEK_KEYS),
        Binding("right,l", "seek(1)", "Forward", priority=True, group=_SEEK_KEYS),
        Binding("comma", "step(-1)", "Previous frame", priority=True, group=_FRAME_KEYS),
        Binding("full_stop", "step(1)", "Next frame", priority=True, group=_FRAME_KEYS),
        Binding("1", "speed(1)", "Original speed", priority=True, group=_SPEED_KEYS),
        Binding("4", "speed(4)", "Four times the speed", priority=True, group=_SPEED_KEYS),
        Binding("escape,q,P,shift+p", "dismiss(None)", "Close"),
        Binding("home", "restart", "From the start", priority=True),
        Binding("0,end", "finish", "To the end", priority=True),
        Binding("f4", "toggle_inspector", "Inspector"),
        Binding("f7", "open_tab('wire')", "Wire"),
        Binding("L,shift+l", "open_tab('time')", "Timeline"),
    ]

    key_guide = FixedGuide(
        first=("pause", "seek(-1)", "step(-1)", "speed(1)", "dismiss(None)", "restart", "finish")
    )

    def __init__(
        self,
        before: Sequence[str],
        content_of: ContentOf,
        message: Message,
        exchanges: Mapping[str, Exchange],
        record: WireRecord,
        read: Callable[[], Iterable[Event]],
        services: Services,
        *,
        is_unlogged: bool = False,
    ) -> None:
        super().__init__()
        self._before = before
        self._content_before = content_of
        self._message = message
        self._exchanges = exchanges
        self._exchange = exchange = exchanges[message.sources[-1].exchange_id]
        self._record = record
        self._read_events = read
        self._clock = services.clock
        self._is_unlogged = is_unlogged
        end_ms = max([exchange.timing.duration_ms, *(f.at_ms for f in record.frames[-1:])])
        self._playback = Playback(_before_answer(exchange), len(record.frames), end_ms)
        self._source = ReplaySource(message, exchange, record, self._playback)
        self.reading = ReadingPane(self, services, self._source)
        self.action_toggle_inspector = self.reading.toggle
        self._ticked_ms = 0.0
        self._ticks = 0
        self._speed = 1.0
        self._is_paused = False
        self._is_left = False

    @property
    def is_unlogged(self) -> bool:
        """Whether the reply is of a private session."""
        return self._is_unlogged

    def compose(self) -> ComposeResult:
        with Horizontal():
            with Vertical():
                yield Transcript(id="replay-transcript")
                yield ReplayBar(id="replay-bar")
            yield Inspector(id="replay-inspector")
        yield KeyFooter()

    def on_mount(self) -> None:
        transcript = self.query_one(Transcript)
        transcript.show_entries([*self._before, self._message.id], self._content_of)
        transcript.focus()
        self._ticked_ms = self._clock.monotonic_ms()
        self.set_interval(1 / _FPS, self._tick)
        self.start_work(self._read)
        self._draw(is_whole=True)

    def on_unmount(self) -> None:
        self._is_left = True

    async def _read(self) -> None:
        await asyncio.to_thread(self._read_all)

    def _read_all(self) -> None:
        exchange = self._exchange
        head = ResponseOpened(exchange.status, exchange.headers, exchange.request_id) \
            if exchange.status is not None else None  # fmt: skip
        for number, event in enumerate(self._read_events()):
            if self._is_left:
                return
            self._playback.add(event)
            if number == 0 and head is not None and isinstance(event, WireFrame):
                self._playback.add(head)

    def _tick(self) -> None:
        now = self._clock.monotonic_ms()
        passed, self._ticked_ms = now - self._ticked_ms, now
        if not self._is_paused and not self._playback.is_over:
            self._go_to(self._playback.at_ms + passed * self._speed, is_whole=False)

    def _go_to(self, at_ms: float, *, is_whole: bool = True) -> None:
        self._show(self._playback.go_to(at_ms), is_whole=is_whole)

    def _show(self, has_changed: bool, *, is_whole: bool = True) -> None:
        if has_changed:
            self.query_one(Transcript).renew_entry(self._message.id)
        self._ticks += 1
        self._draw(is_whole=is_whole or self._playback.is_over)

    def _content_of(self, message_id: str) -> EntryContent:
        if message_id != self._message.id:
            return self._content_before(message_id)
        exchange = self._source.at_moment(self._exchange)
        return reply_content(self._message, {**self._exchanges, exchange.id: exchange})

    def _draw(self, *, is_whole: bool) -> None:
        if is_whole or self._ticks % _INSPECT_EVERY == 0:
            self.reading.draw()
        playback = self._playback
        self.query_one(ReplayBar).show(playback.share, playback.ready, self._status())

    def _status(self) -> str:
        """The text under the bar: the moment, the speed and the frame."""
        playback = self._playback
        state = "paused" if self._is_paused else f"{self._speed:g}×"
        if playback.is_over:
            state = "the end"
        elif playback.is_waiting:
            state = "reading…"
        return (
            f"{seconds(playback.at_ms)} of {seconds(playback.end_ms)} · {state} · frame "
            f"{playback.frame:,} of {len(self._record.frames):,}"
        )

    @on(Inspector.TabOpened)
    @on(WireView.FrameOpened)
    def _route_reading(self, event: Inspector.TabOpened | WireView.FrameOpened) -> None:
        self.reading.routes[type(event)](event)

    def on_resize(self) -> None:
        self.call_after_refresh(self.reading.draw)

    @on(ReplayBar.Sought)
    def _on_sought(self, event: ReplayBar.Sought) -> None:
        self._go_to(event.share * self._playback.end_ms)

    @on(TimelineView.MomentPicked)
    @on(TimelineView.MomentChosen)
    def _on_moment(self, event: TimelineView.MomentPicked | TimelineView.MomentChosen) -> None:
        self._go_to(event.at_ms)

    def action_open_tab(self, name: str) -> None:
        """Show the wire or the timeline, at the moment."""
        self.reading.open_tab(name, focuses=False)

    def action_pause(self) -> None:
        """Pause or resume; at the end, restart."""
        if self._playback.is_over:
            self.action_restart()
            return
        self._is_paused = not self._is_paused
        self._ticked_ms = self._clock.monotonic_ms()
        self._draw(is_whole=True)

    def action_step(self, step: int) -> None:
        """Pause, and step one frame forward or back."""
        self._is_paused = True
        self._show(self._playback.step(step))

    def action_seek(self, step: int) -> None:
        """Seek forward or back by a twentieth of the recording."""
        self._go_to(self._playback.at_ms + step * self._playback.end_ms * _SEEK)

    def action_restart(self) -> None:
        """Restart from the beginning."""
        self._is_paused = False
        self._go_to(0.0)

    def action_speed(self, speed: int) -> None:
        """Change the speed."""
        self._speed, self._is_paused = float(speed), False
        self._ticked_ms = self._clock.monotonic_ms()
        self._draw(is_whole=True)

    def action_finish(self) -> None:
        """Skip to the end."""
        self._go_to(self._playback.end_ms)


def _before_answer(exchange: Exchange) -> Exchange:
    """The exchange before the response: no status, choices, usage or cost."""
    unanswered: dict[str, Any] = {"status": None, "headers": (), "request_id": None}
    return replace(
        exchange,
        state=ExchangeState.QUEUED,
        choices=(),
        usage=None,
        failure=None,
        reported_cost_usd=None,
        estimated_cost_usd=None,
        adaptations=(),
        **unanswered,
    )
