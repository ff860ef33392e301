"""The playback of a replay: the events read so far, and the exchange folded up to a moment."""

import copy
from bisect import bisect_left, bisect_right

from replyscope.domain.event import Event, StreamEnded, WireFrame
from replyscope.domain.exchange import Exchange
from replyscope.domain.fold import ExchangeFold

_KEPT_EVERY = 5_000


class Playback:
    """A recording that plays: one thread adds events while another plays the known ones.

    A step is a frame with its events, or the end. A step back starts from a saved fold, so that
    its cost does not depend on the length.
    """

    def __init__(self, opening: Exchange, frames: int, end_ms: float) -> None:
        self.end_ms = end_ms
        self.at_ms = 0.0
        self.is_waiting = False
        """Whether it would be further if more had been read."""
        self._steps: list[list[Event]] = []
        self._times: list[float] = []
        self._frames = frames
        self._is_read = False
        self._fold = ExchangeFold(opening)
        self._kept: list[tuple[int, ExchangeFold]] = [(0, copy.deepcopy(self._fold))]
        self._next = 0

    def add(self, event: Event) -> None:
        """Add an event; `StreamEnded` is the last one."""
        if isinstance(event, WireFrame | StreamEnded) or not self._steps:
            at_ms = event.at_ms if isinstance(event, WireFrame | StreamEnded) else 0.0
            self._steps.append([event])
            self._times.append(max(at_ms, self._times[-1] if self._times else 0.0))
        else:
            self._steps[-1].append(event)
        self._is_read = isinstance(event, StreamEnded)

    @property
    def _playable(self) -> int:
        """The number of playable steps. The last step may still grow while it is read."""
        return len(self._times) - (0 if self._is_read else 1)

    @property
    def is_over(self) -> bool:
        """Whether the end was reached."""
        return self._is_read and self._next >= len(self._steps)

    @property
    def frame(self) -> int:
        """The number of frames up to the moment."""
        return min(self._next, self._frames)

    @property
    def share(self) -> float:
        """The played share of the recording, 0 to 1."""
        return min(1.0, self.at_ms / self.end_ms) if self.end_ms > 0 else float(self.is_over)

    @property
    def ready(self) -> float:
        """The share of the recording that can be played, 0 to 1."""
        if self._is_read:
            return 1.0
        last = self._times[self._playable - 1] if self._playable > 0 else 0.0
        return min(1.0, last / self.end_ms) if self.end_ms > 0 else 0.0

    def events(self) -> list[Event]:
        """Every event read so far."""
        return [event for step in self._steps for event in step]

    def exchange(self) -> Exchange:
        """The exchange at the moment."""
        return self._fold.snapshot(self.at_ms)

    def go_to(self, at_ms: float) -> bool:
        """Fold up to a moment. Returns whether the exchange changed.

        A moment that is not read yet is replaced by the last known one, and `is_waiting` is set.
        """
        playable = self._playable
        wanted = max(0.0, min(at_ms, self.end_ms))
        limit = self.end_ms if self._is_read else self._times[playable - 1] if playable > 0 else 0.0
        self.is_waiting = wanted > limit
        self.at_ms = min(wanted, limit)
        target = min(playable, bisect_right(self._times, self.at_ms)) if playable > 0 else 0
        if self._is_read and self.at_ms >= self.end_ms:
            target = len(self._steps)
        return self._fold_to(target)

    def step(self, step: int) -> bool:
        """Move one frame forward or back. Returns whether the position changed."""
        target = max(0, min(self._next + step, self._playable))
        self.at_ms = self._times[target - 1] if target > 0 else 0.0
        self.is_waiting = False
        return self._fold_to(target)

    def _fold_to(self, target: int) -> bool:
        before = self._next
        if target < before:
            number = bisect_left(self._kept, target + 1, key=lambda kept: kept[0]) - 1
            self._next, kept = self._kept[number]
            self._fold = copy.deepcopy(kept)
        while self._next < target:
            self._apply_next()
        return target != before

    def _apply_next(self) -> None:
        for event in self._steps[self._next]:
            self._fold.apply(event)
        self._next += 1
        if self._next % _KEPT_EVERY == 0 and self._next > self._kept[-1][0]:
            self._kept.append((self._next, copy.deepcopy(self._fold)))
