"""The test command, `python -m tests`: lint, types, architecture, advisories, tests.

It runs a sample of the tests that start an app or a process; `--every` runs all of them. Its
arguments go to pytest.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.suite import GUARD_REACHED

ROOT = Path(__file__).parent.parent
_LINT_IMPORTS = "from importlinter.cli import lint_imports_command as c; c()"
# Many tests wait for processes more than they work; an idle worker takes the next test.
_PARALLEL = ("-n", "4", "--dist", "worksteal")
# A failed test runs up to twice more, after a pause, and the summary names it: a fault of the
# program fails each time, a wait that was too short on a loaded machine does not. An exception
# that reached the last guard is a fault the first time.
_RETRY = ("--reruns", "2", "--reruns-delay", "2", "-rR", "--rerun-except", GUARD_REACHED)
# The pictures of the tests that are left out are unused, which is no fault then.
_SAMPLE = () if "--every" in sys.argv else ("--sample", "--snapshot-warn-unused")
STEPS = (
    ("format", ["-m", "ruff", "format", "--check", "--quiet", "."]),
    ("lint", ["-m", "ruff", "check", "--quiet", "."]),
    ("types", ["-m", "mypy"]),
    ("floors", ["-c", _LINT_IMPORTS]),
    ("audit", ["-m", "tests.audit"]),
    ("tests", ["-m", "pytest", *_PARALLEL, *_RETRY, *_SAMPLE, *sys.argv[1:]]),
)
# Each process that runs tests imports all of them. What is compiled once is read by the others,
# which takes them half the time.
_COMPILING = ("-m", "pytest", "-n", "0", "--collect-only")
_ENVIRONMENT = {n: v for n, v in os.environ.items() if n != "PYTHONDONTWRITEBYTECODE"}


def main() -> int:
    """Run every step; the first failing one's status."""
    # The types are checked by one process: another core compiles the tests meanwhile.
    compiling = _start(*_COMPILING, output=subprocess.DEVNULL)
    try:
        for name, arguments in STEPS:
            if name == "tests":
                compiling.wait()  # the tests themselves say what is wrong with them
            print(f"── {name}", flush=True)
            if status := _start(*arguments).wait():
                print(f"{name} failed", file=sys.stderr)
                return status
    finally:
        compiling.kill()
        compiling.wait()
    return 0


def _start(*arguments: str, output: int | None = None) -> "subprocess.Popen[bytes]":
    command = [sys.executable, *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=_ENVIRONMENT, stdout=output, stderr=output)


if __name__ == "__main__":
    sys.exit(main())
