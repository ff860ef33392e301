"""`python -m benchmarks.review --folder DIR`: the review screen, as a terminal shows it.

DIR is a data folder that `python -m benchmarks.archive --folder DIR` filled. Opening is
measured in turn with a folder in which nothing is saved; typing while each key asks for
an alternative of a word that most replies have; scrolling with a key that is held down.
"""

import argparse
import re
import sqlite3
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import Bench, open_bench
from benchmarks.fill import fill_now
from benchmarks.row import Row, print_table
from benchmarks.streaming import at, echo_delays
from benchmarks.terminal import Program

_F3, _PAGE_DOWN, _END, _HOME = "\x1bOR", "\x1b[6~", "\x1b[F", "\x1b[H"
_KEYS = 200
_REPEAT_S = 1 / 30
_COMMON = "sepan or "
_EMPTY = "No replies yet"


@dataclass(frozen=True, slots=True)
class Archive:
    """What there is in a data folder: the titles of its ends, and how many replies."""

    folder: Path
    newest: str
    oldest: str
    replies: int

    @property
    def counted(self) -> str:
        """How the screen writes the number beside the place of the highlight."""
        return f"/{self.replies:,} replies"

    def place(self, screen: str) -> int:
        """The place of the highlight on a screen, counted from 1."""
        found = re.search(rf"([\d,]+){self.counted}", screen)
        assert found is not None, screen
        return int(found[1].replace(",", ""))


def read_archive(folder: Path) -> Archive:
    """Look into a folder that is filled."""
    connection = sqlite3.connect(folder / "sessions.db")
    titles = [
        connection.execute(
            f"SELECT title FROM session ORDER BY created_at {order} LIMIT 1"
        ).fetchone()[0]
        for order in ("DESC", "ASC")
    ]
    (replies,) = connection.execute("SELECT count(*) FROM fact").fetchone()
    connection.close()
    return Archive(folder, titles[0], titles[1], replies)


def measure_review(bench: Bench, folder: Path) -> list[Row]:
    """Opening, finding, typing, scrolling, and a long session beside the results."""
    archive = read_archive(folder)
    rows = [_opening(bench, archive)]
    with bench.started(str(folder)) as program:
        _open(program, archive)
        rows += [_finding(program, bench.runs), *_typing(program)]
    with bench.started(str(folder)) as program:
        _open(program, archive)
        rows += _scrolling(program, archive)
    return [*rows, _long_session(bench)]


def _open(program: Program, archive: Archive) -> None:
    program.type(_F3)
    program.wait_for(archive.counted)
    program.settle(1.0)


def _opening(bench: Bench, archive: Archive) -> Row:
    """From the key to the first results, in turn with an archive that has none."""
    took: dict[str, list[float]] = {"full": [], "empty": []}
    for number in range(bench.runs):
        places = (
            ("full", str(archive.folder), f"  {archive.newest}"),
            ("empty", f"review-{number}", _EMPTY),
        )
        for name, place, marker in places:
            with bench.started(place) as program:
                program.forget()
                began = time.monotonic()
                program.type(_F3)
                took[name].append(program.wait_for(marker) - began)
    full, empty = (statistics.median(took[name]) for name in ("full", "empty"))
    detail = f"{full:.2f} s; with nothing saved {empty:.2f} s"
    return Row("the review screen opens after an empty one", full - empty, "s", 0.3, detail)


def _finding(program: Program, runs: int) -> Row:
    """From the last key of a rare word to the reply that has it."""
    delays = []
    for number in range(100, 100 + 10 * max(1, runs)):
        program.type(f'\x15"zyzzyva{number * 50}')  # Ctrl+U empties the line
        program.settle(0.4)
        began = time.monotonic()
        program.type('"')
        delays.append(program.wait_for(f"Session {number * 5}", 5.0) - began)
        program.settle(0.2)
    delays.sort()
    detail = f"worst {delays[-1] * 1000:.0f} ms; a pause of 40 ms before is part of it"
    return Row("from the last key to what is found", at(delays, 0.5), "ms", 150, detail)


def _typing(program: Program) -> list[Row]:
    """Key to screen while each key asks for what nearly all replies have."""
    program.type(f"\x15{_COMMON}")
    program.settle(1.0)
    delays = echo_delays(program, _KEYS)
    detail = f"worst {delays[-1] * 1000:.0f} ms"
    return [
        Row("key echo while a query is asked, median", at(delays, 0.5), "ms", 16),
        Row("key echo while a query is asked, 99th percentile", at(delays, 0.99), "ms", 50, detail),
    ]


def _scrolling(program: Program, archive: Archive) -> list[Row]:
    """A held page key, and the way to the last reply."""
    program.type("\r")  # to the results
    program.settle(0.5)
    before = program.resident_mb()
    first = archive.place(program.screen.text())
    program.type(_PAGE_DOWN)
    program.settle(0.5)
    step = archive.place(program.screen.text()) - first
    delays = []
    for number in range(2, _KEYS + 2):
        began = time.monotonic()
        program.type(_PAGE_DOWN)
        # Only the cells that change are sent, so the place is waited for, not the count.
        shown = program.wait_for(f" {first + number * step:,}{archive.counted}", 5.0)
        delays.append(shown - began)
        while time.monotonic() < began + _REPEAT_S:
            program.read(0.005)
    delays.sort()
    program.settle(1.0)
    program.type(_HOME)
    program.settle(1.0)
    began = time.monotonic()
    program.type(_END)
    end = program.wait_for(f"  {archive.oldest} ", 20.0) - began
    program.settle(1.0)
    detail = f"worst {delays[-1] * 1000:.0f} ms"
    what = f"a page of {archive.replies:,} results"
    return [
        Row(f"{what}, median", at(delays, 0.5), "ms", 50),
        Row(f"{what}, 99th percentile", at(delays, 0.99), "ms", 100, detail),
        Row(f"the last of {archive.replies:,} results", end * 1000, "ms", 300),
        Row("memory after scrolling", program.resident_mb() - before, "MB"),
    ]


def _long_session(bench: Bench) -> Row:
    """A session of 10,000 messages beside its replies, in turn with one of two."""
    took: dict[int, list[float]] = {2: [], 10_000: []}
    for count in took:
        fill_now(bench.folder / f"review-long-{count}", count)
    for _ in range(bench.runs):
        for count, delays in took.items():
            with bench.started(f"review-long-{count}") as program:
                program.settle(2.0)  # its replies are taken into the index
                program.type(_F3)
                began = time.monotonic()
                delays.append(program.wait_for(f"question {count // 2 - 1}") - began)
    long, short = statistics.median(took[10_000]), statistics.median(took[2])
    detail = f"{long:.2f} s; with 2 messages {short:.2f} s"
    return Row("10,000 messages beside the results, after two", long - short, "s", 0.5, detail)


def main() -> None:
    """Measure it alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    with open_bench(arguments.runs) as bench:
        print_table("Reviewing", measure_review(bench, arguments.folder.absolute()))


if __name__ == "__main__":
    main()
