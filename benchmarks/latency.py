"""From Enter to the request, and from the first chunk to its text on the screen."""

import statistics
from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.fill import fill_now
from benchmarks.row import Row
from benchmarks.terminal import PYTHON, Program

_PROMPTS = 9


def _delays(bench: Bench, program: Program) -> Iterator[tuple[float, float]]:
    """Milliseconds to the request, and from its answer to the screen, prompt after prompt."""
    for number in range(_PROMPTS):
        word = f"Wq{number:03}zx"
        program.type(f"say {word}")
        program.settle(0.4)
        bench.forget_times()
        pressed = program.ask("")
        times = bench.times()
        shown = program.wait_for(word)
        program.settle(0.5)
        yield (times["came"] - pressed) * 1000, (shown - times["first"]) * 1000


def measure_latency(bench: Bench) -> list[Row]:
    """Against a program that prints what the SDK yields, in the same terminal."""
    with bench.started("latency") as program:
        ours = list(_delays(bench, program))
    argv = [PYTHON, "-m", "benchmarks.floors", "print", bench.base_url]
    with Program(argv, {}) as program:
        program.wait_for("plain-print-is-here")
        plain = list(_delays(bench, program))
    fill_now(bench.folder / "latency-long", 1_000)
    with bench.started("latency-long", "--session", "bench") as program:
        long = [delays[0] for delays in _delays(bench, program)]
    rows = []
    for place, what in enumerate(("Enter to the request's arrival", "first chunk to the screen")):
        a = statistics.median(each[place] for each in ours[1:])
        b = statistics.median(each[place] for each in plain[1:])
        rows.append(Row(what, a, "ms", None, f"a plain print {b:.0f} ms"))
    what = "Enter to the request's arrival after 1,000 messages"
    return [*rows, Row(what, statistics.median(long[1:]), "ms")]
