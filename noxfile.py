"""Nox sessions: the tests on each supported Python, lint, types, and other library versions.

Nox is no dependency of ours: `pipx install nox`, or `pip install nox` in any environment.
"""

import nox

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
OLDEST = PYTHONS[0]
# Textual, the OpenAI SDK and the MCP SDK have private parts that the program uses; their tests
# and those of the rooms that use them show whether another version still fits.
SAMPLE = ("tests/domain", "tests/provider", "tests/toolbox", "tests/ui", "tests/test_internals.py")
CAPPED = ("textual", "openai", "mcp")

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.error_on_missing_interpreters = False


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The whole test suite on one Python. Arguments after `--` go to pytest."""
    session.install("-e", ".[dev,local]")
    session.run("python", "-m", "pytest", "-n", "3", "--dist", "worksteal", *session.posargs)


@nox.session(python=OLDEST)
def lint(session: nox.Session) -> None:
    """Format, lint and import contracts."""
    session.install("-e", ".[dev]")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("lint-imports")


@nox.session(python=OLDEST)
def types(session: nox.Session) -> None:
    """Static types of the program, its tests and benchmarks."""
    session.install("-e", ".[dev,local]")
    session.run("python", "-m", "mypy")


@nox.session(python=PYTHONS[-1])
def newest(session: nox.Session) -> None:
    """A sample of the tests with the newest releases, beyond the caps in pyproject.toml."""
    session.install("-e", ".[dev,local]")
    session.install("--upgrade", "--upgrade-strategy", "eager", *CAPPED)
    session.run("python", "-m", "pip", "list")
    session.run("python", "-m", "pytest", "-n", "3", *(session.posargs or SAMPLE))


@nox.session(python=OLDEST)
def lowest(session: nox.Session) -> None:
    """The same sample with the oldest allowed releases of the capped libraries."""
    session.install("-e", ".[dev,local]")
    bounds = nox.project.load_toml("pyproject.toml")["project"]["dependencies"]
    oldest = [
        bound.split(",")[0].replace(">=", "==")
        for bound in bounds
        if bound.split(">=")[0] in CAPPED
    ]
    session.install(*oldest)
    session.run("python", "-m", "pytest", "-n", "3", *(session.posargs or SAMPLE))
