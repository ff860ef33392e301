"""Shows the rest of the entries that need more than one frame."""

import time
from collections.abc import Callable

from replyscope.ui.terminal.frame_pace import FRAME_S, SLOWEST_S, Stoppable, rest_after
from replyscope.ui.transcript.layout import Layout


class CatchingUp:
    """A timer that shows more of the entries that are behind, until none is.

    Each frame of a stream shows more of its entry too. Meanwhile the timer waits: with both, a key
    often came during one of the two.
    """

    def __init__(
        self,
        layout: Callable[[], Layout],
        set_timer: Callable[[float, Callable[[], None]], Stoppable],
        reflow: Callable[[], None],
    ) -> None:
        self._layout = layout
        self._set_timer = set_timer
        self._reflow = reflow
        self._timer: Stoppable | None = None
        self._rest_s = FRAME_S

    def wait_for_frame(self, *, is_live: bool) -> None:
        """Restart after a frame of an entry; `is_live` is whether another one follows."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._rest_s = 2 * SLOWEST_S if is_live else FRAME_S

    def start(self) -> None:
        """Start the timer, unless it runs or nothing is behind."""
        if self._timer is None and self._layout().is_behind:
            self._timer = self._set_timer(self._rest_s, self._go_on)

    def _go_on(self) -> None:
        began_s = time.thread_time()
        if self._layout().go_on():
            self._reflow()
        self._rest_s = rest_after(time.thread_time() - began_s)
        self._timer = None
        self.start()
