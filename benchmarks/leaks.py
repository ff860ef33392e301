"""Two hours of use in a few minutes: does memory grow with what was done?"""

from benchmarks.bench import Bench
from benchmarks.row import Row
from benchmarks.terminal import Program

_IN_A_SESSION = 20
_ORDERS = ("30 chunks", "1 pictures", "30 chunks", "1 diagrams", "3 formulas")
"""What the prompts ask for, in turn."""


def use(bench: Bench, program: Program, exchanges: int) -> None:
    """Ask and read, and begin a new session now and then."""
    bench.forget_times()
    for number in range(exchanges):
        program.type(f"{_ORDERS[number % len(_ORDERS)]} at 0\r")
        # What is written says little: a line that moves is written again.
        while not bench.is_told:
            program.read(0.02)
        bench.times()
        program.settle(0.1)
        if number % _IN_A_SESSION == _IN_A_SESSION - 1:
            program.type("\x0e")
            program.settle(0.2)


def measure_leaks(bench: Bench, exchanges: int = 2_000) -> list[Row]:
    """Memory after the first half of the exchanges, and after all of them."""
    with bench.started("leaks") as program:
        use(bench, program, exchanges // 2)
        program.settle(3.0)
        half = program.resident_mb()
        use(bench, program, exchanges // 2)
        program.settle(3.0)
        grown = program.resident_mb() - half
    what = f"memory over the last {exchanges // 2:,} of {exchanges:,} exchanges"
    return [Row(what, grown, "MB", 2, f"{half:.0f} MB after the first half")]
