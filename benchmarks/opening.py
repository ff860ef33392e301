"""Opening sessions, going from one to another, and resizing while a reply streams."""

import statistics
import time

from benchmarks.bench import Bench
from benchmarks.fill import fill_now
from benchmarks.row import Row

_SIZES = (200, 1_000, 10_000)


def measure_opening(bench: Bench) -> list[Row]:
    """From the command to the newest message, in turn with a session of two messages."""
    fill_now(bench.folder / "open-2", 2)
    took: dict[int, list[float]] = {2: []}
    sizes: dict[int, list[float]] = {2: []}
    for count in _SIZES:
        fill_now(bench.folder / f"open-{count}", count)
        took[count], sizes[count] = [], []
    for _ in range(bench.runs):
        for count in (2, *_SIZES):
            with bench.start(f"open-{count}", "--session", "bench") as program:
                shown = program.wait_for(f"Point {count // 2 - 1}")
                took[count].append(shown - program.started_s)
                program.settle(1.5)
                sizes[count].append(program.resident_mb())
    empty, empty_mb = statistics.median(took[2]), statistics.median(sizes[2])
    rows = []
    for count in _SIZES:
        after = statistics.median(took[count])
        more = statistics.median(sizes[count]) - empty_mb
        what = f"{count:,} messages"
        is_long = count == 10_000
        detail = f"{after:.2f} s; one of 2 messages {empty:.2f} s"
        rows.append(
            Row(f"{what} open after an empty session", after - empty, "s", 0.3, detail)
            if is_long
            else Row(f"{what} open after an empty session", after - empty, "s", None, detail)
        )
        if count == 1_000:
            rows.append(Row(f"{what} visible, start included", after, "s", 0.6))
        rows.append(Row(f"{what}, memory over an empty session", more, "MB"))
    return rows


def measure_switching(bench: Bench) -> list[Row]:
    """From a session of 1,000 messages to another and back, by the keys of the list."""
    folder = bench.folder / "switch"
    fill_now(folder, 1_000, name="first", word="Alpha")
    fill_now(folder, 1_000, name="other", word="Omega")
    delays: list[float] = []
    with bench.start("switch", "--session", "first") as program:
        program.wait_for("Alpha 499")
        program.settle(2.0)
        for number in range(2 * bench.runs + 2):
            program.type("\x0f")  # to the list
            program.settle(0.4)
            program.type("j" if number % 2 == 0 else "k")
            program.settle(0.4)
            began = program.ask("")
            word = "Omega" if number % 2 == 0 else "Alpha"
            delays.append((program.wait_for(f"{word} 499", 20) - began) * 1000)
            program.settle(0.5)
    return [Row("going to a session of 1,000 messages", statistics.median(delays), "ms")]


def measure_context(bench: Bench) -> list[Row]:
    """From the key to the view of the next request, in a session of 1,000 messages."""
    fill_now(bench.folder / "context", 1_000)
    delays: list[float] = []
    for _ in range(bench.runs):
        with bench.start("context", "--session", "bench") as program:
            program.wait_for("Point 499")
            program.settle(2.0)
            program.type("\x1b")
            program.settle(1.0)
            began = time.monotonic()
            program.type("C")
            delays.append((program.wait_for("question 0", 20) - began) * 1000)
    return [Row("the context view of 1,000 messages", statistics.median(delays), "ms", 150)]


def measure_resizing(bench: Bench) -> list[Row]:
    """From a new size of the window to a whole frame of it, at 400 chunks a second."""
    delays: list[float] = []
    with bench.started("resize") as program:
        program.ask("12000 chunks at 400")
        program.wait_for("lazy")
        for columns, rows in ((100, 30), (200, 60), (80, 24), (120, 40)) * bench.runs:
            program.settle(0.5)
            began = program.ask("")
            program.resize(columns, rows)
            # The status line is written only when the whole screen is.
            delays.append((program.wait_for("bench", 10) - began) * 1000)
    return [Row("a resize during a stream", statistics.median(delays), "ms")]
