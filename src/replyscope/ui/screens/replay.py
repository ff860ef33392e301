"""Plays a recorded reply again, in its conversation, as it came."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from replyscope.domain.event import Event, StreamEnded, WireFrame
from replyscope.domain.exchange import Exchange, ExchangeState
from replyscope.domain.fold import ExchangeFold
from replyscope.domain.message import Message
from replyscope.domain.ports import Clock
from replyscope.inspection.figures import seconds
from replyscope.ui.screens.front import HORIZONTAL_BREAKPOINTS, VERTICAL_BREAKPOINTS
from replyscope.ui.transcript.content import EntryContent, reply_content
from replyscope.ui.transcript.transcript import Transcript
from replyscope.ui.widgets.inspector import Inspector

_FPS = 30
_SPEEDS = (1.0, 4.0)
_SEEK = 0.05
"""How much of the whole one step of seeking is."""


def steps_of(events: Sequence[Event]) -> list[tuple[float, list[Event]]]:
    """The events by when they came: each step begins with a frame."""
    steps: list[tuple[float, list[Event]]] = []
    for event in events:
        if isinstance(event, WireFrame | StreamEnded) or not steps:
            at_ms = event.at_ms if isinstance(event, WireFrame | StreamEnded) else 0.0
            steps.append((at_ms, [event]))
        else:
            steps[-1][1].append(event)
    return steps


class ReplayScreen(Screen[None]):
    """Folds the recorded events again, by the clock. Nothing is sent or saved."""

    HORIZONTAL_BREAKPOINTS = HORIZONTAL_BREAKPOINTS
    VERTICAL_BREAKPOINTS = VERTICAL_BREAKPOINTS
    CSS_PATH: ClassVar[list[str]] = [  # type: ignore[assignment]
        "../styles/transcript.tcss",
        "../styles/inspector.tcss",
        "../styles/replay.tcss",
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Close"),
        Binding("space", "pause", "Pause"),
        Binding("full_stop,n", "step", "One frame on"),
        Binding("right,l", "seek(1)", "Forward"),
        Binding("left,h", "seek(-1)", "Back"),
        Binding("home", "restart", "From the start"),
        Binding("1", "speed(1)", "True speed"),
        Binding("4", "speed(4)", "Four times"),
        Binding("0,end", "finish", "To the end"),
    ]

    def __init__(
        self,
        before: Sequence[EntryContent],
        message: Message,
        exchange: Exchange,
        events: Sequence[Event],
        clock: Clock,
    ) -> None:
        super().__init__()
        self._before = before
        self._message = message
        self._opening = replace(
            exchange, state=ExchangeState.QUEUED, choices=(), usage=None, failure=None
        )
        self._choice = message.sources[-1].choice_index
        self._steps = steps_of(events)
        self._clock = clock
        self._fold = ExchangeFold(self._opening)
        self._next = 0
        self._at_ms = 0.0
        self._ticked_ms = 0.0
        self._speed = 1.0
        self._is_paused = False

    def compose(self) -> ComposeResult:
        with Horizontal():
            with Vertical():
                yield Transcript(id="replay-transcript")
                yield Static(id="replay-status")
            yield Inspector(id="replay-inspector")

    def on_mount(self) -> None:
        transcript = self.query_one(Transcript)
        transcript.show_entries([*self._before, self._content()])
        transcript.focus()
        self._ticked_ms = self._clock.monotonic_ms()
        self.set_interval(1 / _FPS, self._tick)
        self._draw()

    @property
    def _end_ms(self) -> float:
        return self._steps[-1][0] if self._steps else 0.0

    def _tick(self) -> None:
        now = self._clock.monotonic_ms()
        passed, self._ticked_ms = now - self._ticked_ms, now
        if self._is_paused or self._next >= len(self._steps):
            return
        self._go_to(self._at_ms + passed * self._speed)

    def _go_to(self, at_ms: float) -> None:
        """Fold up to a moment; an earlier one is folded anew."""
        at_ms = max(0.0, min(at_ms, self._end_ms))
        if at_ms < self._at_ms:
            self._fold, self._next = ExchangeFold(self._opening), 0
        self._at_ms = at_ms
        before = self._next
        while self._next < len(self._steps) and self._steps[self._next][0] <= at_ms:
            self._apply_next()
        if self._next != before or at_ms == 0:
            self.query_one(Transcript).update_entry(self._content())
        self._draw()

    def _apply_next(self) -> None:
        for event in self._steps[self._next][1]:
            self._fold.apply(event)
        self._next += 1

    def _content(self) -> EntryContent:
        exchange = self._fold.snapshot(self._at_ms)
        shown = replace(self._message, sources=self._message.sources[-1:])
        return reply_content(shown, {exchange.id: exchange})

    def _draw(self) -> None:
        exchange = self._fold.snapshot(self._at_ms)
        inspector = self.query_one(Inspector)
        if inspector.display:
            inspector.show_exchange(exchange, self._choice, {})
        share = self._at_ms / self._end_ms if self._end_ms else 1.0
        filled = round(share * 24)
        state = "paused" if self._is_paused else f"{self._speed:g}×"
        if self._next >= len(self._steps):
            state = "end"
        line = (
            f"{'━' * filled}{'─' * (24 - filled)} {seconds(self._at_ms)} of "
            f"{seconds(self._end_ms)} · {state}   space pause · . frame · ← → seek · 1 4 0 speed"
        )
        self.query_one("#replay-status", Static).update(Content(line))

    def action_pause(self) -> None:
        """Pause, or go on."""
        self._is_paused = not self._is_paused
        self._draw()

    def action_step(self) -> None:
        """One frame on, and pause there."""
        self._is_paused = True
        if self._next < len(self._steps):
            self._go_to(self._steps[self._next][0])

    def action_seek(self, step: int) -> None:
        """Forward or back by a twentieth."""
        self._go_to(self._at_ms + step * self._end_ms * _SEEK)

    def action_restart(self) -> None:
        """From the start."""
        self._go_to(0.0)

    def action_speed(self, speed: int) -> None:
        """Another speed."""
        self._speed, self._is_paused = float(speed), False
        self._draw()

    def action_finish(self) -> None:
        """At once to the end."""
        self._go_to(self._end_ms)
