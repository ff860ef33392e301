"""The rest of a long reply is shown between frames only when no frame comes."""

from collections.abc import Callable

from replyscope.domain.message import Role
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.transcript.catching_up import CatchingUp
from replyscope.ui.transcript.content import EntryContent
from replyscope.ui.transcript.entry import Entry
from replyscope.ui.transcript.layout import Layout

TEXT = ("The quick brown fox jumps over lazy dogs. " * 8 + "\n\n") * 1_500


class Timers:
    """Timers that the test ends."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Timer, Callable[[], None]]] = []

    def set(self, _wait_s: float, call: Callable[[], None]) -> "Timer":
        timer = Timer()
        self.waiting.append((timer, call))
        return timer

    @property
    def running(self) -> list[Callable[[], None]]:
        return [call for timer, call in self.waiting if not timer.is_stopped]


class Timer:
    """A timer of `Timers`."""

    def __init__(self) -> None:
        self.is_stopped = False

    def stop(self) -> None:
        self.is_stopped = True


def test_a_frame_of_the_stream_takes_the_place_of_catching_up() -> None:
    shown = EntryContent("m1", Role.ASSISTANT, "model", TEXT, "", is_live=True)
    layout, timers = Layout(), Timers()
    layout.entries.append(Entry("m1", lambda: shown))
    layout.configure(80, Palette())
    catching_up = CatchingUp(lambda: layout, timers.set, lambda: None)
    layout.settle(0, 40, from_end=True)
    catching_up.start()
    for _ in range(3):
        entry = layout.renew("m1")
        assert entry is not None
        catching_up.wait_for_frame(is_live=entry.is_live)
        catching_up.start()
    assert len(timers.waiting) == 4
    assert len(timers.running) == 1
    while layout.is_behind:
        ((timer, call),) = [one for one in timers.waiting if not one[0].is_stopped]
        timer.stop()
        call()
    assert not timers.running
