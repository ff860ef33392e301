"""Cold start, and what an app costs that nobody uses."""

import statistics

from benchmarks.bench import READY, Bench
from benchmarks.row import Row
from benchmarks.terminal import PYTHON, Program

_MARK = "QXZ"


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
    argv = [PYTHON, "-m", "benchmarks.floors", "app"]
    for _ in range(bench.runs + 1):
        ours.append(_start(bench.start("start"), READY))
        bare.append(_start(Program(argv, {}), "bare-app-is-here"))
    rows = []
    for place, what, target in ((0, "first paint", None), (1, "usable prompt", 1.3)):
        # The first run of each finds cold files.
        a = statistics.median(each[place] for each in ours[1:])
        b = statistics.median(each[place] for each in bare[1:])
        detail = f"{a:.2f} s; a bare Textual app {b:.2f} s"
        rows.append(Row(f"{what} / a bare Textual app's", a / b, "x", target, detail))
    return rows


def measure_idle(bench: Bench) -> list[Row]:
    """What it takes to wait."""
    with bench.started("idle") as program:
        program.settle(2.0)
        load, size = program.load(30.0), program.resident_mb()
    return [
        Row("idle, CPU of a core", load, "%", 1.0),
        Row("idle, memory", size, "MB"),
    ]
