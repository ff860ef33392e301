"""`python -m benchmarks [--runs N]`: one table. Ratios in one run, medians of several."""

import argparse
import json
import sqlite3
import statistics
import subprocess
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

from benchmarks.fill import fill_now
from benchmarks.server import LAST
from benchmarks.terminal import PYTHON, Program

FULL_SPEED = "40000 chunks at 0"


def median(runs: int, measure: Callable[[], float]) -> float:
    """The median of several runs."""
    return statistics.median(measure() for _ in range(runs))


def replyscope(folder: Path, base_url: str, *more: str) -> Program:
    """The chat on a data folder of its own."""
    env = {"REPLYSCOPE_DATA_DIR": str(folder), "REPLYSCOPE_CONFIG_DIR": str(folder / "config")}
    argv = [PYTHON, "-m", "replyscope", "--base-url", base_url, "--model", "bench", *more]
    return Program(argv, env)


def first_paint(start: Callable[[], Program], text: str) -> float:
    """Seconds from the start of the process to a text on the screen."""
    program = start()
    try:
        return program.wait_for(text) - program.started_s
    finally:
        program.close()


def measure_start(folder: Path, base_url: str, runs: int) -> list[str]:
    """First paint against a bare Textual app's."""
    ours: list[float] = []
    bare: list[float] = []
    argv = [PYTHON, "-m", "benchmarks.floors", "app"]
    for _ in range(runs + 1):
        ours.append(first_paint(lambda: replyscope(folder, base_url), "ype a message"))
        bare.append(first_paint(lambda: Program(argv, {}), "bare-app-is-here"))
    a, b = statistics.median(ours[1:]), statistics.median(bare[1:])
    return ["first paint / bare Textual app", f"{a / b:.2f}x", "1.4x", f"{a:.2f} s / {b:.2f} s"]


def measure_opening(folder: Path, base_url: str, runs: int) -> list[list[str]]:
    """Opening a session of 1,000 messages against opening an empty one."""
    fill_now(folder / "full", 1_000)
    fill_now(folder / "empty", 2)
    took: dict[str, list[float]] = {"full": [], "empty": []}
    size: dict[str, list[float]] = {"full": [], "empty": []}
    for _ in range(runs):
        for name, marker in (("full", "Point 499"), ("empty", "Point 0")):
            program = replyscope(folder / name, base_url, "--session", "bench")
            try:
                took[name].append(program.wait_for(marker) - program.started_s)
                program.settle()
                size[name].append(program.resident_mb())
            finally:
                program.close()
    a, b = statistics.median(took["full"]), statistics.median(took["empty"])
    more = statistics.median(size["full"]) - statistics.median(size["empty"])
    return [
        ["1,000 messages open after an empty session", f"{a - b:+.2f} s", "0.3 s", f"{a:.2f} s"],
        ["memory for 1,000 messages", f"{more:+.0f} MB", "40 MB", ""],
    ]


def measure_stream(folder: Path, base_url: str, runs: int) -> list[list[str]]:
    """40,000 chunks at full speed: CPU against the SDK's bare loop, lag of the last text."""
    ratios: list[float] = []
    lags: list[float] = []
    peaks: list[float] = []
    details = ""
    for number in range(runs):
        argv = [PYTHON, "-m", "benchmarks.floors", "loop", base_url, FULL_SPEED]
        floor = float(subprocess.run(argv, capture_output=True, text=True).stdout.split()[0])
        data = folder / f"stream{number}"
        program = replyscope(data, base_url)
        try:
            program.wait_for("ype a message")
            program.settle(2.0)
            idle_mb = program.resident_mb()
            cpu = program.cpu_s()
            program.type(FULL_SPEED)
            program.settle(0.3)
            began = time.monotonic()
            program.type("\r")
            shown = program.wait_for(LAST)
            program.wait_for("● stop")
            used = program.cpu_s() - cpu
            peaks.append(program.resident_mb() - idle_mb)
            program.settle(1.0)  # the last frames are committed a quarter second later
        finally:
            program.close()
        ratios.append(used / floor)
        details = f"{used:.1f} s / {floor:.1f} s"
        lags.append(shown - began - last_frame_s(data))
    lag, peak = statistics.median(lags), statistics.median(peaks)
    return [
        [
            "40,000 chunks, CPU / SDK's bare loop",
            f"{statistics.median(ratios):.2f}x",
            "2x",
            details,
        ],
        ["40,000 chunks, last text after last byte", f"{lag * 1000:.0f} ms", "300 ms", ""],
        ["40,000 chunks, memory over idle", f"{peak:+.0f} MB", "", ""],
    ]


def last_frame_s(folder: Path) -> float:
    """When the last text left the socket, in seconds since the request, as recorded."""
    connection = sqlite3.connect(folder / "sessions.db")
    rows = connection.execute("SELECT frames FROM segment ORDER BY number").fetchall()
    connection.close()
    frames = [frame for (data,) in rows for frame in json.loads(zlib.decompress(data))]
    at_ms: float = next(at for at, text in reversed(frames) if LAST in text)
    return at_ms / 1000


def measure_echo(folder: Path, base_url: str) -> list[str]:
    """Key to screen while 400 chunks come per second."""
    program = replyscope(folder / "echo", base_url)
    delays: list[float] = []
    try:
        program.wait_for("ype a message")
        program.settle(2.0)
        program.type("8000 chunks at 400\r")
        program.wait_for("lazy")
        marks = "QXZJKVWY"
        for number in range(240):
            mark = marks[number % len(marks)]
            began = time.monotonic()
            program.output.clear()
            program.type(mark)
            try:
                delays.append(program.wait_for(mark, 1.0) - began)
            except TimeoutError:
                delays.append(1.0)
            pause = time.monotonic() + 0.05
            while time.monotonic() < pause:
                program.read(0.01)
    finally:
        program.close()
    delays.sort()
    middle, worst = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
    text = f"{worst * 1000:.0f} ms"
    return [
        "key echo at 400 chunks/s, 99th percentile",
        text,
        "50 ms",
        f"median {middle * 1e3:.0f} ms",
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--runs", type=int, default=3)
    runs: int = parser.parse_args().runs
    argv = [PYTHON, "-m", "benchmarks.server"]
    with (
        tempfile.TemporaryDirectory() as name,
        subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server,
    ):
        assert server.stdout is not None
        base_url = f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
        folder = Path(name)
        try:
            rows = [measure_start(folder / "start", base_url, runs)]
            rows += measure_opening(folder, base_url, runs)
            rows += measure_stream(folder, base_url, runs)
            rows.append(measure_echo(folder, base_url))
        finally:
            server.kill()
    print(f"{'measure':<46} {'result':>9} {'target':>8}  detail")
    for row in rows:
        print(f"{row[0]:<46} {row[1]:>9} {row[2]:>8}  {row[3]}")


if __name__ == "__main__":
    main()
