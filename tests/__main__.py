"""The test command, `python -m tests`: lint, types, architecture, advisories, tests."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
STEPS = (
    ("format", ["ruff", "format", "--check", "--quiet", "."]),
    ("lint", ["ruff", "check", "--quiet", "."]),
    ("types", ["mypy"]),
    ("floors", ["importlinter.cli", "lint"]),
    ("audit", ["tests.audit"]),
    ("tests", ["pytest"]),
)


def main() -> int:
    """Run every step; the first failing one's status."""
    for name, command in STEPS:
        print(f"── {name}", flush=True)
        module, *rest = command
        if module == "importlinter.cli":
            argv = [
                sys.executable,
                "-c",
                "from importlinter.cli import lint_imports_command as c; c()",
            ]
        else:
            argv = [sys.executable, "-m", module, *rest]
        status = subprocess.run(argv, cwd=ROOT, check=False).returncode
        if status:
            print(f"{name} failed", file=sys.stderr)
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
