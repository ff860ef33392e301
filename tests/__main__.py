"""The test command, `python -m tests`: lint, types, architecture, advisories, tests.

It runs a sample of the tests that start an app or a process; `--every` runs all of them. Its
arguments go to pytest.
"""

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


def main() -> int:
    """Run every step; the first failing one's status."""
    for name, arguments in STEPS:
        print(f"── {name}", flush=True)
        status = subprocess.run([sys.executable, *arguments], cwd=ROOT, check=False).returncode
        if status:
            print(f"{name} failed", file=sys.stderr)
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
