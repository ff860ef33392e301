"""The frame rate of a streaming reply."""

import time
from pathlib import Path

from replyscope.domain.tool import ToolSettings
from replyscope.ui.terminal.frame_pace import FRAME_S, FramePace, wanted_cpu_s
from tests.support.server import LoopbackServer
from tests.ui.app import chat_of, make_app, open_chat


def frames(load: float, count: int = 20) -> float:
    """The length of a frame in seconds after some frames under a load between 0 and 1."""
    wall_s = 0.0
    pace = FramePace(0.0, lambda: wall_s * load)
    for _ in range(count):
        wall_s += pace.frame_s
        pace.next_frame_s(wall_s * 1000)
    return pace.frame_s


def test_the_frame_rate_falls_while_the_thread_always_wants_a_processor() -> None:
    assert frames(load=0.95) > 4 * FRAME_S


def test_a_thread_at_rest_draws_at_the_full_rate() -> None:
    assert frames(load=0.3) == FRAME_S


def test_the_wanted_time_has_all_the_time_that_a_thread_ran() -> None:
    before_s, ran_s = wanted_cpu_s(), time.thread_time()
    assert sum(range(3_000_000)) > 0
    ran_s = time.thread_time() - ran_s
    assert wanted_cpu_s() - before_s > ran_s / 2


async def test_a_frame_of_a_stream_does_not_look_at_the_settings_files(
    server: LoopbackServer, tmp_path: Path
) -> None:
    asked = 0
    settings = ToolSettings(enabled=("clock",))

    def tool_settings() -> ToolSettings:
        nonlocal asked
        asked += 1
        return settings

    async with open_chat(make_app(tmp_path, server.base_url, tool_settings=tool_settings)) as pilot:
        panes = chat_of(pilot).panes
        before = asked
        for _ in range(5):
            panes.draw_status(is_live=True)
        assert panes.status(is_live=True).tools == 1
        assert asked == before
        settings = ToolSettings(enabled=("clock", "calculate"))
        panes.draw_status()
        assert panes.status(is_live=True).tools == 2
