"""The frame rate of a streaming reply."""

import time

from replyscope.ui.terminal.frame_pace import FRAME_S, FramePace, wanted_cpu_s


def frames(load: float, count: int = 20) -> float:
    """The length of a frame in seconds after some frames under a load between 0 and 1."""
    wall_s = 0.0
    pace = FramePace(0.0, lambda: wall_s * load)
    for _ in range(count):
        wall_s += pace.frame_s
        pace.next_frame_s(wall_s * 1000)
    return pace.frame_s


def test_the_frame_rate_falls_while_the_thread_always_wants_a_processor() -> None:
    assert frames(load=0.95) > 5 * FRAME_S


def test_a_thread_at_rest_draws_at_the_full_rate() -> None:
    assert frames(load=0.3) == FRAME_S


def test_the_wanted_time_has_all_the_time_that_a_thread_ran() -> None:
    before_s, ran_s = wanted_cpu_s(), time.thread_time()
    assert sum(range(3_000_000)) > 0
    ran_s = time.thread_time() - ran_s
    assert wanted_cpu_s() - before_s > ran_s / 2
