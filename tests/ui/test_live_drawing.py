"""What of a streaming reply is drawn without waiting for the frame timer."""

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot

from replyscope.config.paths import find_paths
from replyscope.ui.transcript.transcript import Transcript
from tests.support.server import Answer, LoopbackServer, delta, sse
from tests.ui.app import chat_of, frame, make_app, open_chat, until
from tests.ui.test_chat import SIZE, is_idle, send


@dataclass
class _Standing:
    """A timer whose time never comes."""

    callback: Callable[[], None]
    is_stopped: bool = False

    def stop(self) -> None:
        self.is_stopped = True


def let_timers_stand(pilot: Pilot[None]) -> list[_Standing]:
    """From now on no frame is drawn by the timer. Returns the timers, also later ones."""
    desk = chat_of(pilot).desk
    timers: list[_Standing] = []

    def set_timer(delay: float, callback: Callable[[], None]) -> _Standing:
        timers.append(_Standing(callback))
        return timers[-1]

    desk.set_timer = set_timer
    return timers


async def test_the_first_text_does_not_wait_for_the_timer(
    server: LoopbackServer, tmp_path: Path
) -> None:
    hold = threading.Event()
    server.answer = lambda _request: Answer(chunks=[*sse(delta("Quick"), done=False), hold])
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        let_timers_stand(pilot)
        await send(pilot, "hello")
        await until(pilot, lambda: "Quick" in frame(pilot))
        hold.set()
        await until(pilot, lambda: is_idle(pilot))


async def test_two_frames_that_are_due_together_leave_one_timer(
    server: LoopbackServer, tmp_path: Path
) -> None:
    hold = threading.Event()
    server.answer = lambda _request: Answer(chunks=[*sse(delta("Quick"), done=False), hold])
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        timers = let_timers_stand(pilot)
        await send(pilot, "hello")
        await until(pilot, lambda: "Quick" in frame(pilot))
        draw = next(one.callback for one in timers if one.callback.__name__ == "_draw_frame")
        draw()
        draw()
        assert sum(one.callback == draw and not one.is_stopped for one in timers) == 1
        hold.set()
        await until(pilot, lambda: is_idle(pilot))


async def test_the_last_text_is_drawn_before_the_reply_is_saved(
    server: LoopbackServer, tmp_path: Path
) -> None:
    hold = threading.Event()
    server.answer = lambda _request: Answer(
        chunks=[*sse(delta("First,"), done=False), hold, *sse(delta(" last."))]
    )
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        await send(pilot, "hello")
        await until(pilot, lambda: "First," in frame(pilot))
        let_timers_stand(pilot)
        other = sqlite3.connect(find_paths(str(tmp_path)).database)
        other.execute("BEGIN IMMEDIATE")  # the ending can't be committed
        hold.set()
        await until(pilot, lambda: "First, last." in frame(pilot))
        assert chat_of(pilot).desk.turns.any_running
        other.close()
        await until(pilot, lambda: is_idle(pilot))


def draw_frame(timers: list[_Standing]) -> None:
    """End the timer of the next frame."""
    frames = [timer.callback for timer in timers if timer.callback.__name__ == "_draw_frame"]
    frames[-1]()


async def test_a_frame_draws_what_came_before_and_loads_no_more_meanwhile(
    server: LoopbackServer, tmp_path: Path
) -> None:
    more, hold = threading.Event(), threading.Event()
    long = sse(delta("Some *words* here.\n\n" * 20_000), done=False)
    server.answer = lambda _request: Answer(
        chunks=[*long, more, *sse(delta("more"), done=False), hold]
    )
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        timers = let_timers_stand(pilot)
        transcript = pilot.app.screen.query_one(Transcript)
        transcript._catching_up._set_timer = lambda _delay, callback: _Standing(callback)
        await send(pilot, "hello")
        await until(pilot, lambda: "words" in frame(pilot))
        entry = transcript._layout_of.entries[-1]
        live = chat_of(pilot).desk.conversation.live
        assert live is not None
        version, frames = live.version, 0
        more.set()
        await until(pilot, lambda: live.version > version)
        while entry.is_behind:
            content, parsed = entry.content, entry.parsed
            draw_frame(timers)
            assert entry.content is content
            assert entry.parsed > parsed
            frames += 1
        assert frames > 1
        draw_frame(timers)
        assert entry.content.text.endswith("more")
        hold.set()
        await until(pilot, lambda: is_idle(pilot))


async def test_steady_text_is_drawn_by_the_timer(server: LoopbackServer, tmp_path: Path) -> None:
    holds = [threading.Event() for _ in range(3)]
    chunks: list[bytes | threading.Event] = []
    for number, hold in enumerate(holds):
        chunks += [*sse(delta(f"piece{number} "), done=False), hold]
    server.answer = lambda _request: Answer(chunks=[*chunks, *sse(delta("end"))])
    async with open_chat(make_app(tmp_path, server.base_url), size=SIZE) as pilot:
        let_timers_stand(pilot)
        await send(pilot, "hello")
        await until(pilot, lambda: "piece0" in frame(pilot))
        live = chat_of(pilot).desk.conversation.live
        assert live is not None
        for number in (0, 1):
            holds[number].set()
            wanted = f"piece{number + 1}"
            await until(pilot, lambda: wanted in (live.exchange().choices[0].text or ""))  # noqa: B023
        assert "piece1" not in frame(pilot)
        holds[2].set()
        await until(pilot, lambda: "end" in frame(pilot))
        await until(pilot, lambda: is_idle(pilot))
