"""Streams at full speed and at the pace of real servers: CPU, lag, memory, bytes."""

import sqlite3
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.row import Row
from benchmarks.server import LAST
from benchmarks.terminal import PYTHON, Program
from replyscope.store.frame_codec import decode_frames

_WATCHED_S = 10.0
_ENDED = "● stop"
_OF_THE_LOOP = 1.2
"""How many times as long as the SDK's bare loop a long reply may take."""
MARKS = "QXZJKVWY"
"""Keys that are not in the text."""


@dataclass(frozen=True, slots=True)
class _Run:
    cpu_s: float
    wall_s: float
    floor_cpu_s: float
    floor_wall_s: float
    lag_s: float
    peak_mb: float
    after_mb: float

    @property
    def ratio(self) -> float:
        return self.cpu_s / self.floor_cpu_s


def _at_full_speed(bench: Bench, count: int, number: int) -> _Run:
    prompt = f"{count} chunks at 0"
    floor_cpu, floor_wall = bench.floor("loop", prompt)
    name = f"stream-{count}-{number}"
    with bench.started(name) as program:
        # What is loaded at first use is not counted, as in the floor.
        program.ask("say Warmed")
        program.wait_for(_ENDED)
        program.settle(1.0)
        idle_mb = program.resident_mb()
        program.forget_peak()
        cpu = program.cpu_s()
        began = program.ask(prompt)
        shown = program.wait_for(LAST, forgets=False)
        program.wait_for(_ENDED)
        cpu = program.cpu_s() - cpu
        peak_mb = program.peak_mb() - idle_mb
        program.settle(1.0)  # the last frames are committed a quarter second later
        after_mb = program.resident_mb()
    lag = shown - began - _last_frame_s(bench.folder / name)
    return _Run(cpu, shown - began, floor_cpu, floor_wall, lag, peak_mb, after_mb)


def _last_frame_s(folder: Path) -> float:
    """When the last text left the socket, in seconds since the request, as recorded."""
    connection = sqlite3.connect(folder / "sessions.db")
    rows = connection.execute("SELECT frames FROM segment").fetchall()
    connection.close()
    frames = [frame for (data,) in rows for frame in decode_frames(data)]
    return next(frame.at_ms for frame in frames if LAST in frame.text) / 1000


def measure_full_speed(bench: Bench) -> list[Row]:
    """2,000, 10,000 and 40,000 chunks as fast as they can be read."""
    rows = []
    costs: dict[int, float] = {}
    for count in (2_000, 10_000, 40_000):
        runs = [_at_full_speed(bench, count, number) for number in range(bench.runs)]
        cpu = statistics.median(run.cpu_s for run in runs)
        floor = statistics.median(run.floor_cpu_s for run in runs)
        costs[count] = cpu / count * 1e6
        is_long = count == 40_000
        ratio = statistics.median(run.ratio for run in runs)
        what = f"{count:,} chunks at full speed"
        compared = f"{cpu:.2f} s; the SDK's bare loop {floor:.2f} s"
        target = _OF_THE_LOOP if is_long else None
        rows.append(Row(f"{what}, CPU / bare loop", ratio, "x", target, compared))
        wall = statistics.median(run.wall_s for run in runs)
        floor_wall = statistics.median(run.floor_wall_s for run in runs)
        slower = statistics.median(run.wall_s / run.floor_wall_s for run in runs)
        detail = f"{wall:.2f} s; the SDK's bare loop {floor_wall:.2f} s"
        rows.append(Row(f"{what}, until the last text / bare loop", slower, "x", target, detail))
        if is_long:
            rows += _of_long(what, runs)
    more = (costs[40_000] / costs[2_000] - 1) * 100
    detail = f"{costs[2_000]:.0f} µs and {costs[40_000]:.0f} µs"
    rows.append(Row("a chunk of 40,000, CPU over one of 2,000", more, "%", 20, detail))
    return rows


def _of_long(what: str, runs: list[_Run]) -> list[Row]:
    """How late the last text is, and the memory that a long reply needs."""
    lag = statistics.median(run.lag_s for run in runs) * 1000
    peak = statistics.median(run.peak_mb for run in runs)
    after = statistics.median(run.after_mb for run in runs)
    return [
        Row(f"{what}, last text after the last byte", lag, "ms", 150),
        Row(f"{what}, peak memory over idle", peak, "MB", 40),
        Row(f"{what}, memory afterwards", after, "MB", 100),
    ]


def watched(program: Program) -> tuple[float, float]:
    """CPU of a core in per cent, and kB a second to the terminal, over a while."""
    written = program.written
    load = program.load(_WATCHED_S)
    return load, (program.written - written) / _WATCHED_S / 1000


def measure_paced(bench: Bench) -> list[Row]:
    """100 and 400 chunks a second, against a pane of plain lines."""
    rows = []
    for rate in (100, 400):
        prompt = f"{rate * 60} chunks at {rate}"
        ratios, details = [], []
        for number in range(bench.runs):
            argv = [PYTHON, "-m", "benchmarks.floors", "pane", bench.base_url, prompt]
            with Program(argv, {}) as pane:
                pane.wait_for("lazy")
                pane.settle(2.0)
                plain, plain_kb = watched(pane)
            with bench.started(f"paced-{rate}-{number}") as program:
                program.ask(prompt)
                program.wait_for("lazy")
                program.settle(2.0)
                load, kb = watched(program)
            ratios.append(load / plain)
            details.append((load, kb, plain, plain_kb))
        load, kb, plain, plain_kb = (statistics.median(c) for c in zip(*details, strict=True))
        what = f"{rate} chunks/s"
        is_fast = rate == 400
        rows += [
            Row(
                f"{what}, CPU / a pane of plain lines",
                statistics.median(ratios),
                "x",
                1.3 if is_fast else None,
                f"the pane {plain:.0f}%",
            ),
            Row(f"{what}, CPU of a core", load, "%", 35 if is_fast else None),
            Row(
                f"{what}, to the terminal",
                kb,
                "kB/s",
                60 if is_fast else None,
                f"the pane {plain_kb:.0f} kB/s",
            ),
        ]
    return rows


def measure_echo(bench: Bench) -> list[Row]:
    """Key to screen while 400 chunks come per second."""
    with bench.started("echo") as program:
        program.ask("12000 chunks at 400")
        program.wait_for("lazy")
        delays = echo_delays(program, 240)
    detail = f"worst {delays[-1] * 1000:.0f} ms"
    return [
        Row("key echo at 400 chunks/s, median", at(delays, 0.5), "ms", 5),
        Row("key echo at 400 chunks/s, 99th percentile", at(delays, 0.99), "ms", 25, detail),
    ]


def echo_delays(program: Program, keys: int) -> list[float]:
    """Seconds from a key to its echo, in order of size."""
    delays = []
    for number in range(keys):
        mark = MARKS[number % len(MARKS)]
        program.forget()
        began = time.monotonic()
        program.type(mark)
        try:
            delays.append(program.wait_for(mark, 1.0) - began)
        except TimeoutError:
            delays.append(1.0)
        program.settle(0.05)
    return sorted(delays)


def at(delays: list[float], share: float) -> float:
    """A percentile of sorted seconds, in milliseconds."""
    return delays[min(len(delays) - 1, int(len(delays) * share))] * 1000
