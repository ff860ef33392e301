"""The heavy suites: how large a run is, what its chances come from, and what it found.

`python -m tests` runs a sample of the costly tests, `python -m tests --every` all of them.
`python -m tests.faults` and `python -m tests.hostile` run their suites at full size, and take
`--seed` and `--size`.
"""

import argparse
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet

SAMPLE = 0.02
"""The size of a run within the test command, of the whole."""
_EVERY_NTH = {
    "tests/cli/": 3,
    "tests/context/": 2,
    "tests/docs/": 4,
    "tests/faults/": 3,
    "tests/follow/test_process": 2,
    "tests/hands/": 3,
    "tests/hostile/": 5,
    "tests/keeping/": 2,
    "tests/hub/postgres/test_command": 2,
    "tests/hub/test_command": 2,
    "tests/linear/": 2,
    "tests/local/": 2,
    "tests/models/": 2,
    "tests/parameters/": 2,
    "tests/pictures/": 3,
    "tests/prompts/": 3,
    "tests/provider/test_sent_back": 2,
    "tests/servers/": 2,
    "tests/snapshots/": 4,
    "tests/stories/": 4,
    "tests/toolbox/": 3,
    "tests/ui/": 4,
    "tests/watch/test_command": 3,
}
"""Which tests of the folders that start an app or a process run in the test command."""
GUARD_REACHED = "replyscope itself failed"
"""How a failure begins that says that an exception reached the last guard."""
_ROOT = Path(__file__).parents[2]


@dataclass
class Suite:
    """`size` 1.0 is the whole suite. One seed gives each test the same chances each time."""

    seed: int
    size: float
    found: list[str] = field(default_factory=list)

    def count(self, whole: int, *, least: int = 1) -> int:
        """How many of a whole suite's cases this run does."""
        return max(least, round(whole * self.size))

    def dice(self, name: str) -> random.Random:
        """Chances of a test's own: they stay the same whatever other tests run."""
        return random.Random(f"{self.seed}/{name}")

    def say(self, sentence: str) -> None:
        """Tell, after the run, what was done and found, in plain words."""
        self.found.append(sentence)


def sample(cases: Iterable[Any], count: int) -> list[ParameterSet]:
    """The cases of a costly table; the test command runs `count` of them, evenly spread.

    `python -m tests --every` runs them all.
    """
    table = [_as_parameters(case) for case in cases]
    step = (len(table) - 1) / max(1, count - 1)
    run = {round(number * step) for number in range(count)}
    return [
        case if number in run else case._replace(marks=(*case.marks, pytest.mark.spare))
        for number, case in enumerate(table)
    ]


def sampled(items: list[pytest.Item]) -> list[pytest.Item]:
    """Of each file of the costly folders, every n-th test, with its first."""
    numbers: Counter[str] = Counter()
    kept = []
    for item in items:
        file = item.nodeid.partition("::")[0]
        every = next((n for folder, n in _EVERY_NTH.items() if file.startswith(folder)), 1)
        if numbers[file] % every == 0:
            kept.append(item)
        numbers[file] += 1
    return kept


def _as_parameters(case: Any) -> ParameterSet:
    if isinstance(case, ParameterSet):
        return case
    return pytest.param(*case) if isinstance(case, tuple) else pytest.param(case)


def run_suite(name: str, about: str) -> int:
    """Run one suite as a command of its own; the exit status."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.{name}", description=about)
    parser.add_argument("--seed", type=int, default=1, help="what its chances come from")
    parser.add_argument("--size", type=float, default=1.0, help="1 is the whole; 0.1 a tenth")
    parser.add_argument("-k", dest="only", default="", help="only the tests of such names")
    chosen = parser.parse_args()
    argv = [sys.executable, "-m", "pytest", f"tests/{name}", "--timeout", "0"]
    argv += ["--seed", str(chosen.seed), "--size", str(chosen.size), "-k", chosen.only]
    return subprocess.run(argv, cwd=_ROOT, check=False).returncode
