"""When a reply was doing what: the timeline, its frames, and the reply played again."""

import math
import re
import threading
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from replyscope.domain.event import Event, StreamEnded, TextDelta, WireFrame
from replyscope.domain.finish import StreamEnd
from replyscope.domain.fold import fold_events
from replyscope.ui.keys.footer import KeyFooter
from replyscope.ui.reading.inspector import Inspector
from replyscope.ui.reading.playback import Playback
from replyscope.ui.reading.replay_bar import ReplayBar
from replyscope.ui.reading.replay_screen import ReplayScreen
from replyscope.ui.reading.timeline_view import TimelineView
from replyscope.ui.reading.wire_view import WireView
from replyscope.ui.transcript.transcript import Transcript
from tests.support.build import make_exchange
from tests.support.server import Answer, LoopbackServer, delta, error, reply, sse, usage
from tests.ui.app import SystemClock, chat_of, click, frame, make_app, open_chat, until
from tests.ui.test_chat import is_idle, send

SIZE = (160, 44)
COUNT = 40


def counting(_request: dict[str, Any]) -> Answer:
    """Words that come one after another, with nothing for a moment in the middle."""
    pause = threading.Event()
    pieces: list[Any] = []
    for number in range(COUNT):
        pieces += sse(delta(f"w{number} "), done=False)
        if number == COUNT // 2:
            threading.Timer(1.5, pause.set).start()
            pieces.append(pause)
    return Answer(chunks=[*pieces, *sse(delta(finish="stop"), usage(5, COUNT))])


async def ask_and_read(pilot: Pilot[None], text: str, wanted: str) -> None:
    await send(pilot, text)
    await until(pilot, lambda: wanted in frame(pilot) and is_idle(pilot))
    await pilot.press("escape")


async def open_replay(pilot: Pilot[None]) -> ReplayScreen:
    await pilot.press("P")
    await until(pilot, lambda: isinstance(pilot.app.screen, ReplayScreen))
    screen = pilot.app.screen
    assert isinstance(screen, ReplayScreen)
    await until(pilot, lambda: "of 43" in frame(pilot), "the frames")
    return screen


def shown(pilot: Pilot[None]) -> int:
    """How many of the words are to be seen."""
    text = frame(pilot)
    return sum(f" w{number} " in text.replace("\n", " \n ") for number in range(COUNT))


def frame_number(pilot: Pilot[None]) -> float:
    """The frame that a replay shows; a number that equals none while the screen is drawn."""
    found = re.search(r"\b(\d+) of 43\b", frame(pilot))
    return math.nan if found is None else int(found[1])


