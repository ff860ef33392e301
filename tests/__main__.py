"""The test command, `python -m tests`: lint, types, architecture, advisories, tests."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
_LINT_IMPORTS = "from importlinter.cli import lint_imports_command as c; c()"
STEPS = (
    ("format", ["-m", "ruff", "format", "--check", "--quiet", "."]),
    ("lint", ["-m", "ruff", "check", "--quiet", "."]),
    ("types", ["-m", "mypy"]),
    ("floors", ["-c", _LINT_IMPORTS]),
    ("audit", ["-m", "tests.audit"]),
    # Many tests wait for processes more than they work; whoever is idle takes the next.
    ("tests", ["-m", "pytest", "-n", "3", "--dist", "worksteal"]),
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
