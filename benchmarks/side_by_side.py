"""replyscope beside codex: the same replies, in turn, from the same server at the same terminal."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.peers import CODEX, asked
from benchmarks.row import Row, written
from benchmarks.server import LAST
from benchmarks.streaming import at, echo_delays, watched
from benchmarks.terminal import Program

_FULL = "40000 chunks at 0"
_PACED = "24000 chunks at 400"
_KEYS = 100


@dataclass(frozen=True, slots=True)
class _Side:
    """What one program took."""

    wall_s: float
    cpu_s: float
    memory_mb: float
    load: float
    kb_s: float
    echoes_s: list[float]


def measure_side_by_side(bench: Bench) -> list[Row]:
    """Long replies at full speed, and at 400 chunks a second. Nothing where codex is missing."""
    path = CODEX.path()
    if path is None:
        return []
    ours, theirs = [], []
    for number in range(bench.runs):
        ours.append(_ours(bench, number))
        theirs.append(_theirs(bench, path))
    return _rows(ours, theirs)


def _ours(bench: Bench, number: int) -> _Side:
    with bench.started(f"beside-full-{number}") as program:
        began = program.ask(_FULL)
        wall = program.wait_for(LAST, forgets=False) - began
        program.settle(1.0)
        cpu, memory = program.cpu_s(), program.resident_mb()
    with bench.started(f"beside-paced-{number}") as program:
        program.ask(_PACED)
        return _Side(wall, cpu, memory, *_paced(program))


def _theirs(bench: Bench, path: str) -> _Side:
    with asked(bench, CODEX, path, _FULL) as program:
        wall = program.wait_for(CODEX.done) - bench.times()["came"]
        program.settle(1.0)
        cpu, memory = program.cpu_s(), program.resident_mb()
    with asked(bench, CODEX, path, _PACED) as program:
        return _Side(wall, cpu, memory, *_paced(program))


def _paced(program: Program) -> tuple[float, float, list[float]]:
    """The CPU and the bytes of a stream, then how late keys come while it goes on."""
    program.wait_for("lazy")
    program.settle(2.0)
    load, kb_s = watched(program)
    return load, kb_s, echo_delays(program, _KEYS)


def _rows(ours: list[_Side], theirs: list[_Side]) -> list[Row]:
    full = "40,000 chunks at full speed"
    figures: tuple[tuple[str, Callable[[_Side], float], str, float | None], ...] = (
        (f"{full}, until the last text", lambda side: side.wall_s, "s", 0.5),
        (f"{full}, CPU with the start", lambda side: side.cpu_s, "s", 0.5),
        (f"{full}, memory afterwards", lambda side: side.memory_mb, "MB", None),
        ("400 chunks/s, CPU", lambda side: side.load, "%", 1.0),
        ("400 chunks/s, to the terminal", lambda side: side.kb_s, "kB/s", None),
        ("key echo at 400 chunks/s, median", lambda side: at(side.echoes_s, 0.5), "ms", None),
        ("key echo at 400 chunks/s, p99", lambda side: at(side.echoes_s, 0.99), "ms", None),
    )
    rows = []
    for what, value, unit, target in figures:
        a, b = [value(side) for side in ours], [value(side) for side in theirs]
        ratio = statistics.median(one / other for one, other in zip(a, b, strict=True))
        detail = (
            f"{written(statistics.median(a), unit)}; codex {written(statistics.median(b), unit)}"
        )
        rows.append(Row(f"{what} / codex's", ratio, "x", target, detail))
    return rows
