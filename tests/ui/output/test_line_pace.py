"""The model of the line: how much may be sent, for lines of several rates and round trips."""

from collections import deque

import pytest

from replyscope.ui.output.line_pace import LEAST_ROOM, PROBE, QUEUED_S, UNLIMITED, LinePace


class Line:
    """A line that carries bytes at a rate and answers probes after a round trip."""

    def __init__(self, rate: float, round_trip_s: float) -> None:
        self.pace = LinePace()
        self.now_s = 0.0
        self.waited_s = 0.0
        self._rate, self._round_trip_s = rate, round_trip_s
        self._free_s = 0.0
        self._answers: deque[float] = deque()

    def probe(self) -> None:
        """Probe the empty line."""
        self.pace.probed(self.now_s)
        self._answers.append(self.now_s + self._round_trip_s)
        self.wait(1.0)

    def send(self, count: int) -> None:
        if self.pace.sent(count, self.now_s):
            count += len(PROBE)
            self._answers.append(0.0)
        self._free_s = max(self._free_s, self.now_s) + count / self._rate
        self.waited_s = self._free_s - self.now_s
        if self._answers and not self._answers[-1]:
            self._answers[-1] = self._free_s + self._round_trip_s

    def wait(self, for_s: float) -> None:
        self.now_s += for_s
        while self._answers and self._answers[0] <= self.now_s:
            self.pace.answered(self._answers.popleft())

    def stream(self, for_s: float) -> float:
        """Send as much as there is room for; the longest wait of a byte."""
        until_s, longest_s = self.now_s + for_s, 0.0
        while self.now_s < until_s:
            room = self.pace.room(self.now_s)
            if room >= LEAST_ROOM:
                self.send(min(room, 2_000))
                longest_s = max(longest_s, self.waited_s)
            self.wait(0.004)
        return longest_s


@pytest.mark.parametrize("rate", [10_000, 30_000, 100_000])
@pytest.mark.parametrize("round_trip_s", [0.05, 0.2])
def test_a_slow_line_is_recognized_and_little_waits_on_it(rate: int, round_trip_s: float) -> None:
    line = Line(rate, round_trip_s)
    line.probe()
    line.send(20_000)
    line.wait(5.0)
    line.stream(5.0)
    assert 0.5 * QUEUED_S < line.stream(5.0) < 4 * QUEUED_S
    assert line.pace.rate == pytest.approx(rate, rel=0.5)


def test_a_line_that_becomes_faster_is_used() -> None:
    line = Line(10_000, 0.05)
    line.probe()
    line.send(20_000)
    line.wait(5.0)
    line._rate = 80_000.0
    line.stream(10.0)
    assert line.pace.rate is not None
    assert line.pace.rate > 40_000


def test_a_fast_line_is_not_limited() -> None:
    line = Line(50_000_000, 0.001)
    line.send(30_000)
    line.stream(1.0)
    assert line.pace.room(line.now_s) == UNLIMITED
    assert not line.pace.is_resting(line.now_s)


def test_a_terminal_without_answers_is_not_limited_and_not_asked_forever() -> None:
    pace = LinePace()
    asked = sum(pace.sent(1_000, now) for now in range(100))
    assert asked == 20
    assert pace.room(100.0) == UNLIMITED
    assert not pace.is_answer_certain


def test_nothing_is_sent_while_answers_fail_to_come_and_later_a_lost_one_is_forgotten() -> None:
    line = Line(50_000, 0.05)
    line.send(500)
    line.wait(0.1)
    line.pace.sent(1_000, 1.0)
    assert line.pace.is_answer_certain
    assert line.pace.room(2.0) == 0
    assert line.pace.room(9.0) > 0
    line.pace.answered(9.5)  # too late to count
    assert not line.pace.is_answer_certain


def test_the_echo_of_a_key_may_wait_on_the_line_but_not_on_one_that_is_full_or_stalled() -> None:
    pace = LinePace()
    pace.rate = 10_000.0
    pace.sent(500, 1.0)
    assert pace.room(1.0) < LEAST_ROOM
    assert pace.room_for_keys(1.0) >= LEAST_ROOM
    pace.sent(2_000, 1.0)
    assert pace.room_for_keys(1.0) == 0
    pace.round_trip_s = 0.05
    assert pace.room_for_keys(2.0) == 0
    assert pace.room_for_keys(9.0) >= LEAST_ROOM


def test_a_slow_line_is_kept_free_half_of_the_time_but_not_after_a_command_key() -> None:
    pace = LinePace()
    pace.rate = 10_000.0
    pace.sent(300, 1.0)
    pace.rest(1.0)
    assert pace.is_resting(1.05)
    assert not pace.is_resting(1.07)
    pace.hurry(1.0)
    assert not pace.is_resting(1.05)
