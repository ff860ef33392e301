"""Draws streaming replies: frames on a timer, until no reply streams.

The first content after a frame that showed nothing new, and the end, do not wait for the timer.
"""

import time
from functools import partial

from replyscope.domain.event import (
    Event,
    ReasoningDelta,
    RefusalDelta,
    StreamEnded,
    TextDelta,
    ToolCallDelta,
)
from replyscope.engine.conversation import Conversation
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.panes import Panes
from replyscope.ui.reading.pane import ReadingPane
from replyscope.ui.terminal.frame_pace import FRAME_S, FramePace, Stoppable, rest_after
from replyscope.ui.terminal.updates import is_behind

_CONTENT = frozenset({TextDelta, ReasoningDelta, RefusalDelta, ToolCallDelta})
_MOST_SKIPPED = 4
"""The most consecutive frames to skip while the terminal has not taken the last one."""


class LiveDrawing:
    """The frame timer of the open conversation. A frame without changes draws nothing."""

    def __init__(self, desk: Desk, panes: Panes, reading: ReadingPane) -> None:
        self._desk = desk
        self._panes = panes
        self._reading = reading
        self._is_drawing = False
        self._is_still = True
        """Whether the last frame showed no new content."""
        self._timer: Stoppable | None = None
        self._frame_pace = FramePace(0)
        self._frame_number = 0
        self._skipped = 0
        self._activity = ""
        self._seen_versions: dict[str, int] = {}

    def start(self) -> None:
        """Draw frames until no reply streams."""
        self._panes.draw_keys()
        conversation = self._desk.conversation
        conversation.hear = partial(self._hear, conversation.session.id)
        if not self._is_drawing:
            self._is_drawing = self._is_still = True
            self._frame_pace = FramePace(self._desk.services.clock.monotonic_ms())
            self._timer = self._desk.set_timer(FRAME_S, self._draw_frame)

    def _hear(self, session_id: str, event: Event) -> None:
        """Draw at once after the first content, and at the end. In steady streaming `_is_still`
        is false, so that the timer limits the frame rate.
        """
        kind = type(event)
        if not (self._is_still and kind in _CONTENT) and kind is not StreamEnded:
            return
        if self._is_drawing and self._desk.conversation.session.id == session_id:
            self._is_still = False
            self._desk.call_next(self._draw_frame)

    def _draw_frame(self) -> None:
        """Draw one frame, and start the timer of the next. Under load the frame rate falls.

        The timer may have ended already, with its frame still to come: one timer follows, not two.
        """
        if not self._is_drawing:
            return
        if self._timer is not None:
            self._timer.stop()
        began_s = time.thread_time()
        if is_behind(self._panes.transcript.app) and self._skipped < _MOST_SKIPPED:
            self._skipped += 1
        else:
            self._skipped = 0
            self._draw_live()
        rest_s = rest_after(time.thread_time() - began_s)
        if self._desk.archive.streaming() or self._desk.turns.any_running:
            wait_s = self._frame_pace.next_frame_s(self._desk.services.clock.monotonic_ms())
            self._timer = self._desk.set_timer(max(wait_s, rest_s), self._draw_frame)
        else:
            self._is_drawing = False

    def _draw_live(self) -> None:
        conversation = self._desk.conversation
        self._panes.sync_entries(conversation)
        live = conversation.live
        self._is_still = True
        if (activity := self._panes.activity()) != self._activity:
            self._activity = activity
            self._panes.draw_status(is_live=True)
        if live is None:
            self._draw_calls(conversation)
            return
        version = live.version
        is_waiting = live.fold.is_silent
        if self._seen_versions.get(live.fold_id) == version and not is_waiting:
            return
        self._is_still = is_waiting
        # What came before is drawn first: joining a text of 20 MB takes half as long as a frame.
        if self._panes.transcript.draw_rest():
            return
        self._seen_versions = {live.fold_id: version}
        self._panes.transcript.renew_entry(conversation.messages[-1].id)
        self._frame_number += 1
        # Every fifth frame is enough for figures.
        if self._frame_number % 5 == 0 or is_waiting:
            self._reading.draw()
            self._panes.draw_status(is_live=True)

    def _draw_calls(self, conversation: Conversation) -> None:
        """Draw the progress of the tools of the last reply."""
        calling = conversation.calling
        version = calling.version if calling is not None else -1
        if calling is None or self._seen_versions.get("calls") == version:
            return
        self._seen_versions = {"calls": version}
        self._panes.transcript.renew_entry(self._panes.transcript.last_key)
        self._reading.draw()