async def test_a_moment_is_picked_and_its_frames_are_beside_it(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = counting
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await ask_and_read(pilot, "count", "w39")
        await pilot.press("L")
        await until(pilot, lambda: "[← →] moment" in frame(pilot))
        await until(pilot, lambda: "tok/s" in frame(pilot) and "waiting" in frame(pilot))
        view = pilot.app.screen.query_one(TimelineView)
        await pilot.press("home", "full_stop", "full_stop", "full_stop")
        await until(pilot, lambda: '"w2 "' in frame(pilot))
        third = view.moment_ms
        await pilot.press("end")
        await until(pilot, lambda: "[DONE]" in frame(pilot))
        await pilot.press("comma", "comma")
        assert third < view.moment_ms
        await click(pilot, TimelineView, offset=(0, 2))
        await until(pilot, lambda: view.moment_ms == 0.0)
        await click(pilot, TimelineView, offset=(30, 2), times=2)
        await until(pilot, lambda: pilot.app.screen.query_one(Inspector).tab == "wire")
        wire = pilot.app.screen.query_one(WireView)
        await until(pilot, lambda: wire.has_focus)
        assert view.moment_ms > 0


async def test_the_timeline_opens_by_command_on_a_narrow_screen(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = counting
    async with open_chat(make_app(tmp_path, server.base_url), size=(80, 24)) as pilot:
        await ask_and_read(pilot, "count", "w39")
        await pilot.press("escape")
        await send(pilot, "/timeline")
        await until(pilot, lambda: "waiting" in frame(pilot) and "tok/s" in frame(pilot))


class HandClock(SystemClock):
    """A replay goes on only when a test says so."""

    ms = 0.0

    def monotonic_ms(self) -> float:
        return self.ms


async def test_a_reply_is_played_again_with_pause_steps_and_seeking(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = counting
    clock = HandClock()
    app = make_app(tmp_path, server.base_url, clock=clock)
    async with open_chat(app, size=SIZE) as pilot:
        await ask_and_read(pilot, "count", "w39")
        await open_replay(pilot)
        assert frame_number(pilot) == 0
        await pilot.press("full_stop", "full_stop", "full_stop")
        await until(pilot, lambda: "paused · frame 3 of 43" in frame(pilot))
        assert shown(pilot) == 3
        await pilot.press("comma")
        await until(pilot, lambda: "paused · frame 2 of 43" in frame(pilot))
        clock.ms += 600_000  # nothing goes on while it is paused
        await pilot.press("space")
        await until(pilot, lambda: "1× · frame 2 of 43" in frame(pilot))
        await pilot.press(*["right"] * 20)
        await until(pilot, lambda: "· the end ·" in frame(pilot) and shown(pilot) == COUNT)
        await pilot.press(*["left"] * 20)
        await until(pilot, lambda: "· the end ·" not in frame(pilot) and frame_number(pilot) < 3)
        await pilot.press("4")
        await until(pilot, lambda: "4×" in frame(pilot))
        clock.ms += 100
        await until(pilot, lambda: "400 ms of" in frame(pilot) or "4×" not in frame(pilot))
        clock.ms += 600_000
        await until(pilot, lambda: "· the end ·" in frame(pilot) and shown(pilot) == COUNT)
        await pilot.press("space")  # at the end: again
        await until(pilot, lambda: "4× · frame" in frame(pilot) and frame_number(pilot) < 3)
        await pilot.press("0")
        await until(pilot, lambda: "· the end ·" in frame(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))
        assert len(server.requests) == 1


async def test_a_replay_is_driven_by_the_mouse_and_shows_its_wire_and_time(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = counting
    async with open_chat(
        make_app(tmp_path, server.base_url, clock=HandClock()), size=SIZE
    ) as pilot:
        await ask_and_read(pilot, "count", "w39")
        screen = await open_replay(pilot)
        await click(pilot, KeyFooter, offset=(4, 0))  # "[Space] pause"
        await until(pilot, lambda: "paused" in frame(pilot))
        bar = screen.query_one(ReplayBar)
        await click(pilot, ReplayBar, offset=(bar.size.width // 2, 0))
        await until(pilot, lambda: 0 < frame_number(pilot) < 43)
        await click(pilot, ReplayBar, offset=(bar.size.width + 1, 0))
        await until(pilot, lambda: "· the end ·" in frame(pilot))
        await pilot.press("L")
        await until(pilot, lambda: "waiting" in frame(pilot))
        await click(pilot, TimelineView, offset=(1, 2))
        await until(pilot, lambda: frame_number(pilot) < 43)
        await pilot.press("f7")
        # How far the wire is scrolled depends on when the frames came.
        await until(pilot, lambda: 'content "w' in frame(pilot))
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "[Esc] close" in frame(pilot))
        assert all(len(line) <= 80 for line in frame(pilot).splitlines())
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))


async def test_a_continued_reply_begins_with_what_was_there(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: reply("First half", finish="length")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await ask_and_read(pilot, "go", "First half")
        server.answer = lambda _request: reply(" and second half")
        await pilot.press("c", "c")
        await until(pilot, lambda: "and second half" in frame(pilot) and is_idle(pilot))
        await pilot.press("P")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReplayScreen))
        await pilot.press("home", "space")
        await until(pilot, lambda: "First half" in frame(pilot))
        await pilot.press("0")
        await until(pilot, lambda: "First half and second half" in frame(pilot))


async def test_a_reply_without_frames_says_why_it_can_t_be_played(
    server: LoopbackServer, tmp_path: Path
) -> None:
    app = make_app(tmp_path, "http://127.0.0.1:9/v1")
    async with open_chat(app, size=SIZE, notifications=True) as pilot:
        await ask_and_read(pilot, "anyone?", "Could not connect")
        await pilot.press("P")
        await until(pilot, lambda: "the server did not respond" in frame(pilot))
        assert pilot.app.screen is chat_of(pilot)


async def test_an_answer_that_was_an_error_is_played(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answer = lambda _request: error(404, "There is no such model.")
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await ask_and_read(pilot, "hello", "no such model")
        await pilot.press("P")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReplayScreen))
        await until(pilot, lambda: "· the end ·" in frame(pilot))
        await until(pilot, lambda: "no such model" in frame(pilot))
        assert pilot.app.screen.query_one(Transcript).has_focus


TIMES = st.lists(st.integers(0, 400), min_size=1, max_size=60).map(sorted)
MOVES = st.lists(st.integers(-50, 500), min_size=1, max_size=12)


@given(TIMES, MOVES)
def test_wherever_one_goes_the_reply_is_what_had_come_by_then(
    times: list[int], moves: list[int]
) -> None:
    events: list[Event] = []
    for number, at in enumerate(times):
        events += [WireFrame(float(at), "data: {}\n\n"), TextDelta(0, f"{number} ")]
    ended = StreamEnded(StreamEnd.DONE, float(times[-1]))
    playback = Playback(make_exchange(), len(times), float(times[-1]))
    for event in (*events, ended):
        playback.add(event)
    for at in moves:
        playback.go_to(float(at))
        moment = max(0, min(at, times[-1]))
        come = sum(time <= moment for time in times)
        assert playback.frame == come
        past = fold_events(make_exchange(), events[: 2 * come]).choice(0).text
        assert playback.exchange().choice(0).text == past
    playback.go_to(1e9)
    assert playback.is_over
    assert playback.exchange().state.is_terminal


def test_what_is_not_read_yet_is_waited_for() -> None:
    playback = Playback(make_exchange(), 3, 30.0)
    for at in (0.0, 10.0, 20.0):
        playback.add(WireFrame(at, "data: {}\n\n"))
    playback.go_to(25.0)
    assert (playback.is_over, playback.is_waiting) == (False, True)
    assert (playback.at_ms, playback.frame) == (10.0, 2)  # the last may still grow
    playback.add(StreamEnded(StreamEnd.DONE, 30.0))
    playback.go_to(30.0)
    assert (playback.is_over, playback.is_waiting, playback.frame) == (True, False, 3)


def test_going_back_in_a_long_reply_starts_from_a_kept_fold() -> None:
    playback = Playback(make_exchange(), 12_000, 12_000.0)
    for number in range(12_000):
        playback.add(WireFrame(float(number), "data: {}\n\n"))
        playback.add(TextDelta(0, "x"))
    playback.add(StreamEnded(StreamEnd.DONE, 12_000.0))
    playback.go_to(11_999.5)
    for at in (11_000.0, 5_000.0, 4_999.0, 0.0, 7_500.0):
        playback.go_to(at)
        assert len(playback.exchange().choice(0).text) == int(at) + 1
    assert (playback.step(1), playback.at_ms) == (True, 7_501.0)
    assert (playback.step(-1), playback.step(-1), playback.at_ms) == (True, True, 7_499.0)


def test_frames_that_came_at_once_are_stepped_through_one_by_one() -> None:
    playback = Playback(make_exchange(), 3, 0.0)
    for number in range(3):
        playback.add(WireFrame(0.0, "data: {}\n\n"))
        playback.add(TextDelta(0, f"{number} "))
    playback.add(StreamEnded(StreamEnd.DONE, 0.0))
    playback.go_to(0.0)
    assert playback.is_over
    said = []
    while playback.step(-1):
        said.append(playback.exchange().choices[0].text if playback.frame else "")
    assert said == ["0 1 2 ", "0 1 ", "0 ", ""]
    assert (playback.step(1), playback.frame) == (True, 1)
