"""`python -m benchmarks [--runs N] [--only GROUP …] [--write | --check]`: what it costs."""

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from benchmarks.archive import ARCHIVE, measure_archive
from benchmarks.bench import Bench, open_bench
from benchmarks.conversations import measure_conversations
from benchmarks.hands import measure_attaching, measure_picker
from benchmarks.hub import measure_hub
from benchmarks.hub_first_sync import measure_first_sync
from benchmarks.hub_large import measure_hub_large
from benchmarks.hub_postgres import measure_hub_postgres
from benchmarks.keeping import measure_backup
from benchmarks.large import measure_large
from benchmarks.latency import measure_latency
from benchmarks.leaks import measure_leaks
from benchmarks.line import measure_line
from benchmarks.memory import measure_memory
from benchmarks.multiplexers import measure_multiplexers
from benchmarks.opening import (
    measure_context,
    measure_opening,
    measure_resizing,
    measure_switching,
)
from benchmarks.peers import measure_peers
from benchmarks.results import read_results, worse_ratios, write_results
from benchmarks.review import measure_review
from benchmarks.row import Row, print_table
from benchmarks.shapes import measure_four, measure_long_lines, measure_shapes
from benchmarks.side_by_side import measure_side_by_side
from benchmarks.starting import measure_idle, measure_start, measure_start_cpu
from benchmarks.streaming import measure_echo, measure_full_speed, measure_paced
from benchmarks.watch import measure_watch

Measure = Callable[[Bench], list[Row]]


def _measure_review(bench: Bench) -> list[Row]:
    return measure_review(bench, bench.folder / ARCHIVE)


GROUPS: dict[str, tuple[str, tuple[Measure, ...]]] = {
    "start": ("Starting and waiting", (measure_start, measure_start_cpu, measure_idle)),
    "memory": ("Memory of an idle app, by package", (measure_memory,)),
    "latency": ("One message", (measure_latency,)),
    "full": ("Replies at full speed", (measure_full_speed,)),
    "paced": ("Replies at the pace of servers", (measure_paced, measure_echo)),
    "codex": ("Beside codex", (measure_side_by_side,)),
    "line": ("Over a slow line", (measure_line,)),
    "multiplexers": ("In a terminal multiplexer", (measure_multiplexers,)),
    "shapes": (
        "Awkward replies, and several at once",
        (measure_shapes, measure_long_lines, measure_four),
    ),
    "opening": (
        "Sessions",
        (measure_opening, measure_switching, measure_context, measure_resizing),
    ),
    "hands": ("Choosing and attaching", (measure_picker, measure_attaching)),
    "archive": ("A large archive", (measure_archive, _measure_review)),
    "large": ("An archive of 500,000 replies", (measure_large,)),
    "backup": ("A backup of a large archive", (measure_backup,)),
    "watch": ("Watching another program", (measure_watch,)),
    "conversations": ("Conversations of watched programs", (measure_conversations,)),
    "hub-postgres": ("A hub in PostgreSQL", (measure_hub_postgres, measure_first_sync)),
    "hub-large": ("A large hub in PostgreSQL", (measure_hub_large,)),
    "hub": ("A hub in a folder", (measure_hub,)),
    "peers": ("Others on the PATH", (measure_peers,)),
    "leaks": ("Long use", (measure_leaks,)),
}

_USUAL = [name for name in GROUPS if name not in ("large", "hub-large")]
"""The groups of a run without --only; building the large ones takes half an hour and an hour."""


def main() -> int:
    """Measure, print each group when it is done, and write or check the figures. Returns the
    exit status: 1 when a ratio is worse than the committed one by more than a quarter.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="of each measure; medians are told")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=_USUAL)
    wish = parser.add_mutually_exclusive_group()
    wish.add_argument("--write", action="store_true", help="write RESULTS.md and its chart")
    wish.add_argument(
        "--check", action="store_true", help="fail when a ratio got worse by more than a quarter"
    )
    chosen = parser.parse_args()
    titles = [title for title, _ in GROUPS.values()]
    known = read_results()
    worse: list[Row] = []
    with open_bench(chosen.runs) as bench:
        for name in chosen.only:
            title, measures = GROUPS[name]
            rows = [row for measure in measures for row in measure(bench)]
            if rows:
                print_table(title, rows)
            if rows and chosen.write:
                write_results({title: rows}, titles, datetime.now(UTC))
            worse += worse_ratios(rows, known.get(title, ()))
    if not chosen.check:
        return 0
    print(f"\n{len(worse)} ratios are worse than the committed ones by more than a quarter")
    for row in worse:
        print(f"  {row.what}: {row.was} before, {row.result} now")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
