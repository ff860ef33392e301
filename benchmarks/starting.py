"""Cold start, and what an app costs that nobody uses."""

import statistics
from pathlib import Path

from benchmarks.bench import READY, Bench
from benchmarks.row import Row
from benchmarks.terminal import PYTHON, Program

_MARK = "QXZ"
_BARE = [PYTHON, "-m", "benchmarks.floors", "app"]
_QUIET_S = 4.0
"""Seconds after which a started app has loaded everything."""
_RESTS_S = 12.0
"""Seconds after which the cursor of an app that nobody uses rests."""


def _start(program: Program, text: str) -> tuple[float, float]:
    """Seconds from the start of the process to its first paint and to an echo of a key."""
    with program:
        painted = program.wait_for(text) - program.started_s
        program.type(_MARK)
        usable = program.wait_for(_MARK) - program.started_s
    return painted, usable


def measure_start(bench: Bench) -> list[Row]:
    """First paint and usable prompt, in turn with a bare Textual app."""
    ours: list[tuple[float, float]] = []
    bare: list[tuple[float, float]] = []
    for _ in range(bench.runs + 1):
        ours.append(_start(bench.start("start"), READY))
        bare.append(_start(Program(_BARE, {}), "bare-app-is-here"))
    rows = []
    for place, what, target in ((0, "first paint", None), (1, "usable prompt", 1.15)):
        # The first run of each finds cold files.
        a = statistics.median(each[place] for each in ours[1:])
        b = statistics.median(each[place] for each in bare[1:])
        detail = f"{a:.2f} s; a bare Textual app {b:.2f} s"
        rows.append(Row(f"{what} / a bare Textual app's", a / b, "x", target, detail))
    return rows


def measure_start_cpu(bench: Bench) -> list[Row]:
    """The CPU time of a start until nothing moves, in turn with a bare Textual app."""
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(bench.runs + 1):
        for spent, program in ((ours, bench.start("start-cpu")), (bare, Program(_BARE, {}))):
            with program:
                program.settle(_QUIET_S)
                spent.append(program.cpu_s())
    a, b = statistics.median(ours[1:]), statistics.median(bare[1:])
    what = "CPU of a start until quiet / a bare Textual app's"
    return [Row(what, a / b, "x", 2.4, f"{a:.2f} s; a bare Textual app {b:.2f} s")]


def measure_idle(bench: Bench) -> list[Row]:
    """What it takes to wait, after the cursor has come to rest."""
    with bench.started("idle") as program:
        program.settle(_RESTS_S)
        woken = _wake_ups(program)
        load, size = program.load(30.0), program.resident_mb()
        woken = _wake_ups(program) - woken
    return [
        Row("idle, CPU of a core", load, "%", 0.5),
        Row("idle, wake-ups a second", woken / 30.0, "", 1.0),
        Row("idle, memory", size, "MB"),
    ]


def _wake_ups(program: Program) -> int:
    """How often a thread of the program has waited so far."""
    tasks = Path(f"/proc/{program.pid}/task").glob("*/status")
    lines = [line for task in tasks for line in task.read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt"))
