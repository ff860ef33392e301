"""Two hours of use in a few minutes: does memory grow with what was done?"""

from benchmarks.bench import Bench
from benchmarks.row import Row
from benchmarks.server import LAST
from benchmarks.terminal import Program

_IN_A_SESSION = 20


def _use(program: Program, exchanges: int) -> None:
    """Ask and read, and begin a new session now and then."""
    for number in range(exchanges):
        program.type("30 chunks at 0\r")
        program.wait_for(LAST)
        program.wait_for("● stop")
        if number % _IN_A_SESSION == _IN_A_SESSION - 1:
            program.type("\x0e")
            program.settle(0.2)


def measure_leaks(bench: Bench, exchanges: int = 2_000) -> list[Row]:
    """Memory after the first half of the exchanges, and after all of them."""
    with bench.started("leaks") as program:
        _use(program, exchanges // 2)
        program.settle(3.0)
        half = program.resident_mb()
        _use(program, exchanges // 2)
        program.settle(3.0)
        grown = program.resident_mb() - half
    what = f"memory over the last {exchanges // 2:,} of {exchanges:,} exchanges"
    return [Row(what, grown, "MB", 2, f"{half:.0f} MB after the first half")]
