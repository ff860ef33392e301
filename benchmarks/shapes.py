"""Replies of awkward shapes, and several at once."""

from benchmarks.bench import Bench
from benchmarks.row import Row
from benchmarks.server import LAST
from benchmarks.streaming import at, echo_delays

_EIGHT = "[providers.openai.parameters]\nn = 8\n"
_SHAPES = (
    ("one fence of 5,000 lines", "5000 lines of code at 0"),
    ("one table of 500 rows", "500 rows at 0"),
    ("300 formulas", "300 formulas at 0"),
    ("50 diagrams", "50 diagrams at 0"),
    ("8 pictures", "8 pictures at 0"),
    ("one line of 200 kB", "200 kB line at 0"),
)
_LONG_LINES = (
    *(("line", size) for size in (4_096, 65_536, 20_000_000)),
    *((shape, 4_096) for shape in ("fence", "item", "cell", "reasoning", "arguments")),
)


def measure_shapes(bench: Bench) -> list[Row]:
    """What must not cost more than plain paragraphs of as many chunks."""
    rows = []
    for what, prompt in _SHAPES:
        floor_cpu, _ = bench.floor("loop", prompt)
        with bench.started("shapes") as program:
            cpu = program.cpu_s()
            began = program.ask(prompt)
            wall = program.wait_for(LAST, forgets=False) - began
            program.wait_for("● stop")
            cpu = program.cpu_s() - cpu
        detail = f"{cpu:.1f} s, seen after {wall:.1f} s; bare loop {floor_cpu:.1f} s"
        rows.append(Row(f"{what}, CPU / the SDK's bare loop", cpu / floor_cpu, "x", None, detail))
    return [*rows, *_measure_choices(bench)]


def _measure_choices(bench: Bench) -> list[Row]:
    prompt = "8 choices at 0"
    floor_cpu, _ = bench.floor("loop", prompt)
    with bench.started("choices", settings=_EIGHT) as program:
        cpu = program.cpu_s()
        began = program.ask(prompt)
        wall = program.wait_for(LAST, forgets=False) - began
        program.wait_for("● stop")
        cpu = program.cpu_s() - cpu
    detail = f"{cpu:.1f} s, seen after {wall:.1f} s; bare loop {floor_cpu:.1f} s"
    return [Row("8 choices, CPU / the SDK's bare loop", cpu / floor_cpu, "x", None, detail)]


def measure_long_lines(bench: Bench) -> list[Row]:
    """Keys while a line of 20 MB comes as fast as it can, in pieces of several sizes."""
    rows = []
    for shape, size in _LONG_LINES:
        with bench.started("long") as program:
            program.ask(f"20000 kB as {shape} by {size}")
            delays = echo_delays(program, 24)
        what = f"20 MB as one {shape} in pieces of {size:,}, key echo"
        detail = f"median {at(delays, 0.5):.0f} ms"
        rows.append(Row(f"{what}, 99th percentile", at(delays, 0.99), "ms", 100, detail))
    return rows


def measure_four(bench: Bench) -> list[Row]:
    """Sessions that stream 100 chunks a second each, one of them on the screen."""
    with bench.started("four") as program:
        for number in range(4):
            if number:
                program.type("\x0e")
                program.settle(1.0)
            program.ask("9000 chunks at 100")
            program.wait_for("lazy")
        load = program.load(8.0)
        delays = echo_delays(program, 60)
    return [
        Row("four sessions at 100 chunks/s each, CPU of a core", load, "%"),
        Row("four sessions streaming, key echo, 99th percentile", at(delays, 0.99), "ms", 50),
    ]
