"""What an idle app keeps in memory, by the package that created it, as tracemalloc says.

`python -X tracemalloc -m benchmarks.memory FILE ARGUMENT …` runs the app and writes the sums to
FILE when it is quiet.
"""

import json
import sys
import threading
import time
import tracemalloc
from collections import defaultdict
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.row import Row
from benchmarks.terminal import PYTHON, Program

_QUIET_S = 15.0
_LONGEST_S = 90.0
_LEAST_MB = 0.5
"""Packages with less are summed."""


def measure_memory(bench: Bench) -> list[Row]:
    """The memory of Python objects in an idle app, by package."""
    folder = bench.folder / "memory"
    folder.mkdir()
    written = folder / "sums.json"
    argv = [PYTHON, "-X", "tracemalloc", "-m", "benchmarks.memory", str(written)]
    options = ["--base-url", bench.base_url, "--model", "bench"]
    env = {"REPLYSCOPE_DATA_DIR": str(folder), "REPLYSCOPE_CONFIG_DIR": str(folder)}
    with Program([*argv, *options], env) as program:
        ends_s = time.monotonic() + _LONGEST_S
        while not written.exists() and time.monotonic() < ends_s:
            program.settle(1.0)
    sums: dict[str, float] = json.loads(written.read_text())
    small = sum(size for size in sums.values() if size < _LEAST_MB)
    shown = sorted(((size, name) for name, size in sums.items() if size >= _LEAST_MB), reverse=True)
    rows = [Row(f"idle, objects of {name}", size, "MB") for size, name in shown]
    return [*rows, Row("idle, objects of all others", small, "MB")]


def sums_by_package() -> dict[str, float]:
    """The traced memory in MB by top-level package; modules of the standard library are one."""
    sums: defaultdict[str, float] = defaultdict(float)
    for one in tracemalloc.take_snapshot().statistics("filename"):
        sums[_package(one.traceback[0].filename)] += one.size / 1e6
    return dict(sums)


def _package(path: str) -> str:
    parts = Path(path).parts
    for folder in ("site-packages", "src"):
        if folder in parts:
            return parts[parts.index(folder) + 1].removesuffix(".py")
    return "imported code" if path.startswith("<frozen") else "the standard library"


def _write_when_quiet(path: Path) -> None:
    time.sleep(_QUIET_S)
    text = json.dumps(sums_by_package())
    part = path.with_suffix(".part")
    part.write_text(text)
    part.rename(path)


if __name__ == "__main__":
    from replyscope.cli.main import main

    written = Path(sys.argv[1])
    threading.Thread(target=_write_when_quiet, args=(written,), daemon=True).start()
    sys.exit(main(sys.argv[2:]))
