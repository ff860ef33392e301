"""The test command, `python -m tests`: lint, types, architecture, advisories, tests.

The samples of the heavy suites wait for processes more than they work: they run beside the
other tests, and what they print comes last.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
_LINT_IMPORTS = "from importlinter.cli import lint_imports_command as c; c()"
STEPS = (
    ("format", ["-m", "ruff", "format", "--check", "--quiet", "."]),
    ("lint", ["-m", "ruff", "check", "--quiet", "."]),
    ("types", ["-m", "mypy"]),
    ("floors", ["-c", _LINT_IMPORTS]),
    ("audit", ["-m", "tests.audit"]),
)
HEAVY = ("tests/faults", "tests/hostile")


def main() -> int:
    """Run every step; the first failing one's status."""
    for name, arguments in STEPS:
        print(f"── {name}", flush=True)
        status = subprocess.run([sys.executable, *arguments], cwd=ROOT, check=False).returncode
        if status:
            print(f"{name} failed", file=sys.stderr)
            return status
    status = run_tests()
    if status:
        print("tests failed", file=sys.stderr)
    return status


def run_tests() -> int:
    """Both halves of the tests at once; the status of one that failed."""
    pytest = [sys.executable, "-m", "pytest"]
    print("── tests", flush=True)
    with tempfile.TemporaryFile() as printed:
        heavy = subprocess.Popen([*pytest, *HEAVY], cwd=ROOT, stdout=printed, stderr=printed)
        try:
            rest = [*pytest, *(f"--ignore={folder}" for folder in HEAVY)]
            status = subprocess.run(rest, cwd=ROOT, check=False).returncode
            heavy_status = heavy.wait()
        finally:
            heavy.kill()
        print(f"── tests: a sample of {' and '.join(HEAVY)}", flush=True)
        printed.seek(0)
        sys.stdout.write(printed.read().decode("utf-8", "replace"))
    return status or heavy_status


if __name__ == "__main__":
    sys.exit(main())
